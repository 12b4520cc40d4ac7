package gateway

import (
	"slices"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// Customs are the domains at which apps answer beside their built-in hosts.
type Customs interface {
	// Find returns whose a host is, which is in lower case and without a port.
	Find(host string) (space.AppDomain, bool)
	// URL is where a domain is reached, with a slash at its end.
	URL(host space.Domain) string
	// Inherited tells of a host of the platform's whether another than the app, which at the
	// platform's own is the zero one, was the last to answer there as at a domain, and until
	// when.
	Inherited(host string, app space.App) (ended time.Time, ok bool)
}

// domain returns whose domain a host is. T18: what is the platform's is nobody's, also for
// those who do not ask as requests do.
func (g *Gateway) domain(host string) (space.AppDomain, bool) {
	if g.config.Customs == nil {
		return space.AppDomain{}, false
	}
	domain, ok := g.config.Customs.Find(host)
	if !ok || slices.ContainsFunc(g.config.Domains, domain.Host.IsWithin) {
		return space.AppDomain{}, false
	}
	return domain, true
}

// inherited tells of a host of the platform's until when it was another app's than this.
func (g *Gateway) inherited(at place, app space.App) (ended time.Time, ok bool) {
	if g.config.Customs == nil {
		return time.Time{}, false
	}
	return g.config.Customs.Inherited(at.host, app)
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
