package gateway

import (
	"net/http"
	"time"
)

// freshTime is how long a browser remembers that it has nothing of a former app.
const freshTime = 400 * 24 * time.Hour // the longest that browsers take

// refresh has a browser forget what another app has left in it at the same host: cookies,
// storage, and service workers, which would go on answering for it. It tells whether
// the request is answered by that.
func (g *Gateway) refresh(w http.ResponseWriter, r *http.Request, stay tenure) bool {
	if !stay.heir || g.hasFresh(r, stay) {
		return false
	}
	header := w.Header()
	if r.Header.Get("Service-Worker") == "script" {
		// The former app's worker looks for a new version of itself.
		header.Set("Clear-Site-Data", `"cache", "storage"`)
		header.Set("Content-Type", "text/javascript; charset=utf-8")
		header.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("self.addEventListener('install', () => self.skipWaiting());\nself.addEventListener('activate', () => self.registration.unregister());\n"))
		return true
	}
	if dest := r.Header.Get("Sec-Fetch-Dest"); !isNavigation(r) || (dest != "" && dest != "document") {
		return false
	}
	// Not "cookies": that order reaches all hosts of the domain.
	header.Set("Clear-Site-Data", `"cache", "storage"`)
	for _, c := range r.Cookies() {
		if !isOurs(c.Name) {
			http.SetCookie(w, &http.Cookie{Name: c.Name, Path: "/", MaxAge: -1, Secure: g.secure}) //nolint:gosec // it is deleted
		}
	}
	g.setCookie(w, freshCookie, stay.mark(), freshTime)
	return false
}

// hasFresh tells whether a browser has nothing of a former app.
func (g *Gateway) hasFresh(r *http.Request, stay tenure) bool {
	want := stay.mark()
	for _, value := range g.cookies(r, freshCookie) {
		if same(value, want) {
			return true
		}
	}
	return false
}

// foreignCookies tells whether a request to an heir may carry cookies of the app before.
func (g *Gateway) foreignCookies(r *http.Request, stay tenure) bool {
	return stay.heir && isNavigation(r) && !g.hasFresh(r, stay)
}
