package gateway

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// audience is where a session of the app counts: at this host, while the app has it. Who
// has the app's name, or the host, later has another.
func (g *Gateway) audience(app space.App, at place) string {
	to := "app " + string(app.Name) + " " + app.Key + " at "
	if d := at.domain; d.Host != "" {
		return to + string(d.Host) + " since " + strconv.FormatInt(d.Created.UnixMilli(), 10)
	}
	return to + g.home
}

// platformAudience is where the session of the platform's own host counts.
func (g *Gateway) platformAudience() string { return "platform at " + g.home }

// consoleAudience is where a session of the console counts.
func (g *Gateway) consoleAudience() string { return "console at " + g.home }

// tenure is an app's time at a host, or the platform's.
type tenure struct {
	// heir says that others answered there before, of whom browsers may keep something.
	heir bool
	// What no other tenure has together; with a secret, so that nobody can say that a browser
	// is fresh. An app has but one at a built-in host that was no domain, and no since.
	secret, host string
	since        time.Time
}

// tenureOf is the app's at a place. T14: an app that comes back to a domain has another
// than before, as what has answered between may have left something.
func (g *Gateway) tenureOf(app space.App, at place) tenure {
	if d := at.domain; d.Host != "" {
		return tenure{heir: d.Heir, secret: app.Key, host: at.host, since: d.Created}
	}
	if ended, ok := g.inherited(at, app); ok {
		return tenure{heir: true, secret: app.Key, host: at.host, since: ended}
	}
	return tenure{heir: app.Heir, secret: app.Key}
}

// ownTenure is the platform's at a host of its own. T14: that was a domain's, too, if the
// server has got it as its name since, and who types a token there is not to have it seen by
// a service worker.
func (g *Gateway) ownTenure(at place) tenure {
	ended, ok := g.inherited(at, space.App{})
	if !ok {
		return tenure{}
	}
	return tenure{heir: true, secret: g.config.Logins.Secret("platform"), host: at.host, since: ended}
}

// mark is what a browser remembers that has nothing of others.
func (t tenure) mark() string {
	if t.since.IsZero() {
		return digest(t.secret)
	}
	return digest(t.secret + " at " + t.host + " since " + strconv.FormatInt(t.since.UnixMilli(), 10))
}

// hostOf is the host of an address, in lower case and without the port, as cookies have it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil { // the host has checked it
		return address
	}
	return strings.ToLower(u.Hostname())
}
