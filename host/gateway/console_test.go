package gateway_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/space"
)

func newConsoleBench(t *testing.T) *bench {
	t.Helper()
	return newBench(t, func(c *gateway.Config) {
		c.Console = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "console of "+access.OwnerOf(r.Context()))
		})
	}, "/")
}

const consoleHost = "http://console.localhost:4200"

// comesIn logs a browser in to the console.
func (br *visitor) comesIn() {
	br.t.Helper()
	rec := br.follow(br.do(http.MethodGet, consoleHost+"/apps/x", nil)) // the login page
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "To the console") {
		br.t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+consoleHost) {
		br.t.Errorf("the form cannot lead back: %q", csp)
	}
	page := br.do(http.MethodGet, consoleHost+"/apps/x", nil).Header().Get("Location")
	rec = br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token"))
	if rec = br.follow(rec); rec.Header().Get("Location") != "/apps/x" {
		br.t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
}

// T13: the console has a host of its own, where browsers log in; on the platform's only
// the front page leads to it, and only browsers.
func TestConsole(t *testing.T) {
	b := newConsoleBench(t)
	br := newVisitor(t, b)
	if rec := br.do(http.MethodGet, "http://localhost:4200/", nil); rec.Header().Get("Location") != consoleHost+"/" {
		t.Errorf("a browser gets %d %v", rec.Code, rec.Header())
	}
	for _, headers := range [][]string{{}, {"Accept", "*/*"}, {"Accept", "application/json"}} {
		if rec := b.ask(get(t, "http://localhost:4200/", headers...)); rec.Body.String() != "platform" {
			t.Errorf("a program gets %d %v", rec.Code, rec.Header())
		}
	}
	if rec := br.do(http.MethodGet, "http://localhost:4200/api/v1/apps", nil); rec.Body.String() != "platform" {
		t.Errorf("the API gets %d", rec.Code)
	}
	br.comesIn()
	if rec := br.do(http.MethodGet, consoleHost+"/", nil); rec.Body.String() != "console of admin" {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	b.generation = "2" // the token is another
	if rec := br.do(http.MethodGet, consoleHost+"/", nil); rec.Code != http.StatusSeeOther {
		t.Errorf("a token that is gone still comes in: %d", rec.Code)
	}
}

// T13: a session of the console counts there and nowhere else; tokens do not count there,
// and neither does what an app beside it has the browser ask.
func TestConsoleIsApart(t *testing.T) {
	b := newConsoleBench(t)
	b.private()
	wantError(t, "nobody", b.ask(get(t, consoleHost+"/list")), space.CodeUnauthorized)
	wantError(t, "a token", b.ask(get(t, consoleHost+"/list", "Authorization", "Bearer token")), space.CodeUnauthorized)
	wantError(t, "an app key", b.ask(get(t, consoleHost+"/list", "X-Space-App-Key", "appkey")), space.CodeUnauthorized)
	br := newVisitor(t, b)
	br.comesIn()
	for what, headers := range map[string][]string{
		"a script beside it":   {"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "empty", "Origin", "http://app.localhost:4200"},
		"an image beside it":   {"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "image"},
		"a frame of another":   {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "iframe"},
		"an origin, no fetch":  {"Sec-Fetch-Mode", "", "Sec-Fetch-Dest", "", "Origin", "http://app.localhost:4200"},
		"a script of a domain": {"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "script"},
	} {
		rec := br.do(http.MethodGet, consoleHost+"/", nil)
		if rec.Code != http.StatusOK {
			t.Fatalf("its own user gets %d", rec.Code)
		}
		r := get(t, consoleHost+"/", "Accept", "text/html")
		for name, value := range br.jar["console.localhost:4200"] {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		wantError(t, what, b.ask(r), space.CodeForbidden)
	}
	post := get(t, consoleHost+"/apps/x/delete", "Sec-Fetch-Site", "same-site")
	post.Method = http.MethodPost
	for name, value := range br.jar["console.localhost:4200"] {
		post.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	wantError(t, "a form beside it", b.ask(post), space.CodeForbidden)
	// The cookie is no key to the apps.
	r := get(t, "http://app.localhost:4200/")
	for name, value := range br.jar["console.localhost:4200"] {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	wantError(t, "the cookie at an app", b.ask(r), space.CodeUnauthorized)
}

// T18: the console answers below the platform's own domains only.
func TestConsoleHost(t *testing.T) {
	b := newConsoleBench(t)
	wantError(t, "another domain", b.ask(get(t, "http://console.evil.example/", "Accept", "text/html")), space.CodeMisdirected)
	wantError(t, "below an app", b.ask(get(t, "http://console.app.localhost:4200/")), space.CodeMisdirected)
	without := newBench(t, nil, "/")
	wantError(t, "no console", without.ask(get(t, consoleHost+"/")), space.CodeNotFound)
}

// T13: behind TLS every cookie of the platform is one that browsers take from its own host
// alone: of the platform, an app and the console. Without TLS they would not take it at all.
func TestCookiesBehindTLS(t *testing.T) {
	for _, c := range []struct{ scheme, prefix string }{{"https", "__Host-"}, {"http", ""}} {
		b := newBench(t, func(config *gateway.Config) {
			config.BaseURL = c.scheme + "://localhost:4200"
			config.AppURL = func(app space.AppName) string { return c.scheme + "://" + string(app) + ".localhost:4200/" }
			config.Console = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		}, "/")
		b.private()
		br := newVisitor(t, b) // which looks at each cookie's host, path, HttpOnly and SameSite
		for _, own := range []string{"console", "app"} {
			page := br.do(http.MethodGet, c.scheme+"://"+own+".localhost:4200/x", nil).Header().Get("Location")
			rec := br.do(http.MethodPost, c.scheme+"://localhost:4200/login", br.form(page, "token"))
			if rec = br.follow(rec); rec.Header().Get("Location") != "/x" {
				t.Fatalf("%s: got %d %v", own, rec.Code, rec.Header())
			}
			if rec = br.do(http.MethodGet, c.scheme+"://"+own+".localhost:4200/x", nil); rec.Code != http.StatusOK {
				t.Errorf("%s: the session does not count: %d", own, rec.Code)
			}
		}
		names := map[string]bool{}
		for _, cookie := range br.set {
			names[cookie.Name] = true
			if cookie.Secure != (c.scheme == "https") {
				t.Errorf("by %s: %s", c.scheme, cookie.Raw)
			}
		}
		if len(names) != 2 || !names[c.prefix+"space_session"] || !names[c.prefix+"space_nonce"] {
			t.Errorf("by %s the cookies are %v", c.scheme, names)
		}
		if names := slices.Sorted(maps.Keys(br.jar)); !slices.Equal(names, []string{"app.localhost:4200", "console.localhost:4200", "localhost:4200"}) {
			t.Errorf("by %s cookies are set at %v", c.scheme, names)
		}
	}
}
