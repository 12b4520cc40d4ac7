package api_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// post sends a body of JSON.
func (b *bench) post(t *testing.T, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return b.ask(t, http.MethodPost, target, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}

// makes posts a body that makes a key or token, and returns its value.
func (b *bench) makes(t *testing.T, target, body string) string {
	t.Helper()
	rec := b.post(t, target, body)
	if rec.Code != http.StatusCreated || rec.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: got %d %v %s", body, rec.Code, rec.Header(), rec.Body)
	}
	return decode[wire.Secret](t, rec).Value
}

func TestTokens(t *testing.T) {
	b := newBench(t)
	if rec := b.ask(t, http.MethodGet, "/api/v1/tokens", nil); strings.TrimSpace(rec.Body.String()) != `{"tokens":[]}` {
		t.Errorf("got %s", rec.Body)
	}
	admins, ci := b.makes(t, "/api/v1/tokens", `{"name":"of Anna"}`), b.makes(t, "/api/v1/tokens", `{"name":"ci","app":"app"}`)
	if !regexp.MustCompile(`^swt_[A-Z2-7]{26}$`).MatchString(admins) || admins == ci {
		t.Errorf("got %q, %q", admins, ci)
	}
	rec := b.ask(t, http.MethodGet, "/api/v1/tokens", nil, "Authorization", "Bearer "+admins)
	all := decode[wire.Tokens](t, rec).Tokens
	if len(all) != 2 || all[0].Name != "ci" || all[0].App != "app" || all[1].Name != "of Anna" || all[1].App != "" || time.Since(all[0].Created) > time.Minute {
		t.Errorf("got %+v", all)
	}
	if strings.Contains(rec.Body.String(), "swt_") {
		t.Error("the list shows values")
	}
	wantProblem(t, "again", b.post(t, "/api/v1/tokens", `{"name":"ci"}`), space.CodeRefused)
	for _, path := range []string{"of%20Anna", "%63i"} { // one of them escaped without need
		if rec := b.ask(t, http.MethodDelete, "/api/v1/tokens/"+path, nil); rec.Code != http.StatusNoContent {
			t.Errorf("%s: got %d %s", path, rec.Code, rec.Body)
		}
		wantProblem(t, "revoked again", b.ask(t, http.MethodDelete, "/api/v1/tokens/"+path, nil), space.CodeNotFound)
	}
	for _, value := range []string{admins, ci} {
		wantProblem(t, "a revoked token", b.ask(t, http.MethodGet, "/api/v1/apps", nil, "Authorization", "Bearer "+value), space.CodeUnauthorized)
	}
}

