package gateway

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The platform's cookies. Under TLS their names begin with __Host-, by which browsers
// keep other hosts from setting them (RFC 6265bis section 4.1.3.2).
const (
	sessionCookie = "space_session" // who has logged in
	nonceCookie   = "space_nonce"   // which browser went to log in
	freshCookie   = "space_fresh"   // has nothing of a former app of the name

	hostPrefix = "__Host-"
)

func (g *Gateway) cookieName(name string) string {
	if g.secure {
		return hostPrefix + name
	}
	return name
}

// cookies are the values of a cookie of ours. There may be several: without TLS the
// script of another host below the domain can set one of the name that comes first.
func (g *Gateway) cookies(r *http.Request, name string) []string {
	var values []string
	for _, c := range r.CookiesNamed(g.cookieName(name)) {
		values = append(values, c.Value)
	}
	return values
}

// session returns the name of the token that a session of the request stands for at an
// audience.
func (g *Gateway) session(r *http.Request, audience string) (token string, ok bool) {
	for _, value := range g.cookies(r, sessionCookie) {
		if token, ok = g.config.Logins.Check(value, audience); ok {
			return token, true
		}
	}
	return "", false
}

// setCookie sets a cookie of ours for the request's own host; a life of 0 deletes it.
func (g *Gateway) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if age == 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: g.cookieName(name), Value: value, Path: "/", MaxAge: age,
		Secure: g.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// isOurs tells whether a cookie's name is one of the platform's, with or without TLS.
func isOurs(name string) bool {
	return slices.Contains([]string{sessionCookie, nonceCookie, freshCookie}, strings.TrimPrefix(name, hostPrefix))
}

// stripCookies takes the platform's cookies out of a Micro's request. The others stay
// as they were sent.
func stripCookies(h http.Header) {
	lines, ok := h["Cookie"]
	if !ok {
		return
	}
	var kept []string
	for _, line := range lines {
		var pairs []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if !isOurs(strings.TrimSpace(name)) {
				pairs = append(pairs, pair)
			}
		}
		if rest := strings.TrimSpace(strings.Join(pairs, ";")); rest != "" {
			kept = append(kept, rest)
		}
	}
	if kept == nil {
		h.Del("Cookie")
		return
	}
	h["Cookie"] = kept
}

// keepCookiesHome lets a Micro set cookies for its own host only: apps are below one
// domain, and a cookie of that would reach them all. Those of the platform's names it
// cannot set.
func keepCookiesHome(h http.Header) {
	lines, ok := h["Set-Cookie"]
	if !ok {
		return
	}
	kept := lines[:0:0]
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		name, _, _ := strings.Cut(pair, "=")
		if isOurs(strings.TrimSpace(name)) {
			continue
		}
		parts := []string{pair}
		for attribute := range strings.SplitSeq(attributes, ";") {
			key, _, _ := strings.Cut(attribute, "=")
			if key = strings.TrimSpace(key); key != "" && !strings.EqualFold(key, "Domain") {
				parts = append(parts, attribute)
			}
		}
		kept = append(kept, strings.Join(parts, ";"))
	}
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}
