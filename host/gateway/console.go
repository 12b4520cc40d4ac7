package gateway

import (
	"net/http"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/space"
)

// consoleLabel is the console's own host below the domain; no app can have the name. It is
// not the platform's host: that one's cookies and answers are the API's and the login's.
const consoleLabel space.AppName = "console"

// console answers on the console's host, to its owner's browser and to nobody else:
// tokens are for the API.
func (g *Gateway) console(w http.ResponseWriter, r *http.Request) error {
	switch {
	case r.URL.Path == landPath && r.Method == http.MethodGet:
		return g.landAt(w, r, g.consoleAudience())
	case r.URL.Path == logoutPath && r.Method == http.MethodPost:
		return g.endSession(w, r)
	}
	token, ok := g.session(r, g.consoleAudience())
	if g.config.Open {
		token, ok = access.FileToken, true
	}
	switch {
	case !ok && isNavigation(r):
		g.sendToLogin(w, r, consoleLabel, "")
		return nil
	case !ok:
		return space.Errorf(space.CodeUnauthorized, "the console is for browsers that have logged in; programs use the API at %s/api/v1", g.config.BaseURL)
	case !g.isOwnDoing(r): // apps are of the same site, and browsers send the cookie along
		return space.Errorf(space.CodeForbidden, "the request came from another site than the console, and does not count as yours")
	}
	g.config.Console.ServeHTTP(w, r.WithContext(access.WithOwner(r.Context(), token)))
	return nil
}

// toConsole tells whether a request to the platform's front page is a browser's, which
// the console is for.
func (g *Gateway) toConsole(r *http.Request) bool {
	return g.config.Console != nil && r.URL.Path == "/" && isNavigation(r) && prefersHTML(r.Header.Get("Accept"))
}

// isConsole tells whether a login is for the console.
func (g *Gateway) isConsole(name space.AppName) bool {
	return g.config.Console != nil && name == consoleLabel
}
