package client

import (
	"context"
	"net/http"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// Domains lists the domains of an app.
func (c *Client) Domains(ctx context.Context, app space.AppName) (wire.Domains, error) {
	var answer wire.Domains
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	err = c.short(ctx, http.MethodGet, &answer, "apps", name, "domains")
	return answer, err
}

// AddDomain has an app answer at a host; it is no error if it does already.
func (c *Client) AddDomain(ctx context.Context, app space.AppName, host space.Domain) (wire.Domain, error) {
	var answer wire.Domain
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	if host, err = space.ParseDomain(string(host)); err != nil {
		return answer, err // it would address something else
	}
	err = c.short(ctx, http.MethodPut, &answer, "apps", name, "domains", string(host))
	return answer, err
}

// RemoveDomain has an app not answer at a host any more.
func (c *Client) RemoveDomain(ctx context.Context, app space.AppName, host space.Domain) error {
	name, err := segment(app)
	if err != nil {
		return err
	}
	if host, err = space.ParseDomain(string(host)); err != nil {
		return err // it would address something else
	}
	return c.short(ctx, http.MethodDelete, nil, "apps", name, "domains", string(host))
}
