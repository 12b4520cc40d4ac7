package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

func (a *api) listDomains(c echo.Context) error {
	app, err := a.existing(c)
	if err != nil {
		return err
	}
	answer := wire.Domains{Domains: []wire.Domain{}}
	for _, domain := range a.Domains.Of(app) {
		answer.Domains = append(answer.Domains, a.describeDomain(domain))
	}
	return c.JSON(http.StatusOK, answer)
}

// addDomain answers 201 for a domain that is new to the app, and 200 for one that it has.
func (a *api) addDomain(c echo.Context) error {
	app, host, err := a.domainOf(c)
	if err != nil {
		return err
	}
	added, err := a.Domains.Add(c.Request().Context(), app, host)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if added {
		status = http.StatusCreated
		c.Response().Header().Set("Location", "/api/v1/apps/"+string(app)+"/domains/"+string(host))
	}
	domain, ok := a.Domains.Find(string(host))
	if !ok || domain.App != app {
		return space.Errorf(space.CodeNotFound, "the domain %s was removed as it was added", host)
	}
	return c.JSON(status, a.describeDomain(domain))
}

func (a *api) removeDomain(c echo.Context) error {
	app, host, err := a.domainOf(c)
	if err != nil {
		return err
	}
	if err := a.Domains.Remove(c.Request().Context(), app, host); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// domainOf is the app of the path, which there has to be, and the domain at its end.
func (a *api) domainOf(c echo.Context) (space.AppName, space.Domain, error) {
	app, err := a.existing(c)
	if err != nil {
		return "", "", err
	}
	host, err := space.ParseDomain(parameter(c, "host"))
	if err != nil {
		return "", "", space.Errorf(space.CodeBadRequest, "%v", err)
	}
	return app, host, nil
}

func (a *api) describeDomain(d space.AppDomain) wire.Domain {
	return wire.Domain{Host: string(d.Host), URL: a.Domains.URL(d.Host), Created: d.Created, Shadowed: !d.Shadowed.IsZero()}
}
