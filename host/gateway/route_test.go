package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// T18: a host that is not ours reaches neither the platform nor an app.
func TestHosts(t *testing.T) {
	b := newBench(t, nil, "/")
	for host, want := range map[string]string{
		"localhost": "platform", "localhost:4200": "platform", "LocalHost": "platform", "localhost.": "platform", "localhost.:80": "platform",
		"space.example.org": "platform", "space.example.org:443": "platform",
		"127.0.0.1": "platform", "127.0.0.1:4200": "platform", "127.1.2.3": "platform", "[::1]": "platform", "[::1]:4200": "platform",
		"[::ffff:127.0.0.1]:80": "platform",
		"app.localhost":         "/", "app.localhost:4200": "/", "APP.LOCALHOST": "/", "app.localhost.": "/", "app.localhost.:1": "/", "app.space.example.org": "/",
		"other.localhost": "not_found", "api.localhost": "not_found", ".localhost": "not_found", "a_b.localhost": "not_found",
		"failed.localhost": "preparing",
		"example.org":      "misdirected", "app.example.org": "misdirected", "x.app.localhost": "misdirected", "applocalhost": "misdirected",
		"localhost..": "misdirected", "192.0.2.1": "misdirected", "[2001:db8::1]:80": "misdirected", "0.0.0.0": "misdirected", "app": "misdirected",
		"app.localhost:": "misdirected", "app.localhost:x": "misdirected", "app.localhost:65536": "misdirected", "user@app.localhost": "not_found",
		"localhost.evil.org": "misdirected", "": "bad_request",
	} {
		r := get(t, "http://x/")
		r.Host = host
		rec := b.ask(r)
		if code := rec.Header().Get("X-Space-Error"); code != "" {
			wantError(t, host, rec, space.Code(want))
		} else if rec.Body.String() != want {
			t.Errorf("%s: got %q, want %q", host, rec.Body, want)
		}
	}
}

// T18: beyond loopback a loopback address is as strange as any other.
func TestNoLoopback(t *testing.T) {
	b := newBench(t, func(c *gateway.Config) { c.Loopback = false }, "/")
	for _, host := range []string{"127.0.0.1:4200", "[::1]"} {
		wantError(t, host, b.ask(get(t, "http://"+host+"/")), space.CodeMisdirected)
	}
}

// The longest path of whole segments wins and is stripped; the rest stays as it was sent.
func TestPaths(t *testing.T) {
	b := newBench(t, nil, "/", "/api", "/api/v2", "/b~c")
	for target, want := range map[string][3]string{ // the Micro, then the path that it sees decoded and as sent
		"/":              {"/", "/", "/"},
		"/x/y":           {"/", "/x/y", "/x/y"},
		"/api":           {"/api", "/", "/"},
		"/api/":          {"/api", "/", "/"},
		"/api/x/":        {"/api", "/x/", "/x/"},
		"/apix":          {"/", "/apix", "/apix"},
		"/API":           {"/", "/API", "/API"},
		"/api/v2":        {"/api/v2", "/", "/"},
		"/api/v2/x":      {"/api/v2", "/x", "/x"},
		"/api/v22":       {"/api", "/v22", "/v22"},
		"/%61pi/x":       {"/api", "/x", "/x"},
		"/api%2Fv2":      {"/", "/api/v2", "/api%2Fv2"},
		"/api/v2%2Fx":    {"/api", "/v2/x", "/v2%2Fx"},
		"/api/a%2Fb":     {"/api", "/a/b", "/a%2Fb"},
		"/api/%25":       {"/api", "/%", "/%25"},
		"/api/a%20b+c":   {"/api", "/a b+c", "/a%20b+c"},
		"/api//x":        {"/api", "//x", "//x"},
		"//api":          {"/", "//api", "//api"},
		"/x/../api":      {"/", "/x/../api", "/x/../api"},
		"/api/../x":      {"/api", "/../x", "/../x"},
		"/b%7ec/%C3%A4":  {"/b~c", "/ä", "/%C3%A4"},
		"/api/%2e%2e/x":  {"/api", "/../x", "/%2e%2e/x"},
		"/api/__space/x": {"/api", "/__space/x", "/__space/x"},
		"/__spacex":      {"/", "/__spacex", "/__spacex"},
		"/x/__space":     {"/", "/x/__space", "/x/__space"},
	} {
		for _, query := range []string{"", "?a=/b&c=%2F"} {
			rec := b.ask(get(t, "http://app.localhost"+target+query))
			d := b.doors[want[0]]
			if rec.Body.String() != want[0] || d.asked == nil {
				t.Errorf("%s: got %d %q", target, rec.Code, rec.Body)
				continue
			}
			if d.asked.URL.Path != want[1] || d.asked.URL.RequestURI() != want[2]+query {
				t.Errorf("%s: the Micro sees %q and %q", target, d.asked.URL.Path, d.asked.URL.RequestURI())
			}
			d.asked = nil
		}
	}
}

