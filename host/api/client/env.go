package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// Env lists the variables of an app, of one of its Micros if that is not "". Their
// values are there only with reveal.
func (c *Client) Env(ctx context.Context, app space.AppName, micro string, reveal bool) (wire.Env, error) {
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	query := url.Values{}
	if reveal {
		query.Set("reveal", "true")
	}
	return c.env(ctx, http.MethodGet, app, micro, query, nil)
}

// ChangeEnv changes the variables of an app, of one of its Micros if that is not "",
// and returns once the app answers with them. It sets no deadline, because Micros may
// initialise themselves again, which takes as long as it takes.
func (c *Client) ChangeEnv(ctx context.Context, app space.AppName, micro string, change wire.EnvChange) (wire.Env, error) {
	body, err := json.Marshal(change)
	if err != nil {
		return wire.Env{}, fmt.Errorf("encode a change: %w", err)
	}
	return c.env(ctx, http.MethodPatch, app, micro, url.Values{}, body)
}

func (c *Client) env(ctx context.Context, method string, app space.AppName, micro string, query url.Values, body []byte) (wire.Env, error) {
	var answer wire.Env
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	req, err := c.request(ctx, method, bytes.NewReader(body), "apps", name, "env")
	if err != nil {
		return answer, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if micro != "" {
		query.Set("micro", micro)
	}
	req.URL.RawQuery = query.Encode()
	err = c.call(req, &answer)
	return answer, err
}
