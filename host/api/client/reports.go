package client

import (
	"context"
	"fmt"
	"net/http"
	"regexp"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
)

// Reports lists why requests to an app have failed, the newest first.
func (c *Client) Reports(ctx context.Context, app space.AppName) (wire.Reports, error) {
	var answer wire.Reports
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	err = c.short(ctx, http.MethodGet, &answer, "apps", name, "reports")
	return answer, err
}

// Report tells why one request to an app has failed; id is the error id that its
// visitor saw.
func (c *Client) Report(ctx context.Context, app space.AppName, id string) (reports.Report, error) {
	var answer reports.Report
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	if !regexp.MustCompile(`^[a-z0-9]{1,40}$`).MatchString(id) { // it would address something else
		return answer, fmt.Errorf("%.40q is no error id: it has small letters and digits, as the page or X-Space-Request-Id shows it", id)
	}
	err = c.short(ctx, http.MethodGet, &answer, "apps", name, "reports", id)
	return answer, err
}
