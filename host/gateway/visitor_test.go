package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/space"
)

// change changes the app's Micro at the path.
func (b *bench) change(path string, change func(*space.Micro)) {
	app, release, _ := b.config.Registry.Acquire("app")
	defer release()
	for i := range app.Routes {
		if app.Routes[i].Micro.Path == path {
			change(&app.Routes[i].Micro)
		}
	}
}

// As the original: a Micro is private unless it is public or the route is, and a private one is never asked without a key.
func TestAccess(t *testing.T) {
	b := newBench(t, nil, "/", "/api")
	b.private()
	b.change("/api", func(m *space.Micro) {
		m.PublicRoutes, m.APIKeys = []string{"/open", "/docs/*/index", "/all/*"}, true
	})
	owner := []string{"Authorization", "Bearer token"}
	for _, c := range []struct {
		path    string
		headers []string
		want    int
	}{
		{"/", nil, 401},
		{"/", owner, 200},
		{"/", []string{"Authorization", "Bearer wrong"}, 401},
		{"/", []string{"X-Space-App-Key", "appkey"}, 401}, // it takes no keys
		{"/", []string{"X-Api-Key", "an_apikey"}, 200},
		{"/", []string{"X-Api-Key", "a_key"}, 401},
		{"/", []string{"X-Api-Key", ""}, 401},
		{"/api/x", nil, 401},
		{"/api/x", []string{"X-Space-App-Key", "appkey"}, 200},
		{"/api/x", []string{"X-Space-App-Key", "wrong"}, 401},
		{"/api/x", []string{"X-Space-App-Key", "appkey", "Cookie", "space_session=x", "Sec-Fetch-Site", "same-site"}, 200},
		{"/api/open", nil, 200},
		{"/api/open", []string{"X-Space-App-Key", "wrong"}, 200}, // public routes come before keys
		{"/api/open/", nil, 401},
		{"/api/opened", nil, 401},
		{"/api/docs/a/b/index", nil, 200},
		{"/api/docs/index", nil, 401},
		{"/api/all/", nil, 200},
		{"/api/all", nil, 401},
		{"/open", nil, 401}, // which is relative to the Micro's root
		// T15: what is open for one reader only is open for nobody, and refused to the owner, too.
		{"/api/all/../x", nil, 400},
		{"/api/all/%2e%2e/x", nil, 400},
		{"/api/all%2F..%2Fx", nil, 400},
		{"/api//open", nil, 400},
		{"/api/all/%2e%2e/x", owner, 400},
		{"/api/all%2Fx", nil, 400},
		{"/api/all/%2Fx", nil, 200},
		{"/api/all/caf%C3%A9", nil, 200},
	} {
		rec := b.ask(get(t, "http://app.localhost"+c.path, c.headers...))
		if rec.Code != c.want {
			t.Errorf("%s with %q: got %d %s, want %d", c.path, c.headers, rec.Code, rec.Body, c.want)
		}
		for path, d := range b.doors {
			if (d.asked != nil) != (c.want == 200 && strings.HasPrefix(c.path, path)) && path == "/api" {
				t.Errorf("%s with %q: the Micro at %s was asked: %v", c.path, c.headers, path, d.asked != nil)
			}
			if rec.Code != 200 && d.asked != nil {
				t.Errorf("%s with %q: a Micro was asked", c.path, c.headers)
			}
			d.asked = nil
		}
		if c.want == 401 && !strings.HasPrefix(rec.Header().Get("Server"), "Deta") {
			t.Errorf("%s: the 401 is not told from an app's own: %q", c.path, rec.Header())
		}
	}
}

