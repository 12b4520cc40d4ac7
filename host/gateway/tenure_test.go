package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

const runsPath = "/__space/v0/actions/runs"

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// asOwner tells whether a session's value is the owner's at the host of a target: for the
// Micro, and for the runs of its actions.
func (b *bench) asOwner(t *testing.T, origin, value string) bool {
	t.Helper()
	page := b.ask(get(t, origin+"/private", "Cookie", "space_session="+value)).Code == http.StatusOK
	if runs := b.ask(get(t, origin+runsPath, "Cookie", "space_session="+value)).Code == http.StatusOK; runs != page {
		t.Errorf("at %s it counts for a page: %v, for runs: %v", origin, page, runs)
	}
	return page
}

// at logs a browser in at an origin, and returns the value of its session there.
func (br *visitor) at(origin string) string {
	br.t.Helper()
	page := br.do(http.MethodGet, origin+"/private", nil).Header().Get("Location")
	br.follow(br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token")))
	value := br.jar[strings.TrimPrefix(origin, "http://")]["space_session"]
	if value == "" {
		br.t.Fatalf("no session at %s: %v", origin, br.jar)
	}
	return value
}

// T13, T14: a session is of one host, and of one time of the app there. Who gets a domain
// that has lapsed, and with it its cookies, has nothing of them anywhere.
func TestDomainSessionEnds(t *testing.T) {
	b, c := withDomains(t, func(config *gateway.Config) {
		config.Runs = func(context.Context, space.AppName, []string, int) ([]space.Run, error) { return nil, nil }
	}, "/")
	b.private()
	const other = "http://other.example:4200"
	c["shop.example"] = space.AppDomain{Host: "shop.example", App: "app", Key: "a_key", Created: today}
	c["other.example"] = space.AppDomain{Host: "other.example", App: "app", Key: "a_key", Created: today}
	builtIn := "http://app.localhost:4200"
	origins := []string{shop, other, builtIn}
	values := map[string]string{}
	for _, origin := range origins {
		values[origin] = newVisitor(t, b).at(origin)
	}
	for _, from := range origins {
		for _, to := range origins {
			if got := b.asOwner(t, to, values[from]); got != (from == to) {
				t.Errorf("the session of %s counts at %s: %v", from, to, got)
			}
		}
	}
	d := c["shop.example"]
	delete(c, "shop.example")
	wantError(t, "removed", b.ask(get(t, shop+"/private", "Cookie", "space_session="+values[shop])), space.CodeMisdirected)
	for _, to := range []string{other, builtIn} {
		if b.asOwner(t, to, values[shop]) {
			t.Errorf("the session of the removed domain counts at %s", to)
		}
	}
	d.Created = today.Add(time.Millisecond)
	c["shop.example"] = d
	if b.asOwner(t, shop, values[shop]) {
		t.Error("a session outlives the removal of its domain, which was added again")
	}
	if value := newVisitor(t, b).at(shop); !b.asOwner(t, shop, value) {
		t.Error("a new one does not count there")
	}
}

// T14: where the server has another name, that of before may be somebody else's: of the
// cookies that browsers have for it none counts, of apps, the platform and the console.
func TestSessionsEndWithThePlatformsName(t *testing.T) {
	b := newConsoleBench(t)
	b.private()
	br := newVisitor(t, b)
	br.comesIn()
	br.at("http://app.localhost:4200")
	moved := newConsoleBench(t)
	moved.private()
	moved.config.BaseURL = "http://space.example.org:4200"
	moved.Gateway = gateway.New(moved.config)
	for _, c := range []struct{ before, now string }{
		{"localhost:4200", "space.example.org:4200/login?app=app&nonce=x"},
		{"app.localhost:4200", "app.space.example.org:4200/private"},
		{"console.localhost:4200", "console.space.example.org:4200/list"},
	} {
		value := br.jar[c.before]["space_session"]
		ask := func(b *bench, target string) *httptest.ResponseRecorder {
			return b.ask(get(t, "http://"+target, "Cookie", "space_session="+value))
		}
		_, path, _ := strings.Cut(c.now, "/")
		if rec := ask(b, c.before+"/"+path); value == "" || rec.Code >= http.StatusBadRequest || strings.Contains(rec.Body.String(), "<form") {
			t.Errorf("%s, before: got %d %s", c.before, rec.Code, rec.Body)
		}
		if rec := ask(moved, c.now); rec.Code != http.StatusUnauthorized && !strings.Contains(rec.Body.String(), "<form") {
			t.Errorf("the session of %s counts at %s: %d %v", c.before, c.now, rec.Code, rec.Header())
		}
	}
}

// T14: a ticket is redeemed at the host that it was made for, in the app's one time there.
func TestDomainTicket(t *testing.T) {
	b, c := withDomains(t, nil, "/")
	b.private()
	c["shop.example"] = space.AppDomain{Host: "shop.example", App: "app", Key: "a_key", Created: today}
	const builtIn = "http://app.localhost:4200"
	// ticket has a browser sent back to an origin, with its nonce and the address that it is sent to.
	ticket := func(origin string) (nonce, landing string) {
		t.Helper()
		br := newVisitor(t, b)
		page := br.do(http.MethodGet, origin+"/private", nil).Header().Get("Location")
		rec := br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token"))
		if landing = rec.Header().Get("Location"); !strings.HasPrefix(landing, origin+"/__space/v0/login?") || !strings.Contains(landing, "ticket=") {
			t.Fatalf("it leads to %q", landing)
		}
		return br.jar[strings.TrimPrefix(origin, "http://")]["space_nonce"], landing
	}
	redeem := func(nonce, landing string) *httptest.ResponseRecorder {
		t.Helper()
		return b.ask(get(t, landing, "Cookie", "space_nonce="+nonce))
	}
	for _, way := range [][2]string{{shop, builtIn}, {builtIn, shop}} {
		nonce, landing := ticket(way[0])
		if rec := redeem(nonce, landing); rec.Code != http.StatusSeeOther || !strings.Contains(strings.Join(rec.Header()["Set-Cookie"], "; "), "space_session=") {
			t.Errorf("at its own host it gets %d %v", rec.Code, rec.Header())
		}
		nonce, landing = ticket(way[0])
		rec := redeem(nonce, strings.Replace(landing, way[0], way[1], 1))
		if wantError(t, way[0]+" at "+way[1], rec, space.CodeBadRequest); rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("it gets %v", rec.Header())
		}
	}
	nonce, landing := ticket(shop)
	d := c["shop.example"]
	d.Created = today.Add(time.Millisecond)
	c["shop.example"] = d
	wantError(t, "removed and added meanwhile", redeem(nonce, landing), space.CodeBadRequest)
}