func TestNoMicroThere(t *testing.T) {
	b := newBench(t, nil, "/api")
	for _, path := range []string{"/", "/ap", "/x/api"} {
		wantError(t, path, b.ask(get(t, "http://app.localhost"+path)), space.CodeNotFound)
	}
}

// T15: however it is spelt, the platform's part of an app reaches no Micro; a spelling that others could read otherwise is refused.
func TestPlatformPaths(t *testing.T) {
	b := newBench(t, nil, "/", "/x")
	for _, path := range []string{"/__space", "/__space/", "/__space/x"} {
		wantError(t, path, b.ask(get(t, "http://app.localhost"+path)), space.CodeNotFound)
	}
	for _, path := range []string{
		"//__space", "/%5f%5fspace/x", "/__space%2Fx", "/./__space", "/x/../__space", "/x/%2e%2e/__space/y", "/x%2F..%2F__space", "/__space/../x",
		"/__space/v0/%61ctions", "/x%5C..%5C__space",
	} {
		wantError(t, path, b.ask(get(t, "http://app.localhost"+path)), space.CodeBadRequest)
	}
	for path, d := range b.doors {
		if d.asked != nil {
			t.Errorf("%s was asked for %s", path, d.asked.URL)
		}
	}
}

func TestImplausible(t *testing.T) {
	b := newBench(t, nil, "/")
	for name, c := range map[string]struct {
		change func(r *http.Request)
		code   space.Code
	}{
		"trace":    {func(r *http.Request) { r.Method = http.MethodTrace }, space.CodeMethodNotAllowed},
		"user":     {func(r *http.Request) { r.URL.User = url.User("x") }, space.CodeBadRequest},
		"scheme":   {func(r *http.Request) { r.URL.Scheme = "ftp" }, space.CodeBadRequest},
		"no host":  {func(r *http.Request) { r.Host = "" }, space.CodeBadRequest},
		"proxy":    {func(r *http.Request) { r.Method, r.URL.Path = http.MethodConnect, "" }, space.CodeUpgradeUnsupported},
		"asterisk": {func(r *http.Request) { r.Method, r.URL.Path = http.MethodOptions, "*" }, space.CodeBadRequest},
		"no path":  {func(r *http.Request) { r.URL.Path = "" }, space.CodeBadRequest},
		"NUL":      {func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/a\x00b", "/a%00b" }, space.CodeBadRequest},
	} {
		r := get(t, "http://app.localhost/")
		c.change(r)
		rec := b.ask(r)
		wantError(t, name, rec, c.code)
		if rec.Header().Get("Connection") != "close" {
			t.Errorf("%s: the connection is kept: %v", name, rec.Header())
		}
	}
	if asked := b.doors["/"].asked; asked != nil {
		t.Errorf("the Micro was asked for %s", asked.URL)
	}
}

// A connection ends with a request whose end another server may see elsewhere.
func TestUnclearEnd(t *testing.T) {
	b := newBench(t, nil, "/")
	for name, c := range map[string]struct {
		change func(r *http.Request)
		want   string
	}{
		"plain":    {func(*http.Request) {}, ""},
		"HTTP/1.0": {func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }, "close"},
		"chunked":  {func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, "close"},
		"HTTP/2":   {func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 }, ""},
	} {
		r := get(t, "http://app.localhost/")
		c.change(r)
		if rec := b.ask(r); rec.Code != http.StatusOK || rec.Header().Get("Connection") != c.want {
			t.Errorf("%s: got %d %v", name, rec.Code, rec.Header())
		}
	}
}

// While apps are restored, one that is not there yet may be there in a moment; those that are answer.
func TestStarting(t *testing.T) {
	starting := true
	b := newBench(t, func(c *gateway.Config) { c.Starting = func() bool { return starting } }, "/")
	for _, host := range []string{"localhost", "other.localhost"} {
		rec := b.ask(get(t, "http://"+host+"/"))
		wantError(t, host, rec, space.CodePreparing)
		if rec.Header().Get("Retry-After") == "" {
			t.Errorf("%s: got %v", host, rec.Header())
		}
	}
	wantError(t, "strange", b.ask(get(t, "http://strange/")), space.CodeMisdirected)
	if rec := b.ask(get(t, "http://app.localhost/")); rec.Code != http.StatusOK {
		t.Errorf("a restored app answers %d %s", rec.Code, rec.Body)
	}
	starting = false
	wantError(t, "other", b.ask(get(t, "http://other.localhost/")), space.CodeNotFound)
}