// T15: a Scheduled Action is called by the owner only, also at a path of its own, and also where the Micro is public.
func TestActionPaths(t *testing.T) {
	b := newBench(t, nil, "/", "/api")
	b.change("/api", func(m *space.Micro) { m.Actions = []space.Action{{ID: "a", Path: "/cron/daily"}}; m.APIKeys = true })
	for path, want := range map[string]int{
		"/__space/v0/actions": 403, "/api/__space/v0/actions": 403, "/api/__space/v0/actions/x": 403, "/api/cron/daily": 403,
		"/api/%5f%5fspace/v0/actions": 400, "/api/cron%2Fdaily": 400, "/api/x/../cron/daily": 400, "/api//cron/daily": 400, "/api/cron/%64aily": 400,
		"/api/cron": 200, "/cron/daily": 200, "/api/cron/daily2": 200, "/api/cron/daily/": 403, "/api/cron/daily/x": 403,
		// Express, for one, takes these for the same.
		"/api/Cron/DAILY": 403, "/api/__Space/v0/ACTIONS": 403, "/__SPACE/v0/actions": 403, "/api/Cron/Dail": 200,
	} {
		r := get(t, "http://app.localhost"+path, "X-Space-App-Key", "appkey", "X-Api-Key", "an_apikey")
		r.Method = http.MethodPost
		if rec := b.ask(r); rec.Code != want {
			t.Errorf("%s: got %d %s, want %d", path, rec.Code, rec.Body, want)
		}
		r.Header.Set("Authorization", "Bearer token")
		if rec := b.ask(r); want == 403 && rec.Code != 200 {
			t.Errorf("%s: the owner gets %d %s", path, rec.Code, rec.Body)
		}
	}
}

// A developer's own server takes who reaches it for its owner, but no other site that a
// browser shows.
func TestOpenServer(t *testing.T) {
	b := newBench(t, func(c *gateway.Config) { c.Open = true }, "/")
	b.private()
	b.change("/", func(m *space.Micro) { m.Actions = []space.Action{{ID: "a", Path: "/cron"}} })
	for _, c := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/", nil, 200},
		{"POST", "/", nil, 200}, // no browser
		{"POST", "/__space/v0/actions", nil, 200},
		{"POST", "/", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200}, // a link
		{"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"POST", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{"POST", "/__space/v0/actions", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/cron", []string{"Origin", "http://evil.example"}, 403},
		{"POST", "/", []string{"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer token"}, 200},
	} {
		r := get(t, "http://app.localhost"+c.path, c.headers...)
		r.Method = c.method
		if rec := b.ask(r); rec.Code != c.want {
			t.Errorf("%s %s with %q: got %d %s, want %d", c.method, c.path, c.headers, rec.Code, rec.Body, c.want)
		}
	}
}

// A developer's own server takes who reaches its API for its owner, too, but no other site that a browser
// shows, and no page of a Micro; another server takes nobody for that.
func TestOpenServersAPI(t *testing.T) {
	for _, open := range []bool{true, false} {
		b := newBench(t, func(c *gateway.Config) {
			c.Open = open
			c.Platform = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, access.OwnerOf(r.Context())) })
		}, "/")
		for _, c := range []struct {
			method  string
			headers []string
			owner   bool
		}{
			{"GET", nil, true},
			{"POST", nil, true}, // no browser
			{"GET", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, false},
			{"POST", []string{"Sec-Fetch-Site", "same-site"}, false},
			{"DELETE", []string{"Sec-Fetch-Site", "cross-site"}, false},
			{"GET", []string{"Origin", "http://app.localhost"}, false},
			{"PUT", []string{"Origin", "http://evil.example"}, false},
		} {
			r := get(t, "http://localhost/api/v1/apps", c.headers...)
			r.Method = c.method
			if got := b.ask(r).Body.String(); (got == access.FileToken) != (c.owner && open) {
				t.Errorf("open %t, %s with %q: the owner is %q", open, c.method, c.headers, got)
			}
		}
	}
}

// T12: credentials of the platform do not reach a Micro, a key of its own scheme does.
func TestCredentialsStayOut(t *testing.T) {
	b := newBench(t, nil, "/")
	b.ask(get(t, "http://app.localhost/", "Authorization", "Bearer token", "X-Api-Key", "an_apikey", "X-Other", "a_key",
		"Cookie", "a=1; space_session=x; __Host-space_nonce=y;b=2", "Cookie", "space_fresh=z"))
	asked := b.doors["/"].asked.Header
	for _, name := range []string{"Authorization", "X-Api-Key", "X-Other"} {
		if asked.Get(name) != "" {
			t.Errorf("the Micro sees %s: %q", name, asked.Get(name))
		}
	}
	if got := asked.Values("Cookie"); len(got) != 1 || got[0] != "a=1;b=2" {
		t.Errorf("the Micro sees the cookies %q", got)
	}
	b.ask(get(t, "http://app.localhost/", "X-Api-Key", "its own", "X-Space-App-Key", "another's"))
	if got := b.doors["/"].asked.Header; got.Get("X-Api-Key") != "its own" || got.Get("X-Space-App-Key") != "another's" {
		t.Errorf("the Micro sees %v", got)
	}
}

