package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// plausible refuses what Go's server lets pass and no Micro expects.
func plausible(r *http.Request) error {
	switch {
	case r.Method == http.MethodConnect:
		return space.Errorf(space.CodeUpgradeUnsupported, "this server is no proxy")
	case !strings.HasPrefix(r.URL.Path, "/"):
		return space.Errorf(space.CodeBadRequest, "the request's target is no path")
	case strings.Contains(r.URL.Path, "\x00"): // no environment can hold it
		return space.Errorf(space.CodeBadRequest, "the path has a NUL byte in it")
	case r.Host == "":
		return space.Errorf(space.CodeBadRequest, "the request names no host")
	}
	return nil
}

// host returns the app that a Host header means, "" for the platform itself.
func (g *Gateway) host(host string) (space.AppName, error) {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if slices.Contains(g.config.Domains, name) {
		return "", nil
	}
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		if g.config.Loopback && addr.IsLoopback() {
			return "", nil
		}
	}
	if label, domain, ok := strings.Cut(name, "."); ok && slices.Contains(g.config.Domains, domain) {
		app, err := space.ParseAppName(label)
		if err != nil {
			return "", unknownApp(space.AppName(label))
		}
		return app, nil
	}
	return "", space.Errorf(space.CodeMisdirected, "this server does not answer for the host %q", host)
}

// micropath is the path as a Micro sees it.
type micropath struct {
	decoded string
	raw     string // as sent; "" where that is the decoded one's own form
}

// match finds the Micro with the longest path that the request's begins with,
// whole segments compared, and strips it. It decides on the decoded segments and
// cuts the raw ones, so that %2F in the rest survives.
func match(routes []registry.Route, u *url.URL) (registry.Route, micropath, error) {
	if platformPath(u.Path) {
		return registry.Route{}, micropath{}, space.Errorf(space.CodeNotFound, "paths below /__space belong to the platform; there is none here")
	}
	raw := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	best, cut := -1, 0
	for i, route := range routes {
		want := segments(route.Micro.Path)
		if len(want) <= len(raw) && (best < 0 || len(want) > cut) && slices.EqualFunc(want, raw[:len(want)], sameSegment) {
			best, cut = i, len(want)
		}
	}
	if best < 0 {
		return registry.Route{}, micropath{}, space.Errorf(space.CodeNotFound, "no Micro of the app answers at this path")
	}
	stripped := "/" + strings.Join(raw[cut:], "/")
	decoded, err := url.PathUnescape(stripped)
	if err != nil {
		return registry.Route{}, micropath{}, space.Errorf(space.CodeBadRequest, "the path has a broken escape")
	}
	return routes[best], micropath{decoded: decoded, raw: stripped}, nil
}

// segments splits a Micro's path; "/" has none.
func segments(p string) []string {
	p = strings.Trim(p, "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

func sameSegment(want, raw string) bool {
	got, err := url.PathUnescape(raw)
	return err == nil && got == want
}

// platformPath tells whether a path, however it is spelt, means the platform's
// own part of an app.
func platformPath(p string) bool {
	clean := path.Clean("/" + p)
	return clean == "/__space" || strings.HasPrefix(clean, "/__space/")
}
