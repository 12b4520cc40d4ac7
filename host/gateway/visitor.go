package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// appKeyHeader is where a program shows the key that an app's owner gave it, and
// microKeyHeader where a Micro shows that it is of the same app.
const (
	appKeyHeader   = "X-Space-App-Key"
	microKeyHeader = "X-Api-Key"
)

// deta is the Server of the platform's refusals. Deta's pages told its 401 from an
// app's own by how it begins.
const deta = "Deta (spacewasm)"

// admit decides whether a request that came to a place may go to a Micro, at the path that
// this will see.
// It tells whether the request is the owner's.
func (g *Gateway) admit(r *http.Request, app *registry.App, at place, micro space.Micro, seen micropath) (owner bool, err error) {
	reserved, err := judgePlain(seen.decoded, seen.raw, micro.IsForPlatform)
	if err != nil {
		return false, err
	}
	open := micro.Public
	if !open {
		if open, err = judge(seen.decoded, seen.raw, micro.IsOpen); err != nil {
			return false, err
		}
	}
	// Of an open path the answer is the same for all, and who asks is only looked at
	// where the owner learns more.
	owner, forged := g.isOwner(r, app.App, at)
	switch {
	case owner:
		return true, nil
	case !reserved && g.hasKey(r, app.App, micro):
		return false, nil
	case forged && (reserved || !open):
		return false, space.Errorf(space.CodeForbidden, "the request came from another site than the app's own, and does not count as yours")
	case reserved:
		return false, space.Errorf(space.CodeForbidden, "only the platform and the app's owner call a Scheduled Action")
	case open:
		return false, nil
	}
	return false, unauthorized()
}

func unauthorized() error {
	return space.Errorf(space.CodeUnauthorized, "this Micro is private: its owner logs in with a browser, or sends an admin token as a bearer token; "+
		"a program sends a key of the app as %s, if the Micro takes keys", appKeyHeader)
}

// hasKey tells whether a program shows a key that lets it in: one of the app's, where
// the Micro takes such, or the one that the app's Micros have.
func (g *Gateway) hasKey(r *http.Request, app space.App, micro space.Micro) bool {
	if key := r.Header.Get(appKeyHeader); micro.APIKeys && key != "" && g.config.Guard.HasAppKey(app.Name, key) {
		return true
	}
	return same(r.Header.Get(microKeyHeader), app.APIKey)
}

// same compares secrets; none is like no other.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// isOwner tells whether a request to an app's place is the owner's: by a token, or by the
// session of a browser, which at an open server is anybody's. forged is one that has the
// session, and that another site has made.
func (g *Gateway) isOwner(r *http.Request, app space.App, at place) (owner, forged bool) {
	if g.config.Guard.Admin(r) {
		return true, false
	}
	if g.config.Open { // but not to the pages that its developer happens to visit
		own := g.isOwnDoing(r)
		return own, !own
	}
	if _, ok := g.session(r, g.audience(app, at)); !ok {
		return false, false
	}
	own := g.isOwnDoing(r)
	return own, !own
}

// isOwnDoing tells whether a browser's request was made by the app itself or by its
// user, rather than by another site: apps are sub-domains of one domain, so that
// browsers send the cookie along with what one asks of another.
func (g *Gateway) isOwnDoing(r *http.Request) bool {
	site, mode, dest := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	if origin := r.Header.Get("Origin"); site == "" && origin != "" {
		// Browsers say where a request comes from by Sec-Fetch-Site to hosts with TLS only.
		u, err := url.Parse(origin)
		return err == nil && strings.EqualFold(u.Host, r.Host)
	}
	if isSafe(r.Method) {
		return site == "" || site == "same-origin" || site == "none" || (mode == "navigate" && dest == "document")
	}
	return g.crossOrigin.Check(r) == nil
}

// isSafe tells whether a method changes nothing (RFC 9110 section 9.2.1).
func isSafe(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}

// isNavigation tells whether a browser asks for a page to show.
func isNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return prefersHTML(r.Header.Get("Accept"))
}

// stripKeys takes the app's own key out of a Micro's request, whatever header it came
// in.
func stripKeys(h http.Header, app space.App) {
	for name, values := range h {
		if slices.ContainsFunc(values, func(v string) bool { return v == app.APIKey || v == app.Key }) {
			delete(h, name)
		}
	}
}

// digest is a short name of a secret.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
