package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// customs are domains by host.
type customs map[string]space.AppDomain

var _ gateway.Customs = customs{}

func (c customs) Find(host string) (space.AppDomain, bool) {
	d, ok := c[host]
	return d, ok
}

// Inherited takes the time of a domain whose host is the platform's for its end.
func (c customs) Inherited(host string, app space.App) (time.Time, bool) {
	d, ok := c["former "+host]
	return d.Created, ok && d.Key != app.Key
}

func (customs) URL(host space.Domain) string { return "http://" + string(host) + ":4200/" }

const shop = "http://shop.example:4200"

// withDomains is a bench whose app has shop.example; the others are what must not be answered.
func withDomains(t *testing.T, change func(*gateway.Config), paths ...string) (*bench, customs) {
	t.Helper()
	c := customs{}
	for host, d := range map[space.Domain]space.AppDomain{
		"shop.example": {App: "app", Key: "a_key"}, "failed.example": {App: "failed"},
		"gone.example": {App: "gone", Key: "g_key"}, "before.example": {App: "app", Key: "of an app of the name before"},
		// What a server was given as its own since.
		"space.example.org": {App: "app", Key: "a_key"}, "other.localhost": {App: "app", Key: "a_key"}, "127.0.0.1": {App: "app", Key: "a_key"},
		"console.localhost": {App: "app", Key: "a_key"},
	} {
		d.Host = host
		c[string(host)] = d
	}
	return newBench(t, func(config *gateway.Config) {
		config.Customs = c
		config.Console = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("console")) })
		if change != nil {
			change(config)
		}
	}, paths...), c
}