func TestKeys(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	b.push(t, "other", "hello")
	const keys = "/api/v1/apps/app/keys"
	if rec := b.ask(t, http.MethodGet, keys, nil); strings.TrimSpace(rec.Body.String()) != `{"keys":[]}` {
		t.Errorf("got %s", rec.Body)
	}
	rec := b.post(t, keys, `{"name":"the till"}`)
	if secret := decode[wire.Secret](t, rec); rec.Code != http.StatusCreated || secret.Name != "the till" ||
		!regexp.MustCompile(`^swk_[A-Z2-7]{26}$`).MatchString(secret.Value) || rec.Header().Get("Location") != keys+"/the%20till" {
		t.Errorf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	wantProblem(t, "again", b.post(t, keys, `{"name":"the till"}`), space.CodeRefused)
	b.makes(t, "/api/v1/apps/other/keys", `{"name":"the till"}`)
	all := decode[wire.Keys](t, b.ask(t, http.MethodGet, keys, nil)).Keys
	if len(all) != 1 || all[0].Name != "the till" || time.Since(all[0].Created) > time.Minute {
		t.Errorf("got %+v", all)
	}
	if rec := b.ask(t, http.MethodDelete, keys+"/the%20till", nil); rec.Code != http.StatusNoContent {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	wantProblem(t, "deleted again", b.ask(t, http.MethodDelete, keys+"/the%20till", nil), space.CodeNotFound)
	if all := decode[wire.Keys](t, b.ask(t, http.MethodGet, "/api/v1/apps/other/keys", nil)).Keys; len(all) != 1 {
		t.Errorf("the other app has %+v", all)
	}
	for _, rec := range []*httptest.ResponseRecorder{
		b.ask(t, http.MethodGet, "/api/v1/apps/none/keys", nil), b.ask(t, http.MethodDelete, "/api/v1/apps/none/keys/x", nil),
		b.ask(t, http.MethodPost, "/api/v1/apps/none/keys", unread{t}, "Content-Type", "application/json"),
	} {
		wantProblem(t, "no app", rec, space.CodeNotFound)
	}
}

// An app key is for an app's visitors, and opens nothing here.
func TestKeyIsNoToken(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	key := b.makes(t, "/api/v1/apps/app/keys", `{"name":"x"}`)
	for _, route := range api.Routes(b.Handler) {
		method, path, _ := strings.Cut(route, " ")
		if !isOpen(path) {
			wantProblem(t, route, b.ask(t, method, strings.Replace(path, ":app", "app", 1), unread{t}, "Authorization", "Bearer "+key), space.CodeUnauthorized)
		}
	}
}

// deployable is what a deploy token may do; it must not grow by accident.
var deployable = map[string]bool{
	"GET /api/v1/version": true, "GET /api/v1/apps": true, "PUT /api/v1/apps/:app": true, "GET /api/v1/apps/:app": true, "GET /api/v1/apps/:app/logs": true,
	"GET /api/v1/apps/:app/reports": true, "GET /api/v1/apps/:app/reports/:id": true, // why the deployment fails
	"GET /api/v1/apps/:app/revisions": true, "POST /api/v1/apps/:app/rollback": true, "POST /api/v1/apps/:app/missing": true,
	"GET /api/v1/apps/:app/actions": true, "GET /api/v1/apps/:app/actions/runs": true,
	"POST /api/v1/apps/:app/profile": true, "GET /api/v1/apps/:app/domains": true,
}

// A deploy token reaches its app, and nothing of what it does not reach is read or told.
func TestDeployScope(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	b.push(t, "other", "hello")
	bearer := "Bearer " + b.makes(t, "/api/v1/tokens", `{"name":"ci","app":"app"}`)
	for _, route := range api.Routes(b.Handler) {
		method, path, _ := strings.Cut(route, " ")
		if isOpen(path) {
			continue
		}
		target := strings.NewReplacer(":app", "app", ":name", "ci", ":id", "ci").Replace(path)
		if !deployable[route] {
			p := wantProblem(t, route, b.ask(t, method, target, unread{t}, "Authorization", bearer), space.CodeForbidden)
			if !strings.Contains(p.Detail, `"ci"`) || !strings.Contains(p.Detail, "admin's") {
				t.Errorf("%s: %q does not help", route, p.Detail)
			}
		} else if strings.Contains(path, ":app") {
			for _, other := range []string{"other", "none"} { // whether there is one is not told either
				rec := b.ask(t, method, strings.Replace(path, ":app", other, 1), unread{t}, "Authorization", bearer)
				if p := wantProblem(t, route, rec, space.CodeForbidden); !strings.Contains(p.Detail, "app only") {
					t.Errorf("%s: %q does not help", route, p.Detail)
				}
			}
		}
		if method == http.MethodGet && deployable[route] {
			if rec := b.ask(t, method, target, nil, "Authorization", bearer); rec.Code != http.StatusOK {
				t.Errorf("%s: got %d %s", route, rec.Code, rec.Body)
			}
		}
	}
	if all := decode[wire.Apps](t, b.ask(t, http.MethodGet, "/api/v1/apps", nil, "Authorization", bearer)).Apps; len(all) != 1 || all[0].App != "app" {
		t.Errorf("it sees %+v", all)
	}
}

// A revision has the name of the token that it was pushed with.
func TestAuthor(t *testing.T) {
	b := newBench(t)
	author := func() string {
		all, err := b.store.Active(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[0].Revision.Author
	}
	// A token may be older than its app.
	bearer := "Bearer " + b.makes(t, "/api/v1/tokens", `{"name":"the CI","app":"app"}`)
	rec := b.ask(t, http.MethodPut, "/api/v1/apps/app", bytes.NewReader(wasitest.Guest("hello")), "Authorization", bearer)
	if rec.Code != http.StatusCreated || author() != "the CI" {
		t.Errorf("got %d %s, by %q", rec.Code, rec.Body, author())
	}
	if b.push(t, "app", "hello"); author() != "admin" {
		t.Errorf("by %q", author())
	}
	// T14: the next app of the name is not for the token of the first.
	if rec := b.ask(t, http.MethodDelete, "/api/v1/apps/app", nil); rec.Code != http.StatusNoContent {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	wantProblem(t, "its token", b.ask(t, http.MethodPut, "/api/v1/apps/app", unread{t}, "Authorization", bearer), space.CodeUnauthorized)
}

// Who is known as the owner needs no token, and is told so.
func TestOwnerNeedsNoToken(t *testing.T) {
	b := newBench(t)
	ask := func(method, target string) *httptest.ResponseRecorder {
		ctx := access.WithOwner(space.WithRequestID(t.Context(), "the-id"), access.FileToken)
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4200})
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, method, target, nil))
		return rec
	}
	if !decode[wire.Proof](t, ask(http.MethodGet, "/api/v1/proof?nonce=n")).Open {
		t.Error("it is not told so")
	}
	b.push(t, "app", "hello")
	for _, c := range []struct{ method, target string }{{"GET", "/api/v1/apps"}, {"GET", "/api/v1/tokens"}, {"GET", "/api/v1/apps/app/env"}, {"DELETE", "/api/v1/apps/app"}} {
		if rec := ask(c.method, c.target); rec.Code/100 != 2 {
			t.Errorf("%s %s: got %d %s", c.method, c.target, rec.Code, rec.Body)
		}
	}
}

