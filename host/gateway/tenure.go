package gateway

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

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

// tenure is an app's time at a host.
type tenure struct {
	// heir says that others answered there before, of whom browsers may keep something.
	heir bool
	// name is no other tenure's, and a secret; "" where nobody was before.
	name string
}

// tenureOf is the app's at a place. T14: an app that comes back to a domain has another
// than before, as what has answered between may have left something.
func (g *Gateway) tenureOf(app space.App, at place) tenure {
	switch d := at.domain; {
	case d.Host != "" && d.Heir:
		return tenure{true, fmt.Sprintf("%s at %s since %d", app.Key, d.Host, d.Created.UnixMilli())}
	case d.Host == "" && app.Heir:
		return tenure{true, app.Key}
	}
	return tenure{}
}

// hostOf is the host of an address, in lower case and without the port, as cookies have it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil { // the host has checked it
		return address
	}
	return strings.ToLower(u.Hostname())
}
