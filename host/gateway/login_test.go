package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// visitor is a browser that keeps cookies by host, as the platform's are.
type visitor struct {
	t   *testing.T
	b   *bench
	jar map[string]map[string]string
	set []*http.Cookie // all that ever were
}

func newVisitor(t *testing.T, b *bench) *visitor {
	t.Helper()
	return &visitor{t: t, b: b, jar: map[string]map[string]string{}}
}

func (br *visitor) do(method, target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	br.t.Helper()
	r := get(br.t, target, append([]string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, headers...)...)
	if form != nil {
		body := httptest.NewRequestWithContext(br.t.Context(), method, target, strings.NewReader(form.Encode()))
		body.Header, body.RemoteAddr = r.Header, r.RemoteAddr
		body.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r = body
	}
	r.Method = method
	jar := br.jar[r.Host]
	for name, value := range jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := br.b.ask(r)
	for _, c := range rec.Result().Cookies() {
		br.set = append(br.set, c)
		if jar == nil {
			jar = map[string]string{}
			br.jar[r.Host] = jar
		}
		if jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(jar, c.Name)
		}
		if c.Domain != "" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			br.t.Errorf("the cookie %s reaches farther than its host", c.Raw)
		}
	}
	return rec
}

// follow goes where an answer leads.
func (br *visitor) follow(rec *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	br.t.Helper()
	if rec.Code != http.StatusSeeOther {
		br.t.Fatalf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	return br.do(http.MethodGet, rec.Header().Get("Location"), nil)
}

// form fills in the login page that is shown.
func (br *visitor) form(page, token string) url.Values {
	u, err := url.Parse(page)
	if err != nil {
		br.t.Fatal(err)
	}
	form := u.Query()
	form.Set("token", token)
	return form
}

const private = "http://app.localhost:4200/private?x=1"

// As the original: a browser is sent to a login page, and back.
func TestLogin(t *testing.T) {
	b := newBench(t, nil, "/", "/api")
	b.private()
	br := newVisitor(t, b)
	rec := br.do(http.MethodGet, private, nil)
	page := rec.Header().Get("Location")
	if !strings.HasPrefix(page, "http://localhost:4200/login?") || b.doors["/"].asked != nil {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	if rec = br.follow(rec); rec.Code != 200 || !strings.Contains(rec.Body.String(), "<form") || !strings.Contains(rec.Body.String(), "<strong>app</strong>") {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http://app.localhost:4200") {
		t.Errorf("the form cannot lead back: %q", csp)
	}
	if rec = br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "wrong")); rec.Code != 401 || !strings.Contains(rec.Body.String(), "not an admin token") {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	rec = br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token"))
	landing := rec.Header().Get("Location")
	rec = br.follow(rec)
	if rec.Header().Get("Location") != "/private?x=1" {
		t.Fatalf("got %d %v", rec.Code, rec.Header())
	}
	if rec = br.do(http.MethodGet, private, nil); rec.Code != 200 {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	// T12: the Micro does not see who came in by what.
	if got := b.doors["/"].asked.Header["Cookie"]; got != nil {
		t.Errorf("the Micro sees %q", got)
	}
	// T14: the address of the landing is worth nothing to another.
	other := newVisitor(t, b)
	if rec = other.do(http.MethodGet, landing, nil); rec.Code != 400 || len(other.jar) > 0 {
		t.Errorf("another browser gets %d %v", rec.Code, rec.Header())
	}
	// Once logged in to the platform, the next app asks nothing.
	delete(br.jar, "app.localhost:4200")
	rec = br.follow(br.follow(br.do(http.MethodGet, private, nil)))
	if rec.Header().Get("Location") != "/private?x=1" {
		t.Errorf("got %d %v", rec.Code, rec.Header())
	}
	// The session ends with the token.
	b.generation = "2"
	if rec = br.do(http.MethodGet, private, nil); rec.Code != http.StatusSeeOther {
		t.Errorf("the session outlives the token: %d", rec.Code)
	}
}

// session is a browser that has logged in to the app.
func session(t *testing.T, b *bench) *visitor {
	t.Helper()
	br := newVisitor(t, b)
	page := br.do(http.MethodGet, private, nil).Header().Get("Location")
	br.follow(br.do(http.MethodPost, "http://localhost:4200/login", br.form(page, "token")))
	if br.jar["app.localhost:4200"]["space_session"] == "" {
		t.Fatalf("no session: %v", br.jar)
	}
	return br
}

// T13: a session is of no use to other sites, sibling apps among them.
func TestSessionFromElsewhere(t *testing.T) {
	b := newBench(t, nil, "/")
	b.private()
	br := session(t, b)
	for _, c := range []struct {
		method string
		header []string
		want   int
	}{
		{"GET", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, 200}, // a link
		{"GET", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"GET", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "iframe"}, 403},
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"POST", []string{"Origin", "http://other.localhost:4200"}, 403},
		{"POST", []string{"Origin", "http://app.localhost:4200"}, 200},
		{"DELETE", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", []string{"Origin", "http://other.localhost:4200"}, 403}, // without TLS browsers send no Sec-Fetch-Site
	} {
		r := get(t, private, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
		r.Method = c.method
		r.AddCookie(&http.Cookie{Name: "space_session", Value: br.jar["app.localhost:4200"]["space_session"]})
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		if rec := b.ask(r); rec.Code != c.want {
			t.Errorf("%s %q: got %d %s, want %d", c.method, c.header, rec.Code, rec.Body, c.want)
		}
	}
	// A script of another host can set a cookie of the name that comes first.
	tossed := get(t, private, "Cookie", "space_session=junk; space_session="+br.jar["app.localhost:4200"]["space_session"])
	if rec := b.ask(tossed); rec.Code != 200 {
		t.Errorf("a tossed cookie shuts the owner out: %d", rec.Code)
	}
	// At another app the cookie is nobody's.
	r := get(t, "http://localhost:4200/login?app=app&nonce=x")
	r.AddCookie(&http.Cookie{Name: "space_session", Value: br.jar["app.localhost:4200"]["space_session"]})
	if rec := b.ask(r); rec.Code != 200 {
		t.Errorf("an app's session counts at the platform: %d %v", rec.Code, rec.Header())
	}
	if rec := br.do(http.MethodPost, "http://app.localhost:4200/__space/v0/logout", nil, "Sec-Fetch-Site", "same-site"); rec.Code != 403 {
		t.Errorf("another app logs out: %d", rec.Code)
	}
	br.do(http.MethodPost, "http://app.localhost:4200/__space/v0/logout", nil, "Sec-Fetch-Site", "same-origin")
	if br.jar["app.localhost:4200"]["space_session"] != "" {
		t.Error("the session outlives the logout")
	}
	// It ends at the platform as well, or the next visit would begin another.
	if rec := br.do(http.MethodGet, "http://localhost:4200/logout", nil); rec.Code != 200 || br.jar["localhost:4200"]["space_session"] != "" {
		t.Errorf("got %d, %v", rec.Code, br.jar)
	}
}

// A form from elsewhere, many guesses, and ways that lead out of the host.
func TestLoginHostile(t *testing.T) {
	b := newBench(t, nil, "/")
	b.private()
	br := newVisitor(t, b)
	form := url.Values{"token": {"token"}, "app": {"app"}, "nonce": {"x"}}
	if rec := br.do(http.MethodPost, "http://localhost:4200/login", form, "Sec-Fetch-Site", "same-site"); rec.Code != 403 {
		t.Errorf("another site logs in: %d", rec.Code)
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:x", "/" + strings.Repeat("x", 3000)} {
		page := br.do(http.MethodGet, private, nil).Header().Get("Location")
		f := br.form(page, "token")
		f.Set("return", to)
		rec := br.follow(br.do(http.MethodPost, "http://localhost:4200/login", f))
		if rec.Header().Get("Location") != "/" {
			t.Errorf("%.40q leads to %q", to, rec.Header().Get("Location"))
		}
		delete(br.jar, "app.localhost:4200")
		delete(br.jar, "localhost:4200")
	}
	for _, app := range []string{"no-such-app", "Not A Name", `"><script>`} {
		f := url.Values{"token": {"token"}, "app": {app}}
		if rec := br.do(http.MethodPost, "http://localhost:4200/login", f); rec.Code != 404 {
			t.Errorf("%s: got %d", app, rec.Code)
		}
		delete(br.jar, "localhost:4200")
	}
	if rec := br.do(http.MethodGet, "http://localhost:4200/login?app="+url.QueryEscape(`"><script>`), nil); rec.Code != 400 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	for range 10 {
		form.Set("token", "guess")
		br.do(http.MethodPost, "http://localhost:4200/login", form)
	}
	form.Set("token", "token")
	rec := br.do(http.MethodPost, "http://localhost:4200/login", form)
	if rec.Code != 429 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("the eleventh guess gets %d", rec.Code)
	}
	b.now = b.now.Add(time.Minute)
	if rec := br.do(http.MethodPost, "http://localhost:4200/login", form); rec.Code != http.StatusSeeOther {
		t.Errorf("a minute later: %d", rec.Code)
	}
}
