package main_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A body has its length in CONTENT_LENGTH, whichever way it came; no body has none.
func TestE2EContentLength(t *testing.T) {
	s := serve(t).withProbe()
	for name, c := range map[string]struct {
		method string
		body   io.Reader
		want   string
	}{
		"get":      {"GET", nil, "GET false \"\" 0\n"},
		"declared": {"POST", strings.NewReader("hello"), "POST true \"5\" 5\n"},
		"chunked":  {"POST", onlyReader{strings.NewReader("hello")}, "POST true \"5\" 5\n"},
		"put":      {"PUT", strings.NewReader("hello!"), "PUT true \"6\" 6\n"},
		"delete":   {"DELETE", nil, "DELETE false \"\" 0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			a := s.do(s.request(c.method, "probe", "/length", c.body))
			a.is(t, http.StatusOK, "")
			if a.body != c.want {
				t.Errorf("%q, want %q", a.body, c.want)
			}
		})
	}
	if got := environment(s.raw("probe", "/env", "Content-Length: 0\r\n"))["CONTENT_LENGTH"]; got != "0" {
		t.Errorf("CONTENT_LENGTH=%q for a declared length of 0", got)
	}
}

// The meta-variables of RFC 3875.
func TestE2EMetaVariables(t *testing.T) {
	s := serve(t).withProbe()
	env := s.env("/env?a=1&a=%20b+c&;", "Content-Type", "text/x-probe", "X-Two", "1", "X-Two", "2",
		"Cookie", "a=1", "Accept-Language", "de", "User-Agent", "probe/1")
	for name, want := range map[string]string{
		"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/env?a=1&a=%20b+c&;", "PATH_INFO": "/env",
		"QUERY_STRING": "a=1&a=%20b+c&;", "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "probe.localhost",
		"SERVER_PORT": s.port, "CONTENT_TYPE": "text/x-probe", "HTTP_HOST": "probe.localhost:" + s.port, "HTTP_X_TWO": "1, 2",
		"HTTP_COOKIE": "a=1", "HTTP_ACCEPT_LANGUAGE": "de", "HTTP_USER_AGENT": "probe/1", "REMOTE_ADDR": "127.0.0.1",
	} {
		if got, ok := env[name]; !ok || got != want {
			t.Errorf("%s=%q (%t), want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "CONTENT_LENGTH", "HTTPS", "PATH", "HOME"} {
		if got, ok := env[name]; ok {
			t.Errorf("%s=%q", name, got)
		}
	}
}

func TestE2EStatuses(t *testing.T) {
	s := serve(t).withProbe()
	for target, status := range map[string]int{
		"/status?code=201": 201, "/status?code=204": 204, "/status?code=304": 304, "/status?code=404": 404, "/status?code=500": 500,
		"/status?code=502":                      502, // the Micro's own, not ours
		raw("Content-Type: a/b\n\nx"):           200,
		raw("Location: /else\n\n"):              302,
		raw("Status: 201 Made\r\nA: b\r\n\r\n"): 201,
	} {
		a := s.get("probe", target)
		a.is(t, status, "")
		if (status == 204 || status == 304) && (a.body != "" || a.header.Get("Content-Length") != "") {
			t.Errorf("%s has a body: %q %v", target, a.body, a.header)
		}
		head := s.do(s.request(http.MethodHead, "probe", target, nil))
		if head.status != status || head.body != "" {
			t.Errorf("HEAD %s: %d %q", target, head.status, head.body)
		}
	}
	head := s.do(s.request(http.MethodHead, "probe", "/bytes?n=70000&declared=1", nil))
	if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != "70000" {
		t.Errorf("HEAD: %d %q %v", head.status, head.body, head.header)
	}
	if got := s.ok("probe", raw("Content-Type: a/b\n\nx")); got != "x" {
		t.Errorf("body %q", got)
	}
}

func TestE2EResponseHeaders(t *testing.T) {
	s := serve(t).withProbe()
	a := s.get("probe", "/redirect?to=https://example.org/%3Fa%3Db")
	a.is(t, http.StatusFound, "")
	if got := a.header.Get("Location"); got != "https://example.org/?a=b" {
		t.Errorf("Location %q", got)
	}
	if got := s.get("probe", raw("Location: /else?x\n\n")).header.Get("Location"); got != "/else?x" {
		t.Errorf("Location %q", got)
	}
	if got := s.get("probe", "/cookies").header.Values("Set-Cookie"); !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("Set-Cookie %q", got)
	}
	// What belongs to the connection or to the platform is not the Micro's to say.
	a = s.get("probe", raw("Status: 200\nX-Mine: 1\nX-Space-Error: deadline\nX-Space-Request-Id: mine\nTransfer-Encoding: gzip\nX-Accel-Redirect: /x\n\nbody"))
	a.is(t, http.StatusOK, "")
	if a.header.Get("X-Mine") != "1" || a.header.Get("X-Space-Request-Id") == "mine" || a.header.Get("X-Accel-Redirect") != "" || a.body != "body" {
		t.Errorf("answer %v %q", a.header, a.body)
	}
	s.pushed("cr", "application/wasm", guest("crheader"))
	s.get("cr", "/").problem(t, http.StatusBadGateway, "bad_response")
}
