package cgi_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/cgi"
)

// variables are the lines of an environment by name.
func variables(t *testing.T, env []string) map[string]string {
	t.Helper()
	vars := map[string]string{}
	for _, line := range env {
		key, value, ok := strings.Cut(line, "=")
		if _, twice := vars[key]; !ok || twice {
			t.Errorf("%q has no value, or comes twice", line)
		}
		vars[key] = value
	}
	return vars
}

// RFC 3875 section 4.1: all variables of a plain request, and no other.
func TestEnvOfPlainRequest(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.localhost:4200/a%20b/c?x=1&y=%20", nil)
	r.RemoteAddr = "203.0.113.9:1234"
	want := []string{
		"GATEWAY_INTERFACE=CGI/1.1",
		"HTTP_HOST=app.localhost:4200",
		"PATH_INFO=/a b/c",
		"QUERY_STRING=x=1&y=%20",
		"REMOTE_ADDR=127.0.0.1",
		"REMOTE_HOST=127.0.0.1",
		"REQUEST_METHOD=GET",
		"REQUEST_URI=/a%20b/c?x=1&y=%20",
		"SCRIPT_NAME=",
		"SERVER_NAME=app.localhost",
		"SERVER_PORT=4200",
		"SERVER_PROTOCOL=HTTP/1.1",
		"SERVER_SOFTWARE=spacewasm",
	}
	if got := cgi.Env(r, 0); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// T16: names with an underscore among them.
func TestEnv(t *testing.T) {
	const absent = "(absent)"
	for name, c := range map[string]struct {
		change func(r *http.Request)
		size   int64
		key    string
		want   string
	}{
		"no body, no length":         {key: "CONTENT_LENGTH", want: absent},
		"declared length":            {func(r *http.Request) { r.ContentLength = 5 }, 5, "CONTENT_LENGTH", "5"},
		"chunked: the length read":   {func(r *http.Request) { r.ContentLength = -1 }, 7, "CONTENT_LENGTH", "7"},
		"declared as nothing":        {func(r *http.Request) { r.Header.Set("Content-Length", "0") }, 0, "CONTENT_LENGTH", "0"},
		"no header of the length":    {func(r *http.Request) { r.Header.Set("Content-Length", "0") }, 0, "HTTP_CONTENT_LENGTH", absent},
		"content type":               {set("Content-Type", "text/csv"), 0, "CONTENT_TYPE", "text/csv"},
		"no header of the type":      {set("Content-Type", "text/csv"), 0, "HTTP_CONTENT_TYPE", absent},
		"no content type":            {nil, 0, "CONTENT_TYPE", absent},
		"a header":                   {set("X-Some-Header", "a=b"), 0, "HTTP_X_SOME_HEADER", "a=b"},
		"authorization":              {set("Authorization", "Basic x"), 0, "HTTP_AUTHORIZATION", "Basic x"},
		"values of one header":       {set("Accept", "a", "b"), 0, "HTTP_ACCEPT", "a, b"},
		"cookies":                    {set("Cookie", "a=1", "b=2"), 0, "HTTP_COOKIE", "a=1; b=2"},
		"httpoxy":                    {set("Proxy", "http://evil"), 0, "HTTP_PROXY", absent},
		"underscore":                 {func(r *http.Request) { r.Header["Cf_Connecting_ip"] = []string{"1"} }, 0, "HTTP_CF_CONNECTING_IP", absent},
		"transfer encoding":          {set("Transfer-Encoding", "chunked"), 0, "HTTP_TRANSFER_ENCODING", absent},
		"host header does not count": {set("Host", "evil"), 0, "HTTP_HOST", "app.localhost"},
		"no https":                   {nil, 0, "HTTPS", absent},
		"tls":                        {func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, 0, "HTTPS", "on"},
		"tls at a proxy":             {set("X-Forwarded-Proto", "https"), 0, "HTTPS", "on"},
		"port of http":               {nil, 0, "SERVER_PORT", "80"},
		"port of https":              {set("X-Forwarded-Proto", "https"), 0, "SERVER_PORT", "443"},
		"IPv6":                       {func(r *http.Request) { r.Host = "[::1]:80" }, 0, "SERVER_NAME", "::1"},
		"double slashes stay":        {func(r *http.Request) { r.URL.Path, r.URL.RawPath = "//a", "" }, 0, "PATH_INFO", "//a"},
		"method":                     {func(r *http.Request) { r.Method = "PURGE" }, 0, "REQUEST_METHOD", "PURGE"},
		"protocol":                   {func(r *http.Request) { r.Proto = "HTTP/1.0" }, 0, "SERVER_PROTOCOL", "HTTP/1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://app.localhost/", nil)
			if c.change != nil {
				c.change(r)
			}
			got, ok := variables(t, cgi.Env(r, c.size))[c.key]
			if !ok {
				got = absent
			}
			if got != c.want {
				t.Errorf("%s is %q, want %q", c.key, got, c.want)
			}
		})
	}
}

func set(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[name] = values }
}