// What a page of somebody else's can have a browser send is not taken, nor what is not
// understood.
func TestReadJSON(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		kind, body string
		code       space.Code
		says       string
	}{
		{"", `{"name":"x"}`, space.CodeBadRequest, "Content-Type: application/json"},
		{"text/plain", `{"name":"x"}`, space.CodeBadRequest, `"text/plain"`},
		{"application/x-www-form-urlencoded", "name=x", space.CodeBadRequest, "Content-Type"},
		{"application/json-patch+json", `{"name":"x"}`, space.CodeBadRequest, "Content-Type"},
		{"application/json", "", space.CodeBadRequest, "empty"},
		{"application/json", "  ", space.CodeBadRequest, "empty"},
		{"application/json", "{", space.CodeBadRequest, "unexpected EOF"},
		{"application/json", "name", space.CodeBadRequest, "invalid character"},
		{"application/json", `["x"]`, space.CodeBadRequest, "a JSON array: want an object"},
		{"application/json", `"x"`, space.CodeBadRequest, "a JSON string: want an object"},
		{"application/json", `null`, space.CodeBadRequest, "the name"},
		{"application/json", `{}`, space.CodeBadRequest, "the name"},
		{"application/json", `{"name":7}`, space.CodeBadRequest, `"name" is a JSON number: want a string`},
		{"application/json", `{"name":"x","scope":"app"}`, space.CodeBadRequest, `unknown field "scope"`},
		{"application/json", `{"name":"x"}{}`, space.CodeBadRequest, "goes on"},
		{"application/json", `{"name":"x"} x`, space.CodeBadRequest, "goes on"},
		{"application/json", `{"name":"x","app":""}`, space.CodeBadRequest, "app name"},
		{"application/json", `{"name":"x","app":"www"}`, space.CodeBadRequest, "reserved"},
		{"application/json", `{"name":"x/y"}`, space.CodeBadRequest, "letters"},
		{"application/json", `{"name":"admin"}`, space.CodeBadRequest, "the server's file"},
		{"application/json", `{"name":"x"` + strings.Repeat(" ", 64<<10) + `}`, space.CodePayloadTooLarge, "65536 bytes"},
	} {
		rec := b.ask(t, http.MethodPost, "/api/v1/tokens", strings.NewReader(c.body), "Content-Type", c.kind)
		if p := wantProblem(t, c.kind+" "+c.body[:min(40, len(c.body))], rec, c.code); !strings.Contains(p.Detail, c.says) || strings.Contains(p.Detail, "wire.") {
			t.Errorf("%.40s: %q does not say %q", c.body, p.Detail, c.says)
		}
	}
	broken := b.ask(t, http.MethodPost, "/api/v1/tokens", io.MultiReader(strings.NewReader(`{"name":`), brokenOff{}), "Content-Type", "application/json")
	wantProblem(t, "broken off", broken, space.CodeBadRequest)
	if all := decode[wire.Tokens](t, b.ask(t, http.MethodGet, "/api/v1/tokens", nil)).Tokens; len(all) != 0 {
		t.Errorf("made %+v", all)
	}
	b.makes(t, "/api/v1/tokens", " {\"name\": \"x\"}\n")
	if rec := b.post(t, "/api/v1/tokens", `{"name":"y"}`, "Content-Type", "application/json; charset=utf-8"); rec.Code != http.StatusCreated {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A name in a path is one segment, whatever it holds.
func TestNamesInPaths(t *testing.T) {
	b := newBench(t)
	b.makes(t, "/api/v1/tokens", `{"name":"x"}`)
	for _, name := range []string{"x/", "..", ".", "x%00", "%", "X", "x%20", url.PathEscape("../tokens/x")} {
		r, err := http.NewRequestWithContext(space.WithRequestID(t.Context(), "the-id"), http.MethodDelete, "http://h/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawPath = "/api/v1/tokens/"+name, "/api/v1/tokens/"+name
		if plain, err := url.PathUnescape(name); err == nil {
			r.URL.Path = "/api/v1/tokens/" + plain
		}
		r.Header.Set("Authorization", "Bearer token")
		rec := httptest.NewRecorder()
		if b.ServeHTTP(rec, r); rec.Code != http.StatusNotFound {
			t.Errorf("%q: got %d %s", name, rec.Code, rec.Body)
		}
	}
	if all := decode[wire.Tokens](t, b.ask(t, http.MethodGet, "/api/v1/tokens", nil)).Tokens; len(all) != 1 {
		t.Errorf("left %+v", all)
	}
}
