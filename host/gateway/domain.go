package gateway

import (
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// Customs are the domains at which apps answer beside their built-in hosts.
type Customs interface {
	// Find returns whose a host is, which is in lower case and without a port.
	Find(host string) (space.AppDomain, bool)
	// URL is where a domain is reached, with a slash at its end.
	URL(host space.Domain) string
}

// domain returns whose domain a host is.
func (g *Gateway) domain(host string) (space.AppDomain, bool) {
	if g.config.Customs == nil {
		return space.AppDomain{}, false
	}
	return g.config.Customs.Find(host)
}

// acquire returns the live app of a place. A domain is not for a later app of the name.
func (g *Gateway) acquire(at place) (*registry.App, func(), bool) {
	app, release, ok := g.config.Registry.Acquire(at.app)
	if ok && at.domain.Host != "" && at.domain.Key != app.App.Key {
		release()
		return nil, nil, false
	}
	return app, release, ok
}

// placeOf is where a login leads back to. T14: a host that is not a live app's is none.
func (g *Gateway) placeOf(form loginForm) (place, error) {
	at := place{app: space.AppName(form.App)}
	if form.Host == "" || g.isConsole(at.app) { // whose host is its own alone
		return at, nil
	}
	domain, ok := g.domain(form.Host)
	if !ok || domain.App != at.app {
		return place{}, space.Errorf(space.CodeNotFound, "the domain that wanted you to log in is not the app's any more")
	}
	at.domain = domain
	return at, nil
}

// address is where a place is reached, with a slash at its end.
func (g *Gateway) address(at place) string {
	if at.domain.Host != "" {
		return g.config.Customs.URL(at.domain.Host)
	}
	return g.config.AppURL(at.app)
}
