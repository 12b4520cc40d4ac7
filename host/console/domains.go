package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// domainsPart is where an app answers.
type domainsPart struct {
	App       space.AppName
	Addresses []address // the built-in one first
	// Platform is the host of the server, to which DNS leads already; "" if none does.
	Platform string
	Most     int
}

// address is a host at which an app answers.
type address struct {
	Host, URL string
	BuiltIn   bool
	Shadowed  bool // it has become the server's own, and does not count
	Added     time.Time
	Micros    []link
}

type link struct{ Name, Path, URL string }

func (c *console) domains(app *registry.App) domainsPart {
	name := app.App.Name
	part := domainsPart{App: name, Most: store.MaxDomains}
	if platform, err := space.ParseDomain(hostOf(c.BaseURL)); err == nil { // and not this machine
		part.Platform = string(platform)
	}
	own := c.URL(name)
	part.Addresses = append(part.Addresses, address{Host: hostOf(own), URL: own, BuiltIn: true, Micros: linksAt(own, app)})
	for _, d := range c.Domains.Of(name) {
		at := c.Domains.URL(d.Host)
		one := address{Host: string(d.Host), URL: at, Added: d.Created, Shadowed: !d.Shadowed.IsZero()}
		if !one.Shadowed {
			one.Micros = linksAt(at, app)
		}
		part.Addresses = append(part.Addresses, one)
	}
	return part
}

// Full tells whether the app has as many domains as it may.
func (p domainsPart) Full() bool { return len(p.Addresses) > p.Most }

// linksAt are the Micros of an app at an address with a slash at its end.
func linksAt(at string, app *registry.App) []link {
	var links []link
	for _, m := range app.Revision.Micros {
		links = append(links, link{Name: m.Name, Path: m.Path, URL: at + strings.TrimPrefix(m.Path, "/")})
	}
	return links
}

// hostOf is the host of an address, without the port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil { // the host has checked them
		return address
	}
	return u.Hostname()
}

// addDomain has the app answer at a host.
func (c *console) addDomain(w http.ResponseWriter, r *http.Request) error {
	return c.changeDomain(w, r, func(app space.AppName, host space.Domain) error {
		_, err := c.Domains.Add(r.Context(), app, host)
		return err
	})
}

// removeDomain has the app not answer at a host any more.
func (c *console) removeDomain(w http.ResponseWriter, r *http.Request) error {
	return c.changeDomain(w, r, func(app space.AppName, host space.Domain) error {
		return c.Domains.Remove(r.Context(), app, host)
	})
}

func (c *console) changeDomain(w http.ResponseWriter, r *http.Request, do func(space.AppName, space.Domain) error) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	host, err := space.ParseDomain(strings.TrimSpace(r.PostForm.Get("host")))
	if err != nil {
		return space.Errorf(space.CodeBadRequest, "%v", err)
	}
	if err := do(app, host); err != nil {
		return err
	}
	return back(w, pathOf(app)+"#domains")
}