func TestUpgrade(t *testing.T) {
	b := newBench(t, nil, "/")
	for name, c := range map[string]struct {
		headers []string
		refused bool
	}{
		"websocket":          {[]string{"Connection", "Upgrade", "Upgrade", "websocket"}, true},
		"one of several":     {[]string{"Connection", "keep-alive, uPGRADE", "Upgrade", "h2c"}, true},
		"of another line":    {[]string{"Connection", "keep-alive", "Connection", "upgrade", "Upgrade", "h2c"}, true},
		"nothing to upgrade": {[]string{"Connection", "Upgrade"}, false},
		"not for this hop":   {[]string{"Upgrade", "websocket"}, false},
		"upgraded":           {[]string{"Connection", "upgraded", "Upgrade", "x"}, false},
	} {
		rec := b.ask(get(t, "http://app.localhost/", c.headers...))
		if c.refused {
			wantError(t, name, rec, space.CodeUpgradeUnsupported)
		} else if rec.Body.String() != "/" {
			t.Errorf("%s: got %d %q", name, rec.Code, rec.Body)
		}
	}
}

func TestPrivate(t *testing.T) {
	b := newBench(t, nil, "/")
	b.private()
	for _, r := range []*http.Request{
		get(t, "http://app.localhost/"), get(t, "http://app.localhost/", "Authorization", "Bearer wrong"),
		get(t, "http://app.localhost/", "Connection", "Upgrade", "Upgrade", "websocket"),
	} {
		rec := b.ask(r)
		wantError(t, "no token", rec, space.CodeUnauthorized)
		if !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Bearer ") || b.doors["/"].asked != nil {
			t.Errorf("got %v, asked %v", rec.Header(), b.doors["/"].asked)
		}
	}
	if rec := b.ask(get(t, "http://app.localhost/", "Authorization", "Bearer token")); rec.Body.String() != "/" {
		t.Errorf("the owner got %d %q", rec.Code, rec.Body)
	}
	if got := b.doors["/"].asked.Header; len(got) != 0 {
		t.Errorf("the Micro sees %v", got)
	}
}

// Probers are answered whatever host they name.
func TestHealth(t *testing.T) {
	var why error
	b := newBench(t, func(c *gateway.Config) { c.Ready = func() error { return why } }, "/")
	for _, host := range []string{"localhost", "192.0.2.1", "app.localhost", "strange", ""} {
		for _, c := range []struct {
			path   string
			why    error
			status int
			body   string
		}{
			{"/healthz", errors.New("starting"), http.StatusOK, "ok\n"},
			{"/readyz", nil, http.StatusOK, "ok\n"},
			{"/readyz", errors.New("starting"), http.StatusServiceUnavailable, "starting\n"},
		} {
			why = c.why
			r := get(t, "http://x"+c.path)
			r.Host = host
			if rec := b.ask(r); rec.Code != c.status || rec.Body.String() != c.body {
				t.Errorf("%s%s: got %d %q", host, c.path, rec.Code, rec.Body)
			}
		}
	}
	rec := httptest.NewRecorder()
	b.cut(t, broken{rec}, get(t, "http://localhost/healthz"))
	if !strings.Contains(b.said.String(), "code=client_gone") {
		t.Errorf("the log says %q", b.said)
	}
}

// broken is the connection of a client that has left.
type broken struct{ *httptest.ResponseRecorder }

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Visitors do not learn why an app does not run: its program may have said that.
func TestFailedAppKeepsItsReason(t *testing.T) {
	b := newBench(t, nil)
	wanted := 0
	b.config.Registry.Publish(&registry.App{App: space.App{Name: "waits"}, Wanted: func() { wanted++ }})
	for host, want := range map[string]string{"failed.localhost": "does not run", "waits.localhost": "is being prepared"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, r)
		if text := rec.Body.String(); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" ||
			!strings.Contains(text, want) || strings.Contains(text, "push it again") {
			t.Errorf("%s: %d %s", host, rec.Code, text)
		}
	}
	if wanted != 1 {
		t.Errorf("the app was asked for %d times", wanted)
	}
}
