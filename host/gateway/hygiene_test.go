package gateway_test

import (
	"net/http"
	"reflect"
	"testing"
)

// T16, T18: what a Micro sees of a request's headers, from a stranger and from a trusted proxy.
func TestHeaders(t *testing.T) {
	b := newBench(t, nil, "/")
	kept := http.Header{
		"Accept": {"a", "b"}, "Cookie": {"a=1"}, "X-Custom": {"x"}, "Content-Type": {"a/b"}, "Cf-Ray": {"1"}, "X-Request-Id": {"r"}, "X-Space-App": {"x"},
	}
	fromProxies := http.Header{
		"Cf-Connecting-Ip": {"192.0.2.1"}, "X-Forwarded-Host": {"h"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"443"},
	}
	gone := http.Header{
		"Connection": {"close, X-Hop", "x-other-hop"}, "X-Hop": {"1"}, "X-Other-Hop": {"1"}, "Keep-Alive": {"1"}, "Proxy-Connection": {"x"},
		"Proxy-Authorization": {"x"}, "Te": {"trailers"}, "Trailer": {"X"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"h2c"}, "Expect": {"100-continue"},
		"Http2-Settings": {"x"}, "Authorization": {"Bearer token"}, "X-Space-Platform-Secret": {"x"}, "X_forwarded_for": {"192.0.2.1"}, "Cf_connecting_ip": {"192.0.2.1"},
	}
	for _, name := range []string{
		"Forwarded", "Forwarded-For", "X-Forwarded", "X-Forwarded-For", "X-Original-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "Client-Ip",
		"X-Cluster-Client-Ip", "X-Remote-Addr", "X-Remote-Ip", "True-Client-Ip", "Cf-Connecting-Ipv6", "Cf-Pseudo-Ipv4", "Fastly-Client-Ip",
		"Fly-Client-Ip", "Do-Connecting-Ip", "X-Appengine-User-Ip", "X-Azure-Clientip", "X-Azure-Socketip", "X-Envoy-External-Address",
		"X-Originating-Ip", "X-Host-Ip", "X-Vercel-Forwarded-For", "X-Nf-Client-Connection-Ip",
		"Cloudfront-Viewer-Address", "Wl-Proxy-Client-Ip", "X-Sucuri-Clientip", "Incap-Client-Ip", "Ali-Cdn-Real-Ip", "X-Forwarded-Client-Ip",
		"Remote-Addr",
	} {
		gone[name] = []string{"192.0.2.1"}
	}
	for peer, trusted := range map[string]bool{
		"203.0.113.9:1": false, "10.1.2.3:1": true, "[::ffff:10.1.2.3]:1": true, "[fd00::1]:1": true, "[2001:db8::1]:1": false, "@": false, "": false,
	} {
		r := get(t, "http://app.localhost/")
		r.RemoteAddr = peer
		sent := merge(kept, fromProxies, gone)
		r.Header = sent.Clone()
		b.ask(r)
		want := kept
		if trusted {
			want = merge(kept, fromProxies)
		}
		got := b.doors["/"].asked
		if !reflect.DeepEqual(got.Header, want) || got.RemoteAddr != "127.0.0.1:0" || got.Host != "app.localhost" {
			t.Errorf("from %s the Micro sees %v of %s at %s\nwant %v", peer, got.Header, got.RemoteAddr, got.Host, want)
		}
		if !reflect.DeepEqual(r.Header, sent) {
			t.Errorf("the request itself was changed to %v", r.Header)
		}
	}
}

func merge(all ...http.Header) http.Header {
	merged := http.Header{}
	for _, h := range all {
		for name, values := range h {
			merged[name] = values
		}
	}
	return merged
}

// Each answer has an id of its own, whatever the client says.
func TestRequestID(t *testing.T) {
	b := newBench(t, nil, "/")
	seen := map[string]bool{}
	for _, target := range []string{"http://app.localhost/", "http://app.localhost/", "http://localhost/", "http://strange/"} {
		id := b.ask(get(t, target, "X-Space-Request-Id", "forged")).Header().Get("X-Space-Request-Id")
		if len(id) != 20 || seen[id] {
			t.Errorf("%s has the id %q", target, id)
		}
		seen[id] = true
	}
}