// T13: a Micro sets cookies for its own host, and none of the platform's.
func TestCookiesStayHome(t *testing.T) {
	b := newBench(t, nil, "/")
	b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
		for _, c := range []string{
			"a=1; Domain=localhost; Path=/; Secure", "b=2;DOMAIN=.app.localhost", "c=3; domain ; HttpOnly", "space_session=x; Path=/", "__Host-space_nonce=y; Path=/; Secure", "d=4",
		} {
			w.Header().Add("Set-Cookie", c)
		}
		_, err := io.WriteString(w, "x")
		return err
	}
	got := b.ask(get(t, "http://app.localhost/")).Header().Values("Set-Cookie")
	if strings.Join(got, "|") != "a=1; Path=/; Secure|b=2|c=3; HttpOnly|d=4" {
		t.Errorf("got %q", got)
	}
}

// T14: a name that was another app's answers a browser first with the order to forget that.
func TestHeir(t *testing.T) {
	b := newBench(t, nil, "/")
	app, release, _ := b.config.Registry.Acquire("app")
	app.App.Heir = true
	release()
	page := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html", "Cookie", "old=1"}
	b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Add("Set-Cookie", "new=1")
		_, err := io.WriteString(w, "page")
		return err
	}
	rec := b.ask(get(t, "http://app.localhost/x?y=1", page...))
	// Not all cookies: that order reaches the other apps of the domain.
	if rec.Code != http.StatusOK || rec.Header().Get("Clear-Site-Data") != `"cache", "storage"` {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	if got := b.doors["/"].asked.Header["Cookie"]; got != nil {
		t.Errorf("the new app sees the old one's cookies: %q", got)
	}
	set := rec.Header().Values("Set-Cookie")
	if len(set) != 3 || !strings.HasPrefix(set[0], "old=; Path=/; Max-Age=0") || !strings.HasPrefix(set[1], "space_fresh=") || set[2] != "new=1" {
		t.Fatalf("got %q", set)
	}
	fresh := strings.Split(set[1], ";")[0]
	rec = b.ask(get(t, "http://app.localhost/x", append(page, "Cookie", fresh)...))
	if rec.Header().Get("Clear-Site-Data") != "" || b.doors["/"].asked.Header.Get("Cookie") != "old=1" {
		t.Errorf("the second time: %v, %v", rec.Header(), b.doors["/"].asked.Header)
	}
	for name, headers := range map[string][]string{
		"a program": {"Accept", "*/*"}, "a frame": {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", "text/html"},
	} {
		if rec = b.ask(get(t, "http://app.localhost/x", headers...)); rec.Header().Get("Clear-Site-Data") != "" {
			t.Errorf("%s gets %v", name, rec.Header())
		}
	}
	// The old app's service worker ends when it looks for its next version.
	b.doors["/"].asked = nil
	rec = b.ask(get(t, "http://app.localhost/sw.js", "Service-Worker", "script"))
	if !strings.Contains(rec.Body.String(), "unregister()") || b.doors["/"].asked != nil {
		t.Errorf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	// Nobody but that answer says that a browser is fresh.
	wantError(t, "fresh", b.ask(get(t, "http://app.localhost/__space/v0/fresh")), space.CodeNotFound)
}

func BenchmarkAdmit(b *testing.B) {
	bench := newBench(&testing.T{}, nil, "/")
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://app.localhost/some/path", nil)
	b.ReportAllocs()
	for b.Loop() {
		bench.ServeHTTP(httptest.NewRecorder(), r)
	}
}