// T14: a browser has nothing of others while the app that cleared it has the domain, and no
// longer: another may have had it since, in pages that were no occasion to clear.
func TestDomainHeirReturns(t *testing.T) {
	b, c := withDomains(t, nil, "/")
	other := &door{name: "other"}
	b.config.Registry.Publish(&registry.App{
		App:    space.App{Name: "other", Key: "o_key"},
		Routes: []registry.Route{{Micro: space.Micro{Path: "/", Public: true}, Server: other}},
	})
	gives := func(app space.AppName, key string, when time.Time) {
		c["shop.example"] = space.AppDomain{Host: "shop.example", App: app, Key: key, Heir: true, Created: when}
	}
	jar := "theirs=1"
	visit := func(host, dest string) *httptest.ResponseRecorder {
		t.Helper()
		rec := b.ask(get(t, "http://"+host+"/", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", dest, "Cookie", jar))
		for _, cookie := range rec.Result().Cookies() {
			if cookie.Name == "space_fresh" {
				jar = "theirs=1; space_fresh=" + cookie.Value
			}
		}
		return rec
	}
	cleared := func(host string) bool {
		t.Helper()
		did := visit(host, "document").Header().Get("Clear-Site-Data") != ""
		if seen := b.doors["/"].asked.Header.Get("Cookie"); (seen == "") != did {
			t.Errorf("it clears: %v, and sees %q", did, seen)
		}
		return did
	}
	gives("app", "a_key", today)
	if !cleared("shop.example") || cleared("shop.example") {
		t.Fatal("it does not clear once")
	}
	gives("other", "o_key", today.Add(time.Hour))
	if rec := visit("shop.example", "iframe"); rec.Header().Get("Clear-Site-Data") != "" || other.asked == nil {
		t.Fatalf("in a frame: %v", rec.Header())
	}
	gives("app", "a_key", today.Add(2*time.Hour))
	if !cleared("shop.example") {
		t.Error("what the app between has left is taken for its own")
	}
	if cleared("shop.example") {
		t.Error("it clears what is its own")
	}
	// Fresh at one of its domains is no word about another.
	d := c["shop.example"]
	d.Host = "second.example"
	c["second.example"] = d
	if !cleared("second.example") {
		t.Error("fresh at one domain is fresh at another")
	}
}

// T14: at a built-in host that was another app's domain, before the server had its name, an
// app is an heir, and at another of its hosts it is none; the platform is as any.
func TestInheritedHost(t *testing.T) {
	b, c := withDomains(t, nil, "/")
	c["former app.localhost"] = space.AppDomain{Key: "of another", Created: today}
	c["former app.space.example.org"] = space.AppDomain{Key: "a_key", Created: today}
	page := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", "text/html", "Cookie"}
	cleared := func(target, cookies string) (bool, string) {
		t.Helper()
		rec := b.ask(get(t, target, append(page, cookies)...))
		fresh := ""
		for _, cookie := range rec.Result().Cookies() {
			if cookie.Name == "space_fresh" {
				fresh = "space_fresh=" + cookie.Value
			}
		}
		return rec.Header().Get("Clear-Site-Data") != "", fresh
	}
	for host, want := range map[string]bool{
		"app.localhost": true, "APP.localhost.:80": true, "app.space.example.org": false, "failed.localhost": false, "localhost": false, "console.localhost": false,
	} {
		if did, fresh := cleared("http://"+host+"/", "theirs=1"); did != want || (fresh != "") != want {
			t.Errorf("%s clears: %v, and leaves %q", host, did, fresh)
		}
	}
	_, fresh := cleared("http://app.localhost/", "theirs=1")
	if seen := b.doors["/"].asked.Header.Get("Cookie"); seen != "" {
		t.Errorf("it sees %q", seen)
	}
	if did, _ := cleared("http://app.localhost/", "mine=1; "+fresh); did || b.doors["/"].asked.Header.Get("Cookie") != "mine=1" {
		t.Error("it clears what is its own")
	}
	c["former app.localhost"] = space.AppDomain{Key: "of another", Created: today.Add(time.Hour)} // once more
	if did, _ := cleared("http://app.localhost/", fresh); !did {
		t.Error("what was left since is taken for its own")
	}
	// Who logs in is not to type a token into what a former app has left.
	for _, host := range []string{"localhost", "console.localhost"} {
		c["former "+host] = space.AppDomain{Key: "of another", Created: today}
		did, fresh := cleared("http://"+host+"/login", "theirs=1")
		if again, _ := cleared("http://"+host+"/login", fresh); !did || again {
			t.Errorf("%s clears: %v, and again: %v", host, did, again)
		}
		rec := b.ask(get(t, "http://"+host+"/worker.js", "Service-Worker", "script"))
		if !strings.Contains(rec.Body.String(), "unregister()") {
			t.Errorf("the former app's worker stays at %s: %d %s", host, rec.Code, rec.Body)
		}
		if rec := b.ask(get(t, "http://"+host+"/api/v1/apps")); rec.Header().Get("Clear-Site-Data") != "" {
			t.Errorf("a program gets %v", rec.Header())
		}
	}
}
