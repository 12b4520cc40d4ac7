package gateway

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// clean removes from a Micro's request what is the connection's, the platform's,
// or would tell who the client is.
func (g *Gateway) clean(r *http.Request, app space.App) {
	trusted := g.trusted(r.RemoteAddr)
	for _, name := range hopByHop(r.Header) {
		r.Header.Del(name)
	}
	for name := range r.Header {
		if forbidden(name, trusted) {
			delete(r.Header, name)
		}
	}
	g.config.Guard.Strip(r.Header)
	stripKeys(r.Header, app)
	stripCookies(r.Header)
	r.RemoteAddr = "127.0.0.1:0"
}

// forbidden tells whether a Micro may not see a header. Every CDN has a name of
// its own for the client's address, hence the endings. What a proxy says of the
// client's way here counts only if the proxy is trusted, and its address never
// does but in CF-Connecting-IP.
func forbidden(name string, trusted bool) bool {
	switch name {
	case "Cf-Connecting-Ip", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port":
		return !trusted
	case "Forwarded", "Forwarded-For", "X-Forwarded", "Cf-Pseudo-Ipv4", "X-Azure-Socketip", "X-Envoy-External-Address":
		return true
	}
	for _, suffix := range []string{"-Ip", "-Ipv6", "-Clientip", "-Forwarded-For", "Remote-Addr", "-Viewer-Address"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(name, "X-Space-Platform-") || strings.HasPrefix(name, "X-Space-Action-") || strings.Contains(name, "_")
}

// hopByHop lists the headers that belong to one connection (RFC 9110 section
// 7.6.1), those that Connection names among them.
func hopByHop(h http.Header) []string {
	names := []string{
		"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Expect", "Http2-Settings",
	}
	return append(names, connectionOptions(h)...)
}

// connectionOptions are what Connection lists (RFC 9110 section 7.6.1).
func connectionOptions(h http.Header) []string {
	var options []string
	for _, value := range h["Connection"] {
		for option := range strings.SplitSeq(value, ",") {
			options = append(options, strings.TrimSpace(option))
		}
	}
	return options
}

// isUpgrade tells whether the client wants another protocol (RFC 9110 section
// 7.8).
func isUpgrade(h http.Header) bool {
	return len(h["Upgrade"]) > 0 && slices.ContainsFunc(connectionOptions(h), func(option string) bool {
		return strings.EqualFold(option, "upgrade")
	})
}

// trusted tells whether the peer is a configured proxy.
func (g *Gateway) trusted(remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	return g.isTrusted(peer.Addr().Unmap())
}

func (g *Gateway) isTrusted(addr netip.Addr) bool {
	return slices.ContainsFunc(g.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}
