package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A Micro takes no upgrade, and the server is no proxy.
func TestE2EUpgrade(t *testing.T) {
	s := serve(t).withProbe()
	a := s.get("probe", "/", "Connection", "keep-alive, Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	contains(t, a.problem(t, http.StatusNotImplemented, "upgrade_unsupported").Detail, "WebSockets")
	for _, target := range []string{"example.org:443", "probe.localhost:" + s.port} {
		conn := s.connect()
		fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
		readAnswer(t, conn).is(t, http.StatusNotImplemented, "upgrade_unsupported")
	}
	if log := s.logs("probe"); len(log) > 0 {
		t.Errorf("the Micro was started: %v", log)
	}
	// A header Upgrade that the connection does not mean is nothing (RFC 9110 section 7.8).
	s.get("probe", "/", "Upgrade", "h2c").is(t, http.StatusOK, "")
}

func TestE2EHosts(t *testing.T) {
	s := serve(t).withProbe()
	for _, c := range []struct {
		host, target string
		status       int
		code         string
	}{
		{"example.org", "/", 421, "misdirected"},
		{"probe.example.org", "/", 421, "misdirected"},
		{"192.0.2.1", "/", 421, "misdirected"},
		{"a.probe.localhost", "/", 421, "misdirected"},
		{"nobody.localhost", "/", 404, "not_found"},
		{"-.localhost", "/", 404, "not_found"},
		{"PROBE.localhost", "/", 200, ""},
		{"probe.localhost.", "/", 200, ""},
		{"localhost", "/", 200, ""},
		{"127.0.0.1", "/", 200, ""},
		{"[::1]", "/", 200, ""},
		{"localhost", "/api/v1/apps", 401, "unauthorized"},
		{"localhost", "/nothing", 404, "not_found"},
		{"example.org", "/healthz", 200, ""},
		{"example.org", "/readyz", 200, ""},
		{"localhost", "/readyz", 200, ""},
		{"nobody.localhost", "/healthz", 200, ""},
	} {
		req := s.request(http.MethodGet, "", c.target, nil)
		req.Host = c.host + ":" + s.port
		a := s.do(req)
		if got := a.header.Get("X-Space-Error"); a.status != c.status || got != c.code {
			t.Errorf("%s%s: %d %q, want %d %q\n%.500s", c.host, c.target, a.status, got, c.status, c.code, a.body)
		}
	}
}

// However it is spelt, /__space is the platform's, and a spelling that others may read otherwise is refused (T15).
func TestE2EPlatformPaths(t *testing.T) {
	s := serve(t).withProbe()
	for _, target := range []string{
		"/__space", "/__space/", "/__space/x", "/%5f%5fspace/x", "/%5F_space/x", "//__space/x", "/./__space/x",
		"/x/../__space/x", "/x/%2e%2e/__space/x", "/%2f__space/x", "/__space%2fx",
	} {
		conn := s.connect()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: probe.localhost:%s\r\n\r\n", target, s.port)
		a := readAnswer(t, conn)
		want := http.StatusBadRequest
		if strings.HasPrefix(target, "/__space") && !strings.Contains(target, "%") {
			want = http.StatusNotFound
		}
		if a.status != want || a.header.Get("X-Space-Error") == "" {
			t.Errorf("%s: %d %.200s", target, a.status, a.body)
		}
	}
	contains(t, s.ok("probe", "/__spaces"), "GET /__spaces")
	contains(t, s.ok("probe", "/x/__space"), "GET /x/__space")
	if got := s.ok("probe", "/a%2Fb//c?d=%26&e=+"); !strings.HasPrefix(got, "GET /a%2Fb//c?d=%26&e=+\npath /a/b//c\nquery d=%26&e=+\n") {
		t.Errorf("the target arrives as %q", got)
	}
}