// T18: a domain is the app's built-in host by another name, and never the platform's.
func TestDomainHosts(t *testing.T) {
	b, c := withDomains(t, func(config *gateway.Config) { config.Open = true }, "/", "/api")
	for host, want := range map[string]string{
		"shop.example": "/", "shop.example:4200": "/", "SHOP.Example.:1": "/", "failed.example": "preparing",
		"gone.example": "misdirected", "before.example": "misdirected", // an app that is gone, though another has its name
		"x.shop.example": "misdirected", "shop.example.evil.org": "misdirected", "example": "misdirected", "shop.example..": "misdirected",
		"shop.example:x": "misdirected", "shop.example:": "misdirected",
		"space.example.org": "platform", "127.0.0.1": "platform", "other.localhost": "not_found", "console.localhost": "console",
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
	for path, want := range map[string]string{"/api/x": "/api", "/api/v1/apps": "/api", "/login": "/", "/metrics": "/", "/apps/app": "/"} {
		if rec := b.ask(get(t, shop+path)); rec.Body.String() != want {
			t.Errorf("%s: got %q, want the Micro %s", path, rec.Body, want)
		}
	}
	// T15: the platform's part of an app is there, too, and reaches no Micro.
	wantError(t, "no path", b.ask(get(t, shop+"/__space/x")), space.CodeNotFound)
	wantError(t, "escaped", b.ask(get(t, shop+"/%5f_space/x")), space.CodeBadRequest)
	delete(c, "shop.example")
	wantError(t, "removed", b.ask(get(t, shop+"/")), space.CodeMisdirected)
}

// An app that is not restored yet may be there in a moment.
func TestDomainWhileStarting(t *testing.T) {
	b, _ := withDomains(t, func(config *gateway.Config) { config.Starting = func() bool { return true } }, "/")
	wantError(t, "not restored", b.ask(get(t, "http://gone.example/")), space.CodePreparing)
	wantError(t, "no domain", b.ask(get(t, "http://none.example/")), space.CodeMisdirected)
	wanted := 0
	b.config.Registry.Publish(&registry.App{App: space.App{Name: "gone", Key: "g_key"}, Wanted: func() { wanted++ }})
	if wantError(t, "being prepared", b.ask(get(t, "http://gone.example/")), space.CodePreparing); wanted != 1 {
		t.Errorf("it was told %d times that somebody waits", wanted)
	}
	if rec := b.ask(get(t, shop+"/")); rec.Body.String() != "/" {
		t.Errorf("one that is there gets %q", rec.Body)
	}
}

// T14: a browser at a domain logs in at the platform and comes back to the domain, where it
// alone has the session.
func TestDomainLogin(t *testing.T) {
	b, c := withDomains(t, nil, "/")
	b.private()
	br := newVisitor(t, b)
	rec := br.do(http.MethodGet, shop+"/private?x=1", nil)
	page := rec.Header().Get("Location")
	if !strings.HasPrefix(page, "http://localhost:4200/login?") || b.doors["/"].asked != nil {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	rec = br.follow(rec)
	if body := rec.Body.String(); !strings.Contains(body, "<strong>shop.example</strong>") || !strings.Contains(body, `name="host" value="shop.example"`) {
		t.Errorf("the page does not say where it leads: %s", body)
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' http://shop.example:4200") {
		t.Errorf("the form cannot lead back: %q", csp)
	}
	rec = br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token"))
	landing := rec.Header().Get("Location")
	if !strings.HasPrefix(landing, shop+"/__space/v0/login?") || !strings.Contains(landing, "ticket=") {
		t.Fatalf("it leads to %q", landing)
	}
	if other := newVisitor(t, b); other.do(http.MethodGet, landing, nil).Code != http.StatusBadRequest || len(other.jar) > 0 {
		t.Error("another browser takes the ticket")
	}
	rec = br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token")) // that ticket is gone
	if rec = br.follow(rec); rec.Header().Get("Location") != "/private?x=1" {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	if rec = br.do(http.MethodGet, shop+"/private?x=1", nil, "Sec-Fetch-Site", "cross-site"); rec.Code != 200 {
		t.Errorf("the owner gets %d %s", rec.Code, rec.Body)
	}
	if got := b.doors["/"].asked.Header["Cookie"]; got != nil { // T12
		t.Errorf("the Micro sees %q", got)
	}
	// T13: the session is of this host, and of no use to others.
	if rec = br.do(http.MethodGet, private, nil); rec.Code != http.StatusSeeOther {
		t.Errorf("it counts at the built-in host without a cookie there: %d", rec.Code)
	}
	if rec = br.do(http.MethodPost, shop+"/private", nil, "Origin", "http://app.localhost:4200"); rec.Code != 403 {
		t.Errorf("the built-in host posts to the domain: %d", rec.Code)
	}
	if rec = br.do(http.MethodPost, shop+"/private", nil, "Origin", shop); rec.Code != 200 {
		t.Errorf("its own form gets %d", rec.Code)
	}
	br.do(http.MethodPost, shop+"/__space/v0/logout", nil, "Sec-Fetch-Site", "same-origin")
	if br.jar["shop.example:4200"]["space_session"] != "" {
		t.Error("the session outlives the logout")
	}
	delete(c, "shop.example")
	rec = br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token"))
	wantError(t, "a domain that is gone", rec, space.CodeNotFound)
}

// T14: no ticket goes to a host that is not the app's own now.
func TestDomainLoginHostile(t *testing.T) {
	b, _ := withDomains(t, nil, "/")
	b.config.Registry.Publish(&registry.App{App: space.App{Name: "other", Key: "o_key"}})
	for _, c := range []struct{ app, host string }{
		{"app", "evil.example"},
		{"app", "gone.example"},
		{"app", "failed.example"},
		{"app", "before.example"},
		{"other", "shop.example"},
		{"app", "shop.example:80"},
		{"app", "SHOP.example"},
		{"app", "shop.example/"},
		{"app", "me@shop.example"},
		{"app", `"><script>`},
		{"gone", "gone.example"},
		{"app", "other.localhost"}, // another app's, as the server got its name
		{"app", "console.localhost"},
		{"app", "space.example.org"},
	} {
		query := url.Values{"app": {c.app}, "host": {c.host}, "nonce": {"x"}, "token": {"token"}}
		if rec := b.ask(get(t, "http://localhost:4200/login?"+query.Encode())); c.host != "before.example" && c.app != "gone" {
			wantError(t, "the page for "+c.host, rec, space.CodeNotFound)
		}
		rec := newVisitor(t, b).do(http.MethodPost, "http://localhost:4200/login", query)
		if wantError(t, c.host, rec, space.CodeNotFound); strings.Contains(rec.Header().Get("Location"), "ticket") {
			t.Errorf("%s gets a ticket: %v", c.host, rec.Header())
		}
	}
	// The console's own host is the only one for the console.
	query := url.Values{"app": {"console"}, "host": {"shop.example"}, "nonce": {"x"}, "token": {"token"}}
	rec := newVisitor(t, b).do(http.MethodPost, "http://localhost:4200/login", query)
	if to := rec.Header().Get("Location"); !strings.HasPrefix(to, "http://console.localhost:4200/") {
		t.Errorf("the console's login leads to %q", to)
	}
}

// T13: a Micro's cookies stay at the domain, and the platform's it cannot set there.
func TestDomainCookies(t *testing.T) {
	b, _ := withDomains(t, nil, "/")
	b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
		for _, line := range []string{"a=1; Domain=example; Path=/", "b=2; domain=.shop.example", "space_session=x"} {
			w.Header().Add("Set-Cookie", line)
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
	if got := strings.Join(b.ask(get(t, shop+"/")).Header()["Set-Cookie"], "|"); got != "a=1; Path=/|b=2" {
		t.Errorf("got %q", got)
	}
}

// T14: what another app has left at a domain is forgotten; a name's heir is none at a domain
// that was nobody's.
func TestDomainHeir(t *testing.T) {
	b, c := withDomains(t, nil, "/")
	left := func() (cleared bool, seen string) {
		rec := b.ask(get(t, shop+"/", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Cookie", "theirs=1"))
		return rec.Header().Get("Clear-Site-Data") != "", b.doors["/"].asked.Header.Get("Cookie")
	}
	if cleared, seen := left(); cleared || seen != "theirs=1" {
		t.Errorf("at its own it clears: %v, and sees %q", cleared, seen)
	}
	d := c["shop.example"]
	d.Heir = true
	c["shop.example"] = d
	if cleared, seen := left(); !cleared || seen != "" {
		t.Errorf("at another's it clears: %v, and sees %q", cleared, seen)
	}
	app, release, _ := b.config.Registry.Acquire("app")
	defer release()
	app.App.Heir, d.Heir = true, false
	c["shop.example"] = d
	if cleared, _ := left(); cleared {
		t.Error("an heir of a name clears where nobody was before")
	}
}
