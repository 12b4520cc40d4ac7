package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// plausible refuses what Go's server lets pass and no Micro expects. A connection
// that such a request came on is not used again.
func plausible(w http.ResponseWriter, r *http.Request) error {
	var err error
	switch {
	case r.Method == http.MethodConnect:
		err = space.Errorf(space.CodeUpgradeUnsupported, "this server is no proxy")
	case r.Method == http.MethodTrace: // it would echo what the platform keeps from a Micro
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		err = space.Errorf(space.CodeMethodNotAllowed, "TRACE is not answered here")
	case !strings.HasPrefix(r.URL.Path, "/"): // "*" among others
		err = space.Errorf(space.CodeBadRequest, "the request's target is no path")
	case r.URL.Host != "" && (r.URL.User != nil || (r.URL.Scheme != "http" && r.URL.Scheme != "https")):
		err = space.Errorf(space.CodeBadRequest, "the request's target is no address of a web server")
	case strings.Contains(r.URL.Path, "\x00"): // no environment can hold it
		err = space.Errorf(space.CodeBadRequest, "the path has a NUL byte in it")
	case r.Host == "":
		err = space.Errorf(space.CodeBadRequest, "the request names no host")
	}
	if err != nil {
		w.Header().Set("Connection", "close")
	}
	return err
}

// endsUnclearly tells whether a proxy in front may see the end of the request
// elsewhere than Go's server, which hides the reasons: a Transfer-Encoding with
// HTTP/1.0, or beside a Content-Length, and chunk extensions. What follows on the
// connection could be taken for another client's request, so none does (RFC 9112
// sections 6.1 and 11.2).
func endsUnclearly(r *http.Request) bool {
	return r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0)
}

// place is what a host means.
type place struct {
	host string        // in lower case, without a port
	app  space.AppName // "" is the platform itself
	// domain is the app's own that the host is; without a Host it is the built-in one.
	domain space.AppDomain
}

// host returns the place that the Host header means. What is the platform's comes first: no
// domain of an app's answers for it.
func (g *Gateway) host(r *http.Request) (place, error) {
	name := r.Host
	if h, port, err := net.SplitHostPort(name); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return place{}, g.misdirected(r)
		}
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if slices.Contains(g.config.Domains, name) {
		return place{host: name}, nil
	}
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		if g.config.Loopback && addr.Unmap().IsLoopback() {
			return place{host: name}, nil
		}
	}
	if label, domain, ok := strings.Cut(name, "."); ok && slices.Contains(g.config.Domains, domain) {
		if g.config.Console != nil && label == string(consoleLabel) {
			return place{host: name, app: consoleLabel}, nil
		}
		app, err := space.ParseAppName(label)
		if err != nil {
			return place{}, g.unknownApp(r, label)
		}
		return place{host: name, app: app}, nil
	}
	if domain, ok := g.domain(name); ok {
		return place{host: name, app: domain.App, domain: domain}, nil
	}
	return place{}, g.misdirected(r)
}

// misdirected is the error of a host that is not ours. It does not quote the
// platform's own: who got here by another name need not learn it.
func (g *Gateway) misdirected(r *http.Request) error {
	return space.Errorf(space.CodeMisdirected, "this server does not answer for the host %q: its owner names the host that people type "+
		"with `spacewasm serve --domain`, or with `--public-url` where a proxy stands in front, which has to pass Host on", r.Host)
}

// micropath is the path as a Micro sees it.
type micropath struct {
	decoded string
	raw     string // as sent; "" where that is the decoded one's own form
}

// match finds the Micro with the longest path that the request's begins with,
// whole segments compared, and strips it. It decides on the decoded segments and
// cuts the raw ones, so that %2F in the rest survives.
func match(routes []registry.Route, u *url.URL) (route registry.Route, seen micropath, found bool, err error) {
	raw := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	best, cut := -1, 0
	for i, route := range routes {
		want := segments(route.Micro.Path)
		if len(want) <= len(raw) && (best < 0 || len(want) > cut) && slices.EqualFunc(want, raw[:len(want)], sameSegment) {
			best, cut = i, len(want)
		}
	}
	if best < 0 {
		return route, seen, false, nil
	}
	stripped := "/" + strings.Join(raw[cut:], "/")
	decoded, err := url.PathUnescape(stripped)
	if err != nil {
		return route, seen, false, space.Errorf(space.CodeBadRequest, "the path has a broken escape")
	}
	return routes[best], micropath{decoded: decoded, raw: stripped}, true, nil
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
