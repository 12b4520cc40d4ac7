package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// patch changes the variables of the app.
func (b *bench) patch(t *testing.T, target, body string) wire.Env {
	t.Helper()
	rec := b.ask(t, http.MethodPatch, target, strings.NewReader(body), "Content-Type", "application/json; charset=utf-8")
	if rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	return decode[wire.Env](t, rec)
}

// T9: values are told only to who asks for them.
func TestEnv(t *testing.T) {
	const secret = "correct horse"
	b := newBench(t)
	b.push(t, "app", "hello")
	if got := b.ask(t, http.MethodGet, "/api/v1/apps/app/env", nil); got.Body.String() != "{\"variables\":[]}\n" {
		t.Errorf("got %s", got.Body)
	}
	now := b.patch(t, "/api/v1/apps/app/env", `{"set": {"B": "`+secret+`", "A": ""}}`)
	if len(now.Variables) != 2 || now.Variables[0].Name != "A" || !now.Variables[1].Set || now.Variables[1].Value != nil || now.Variables[1].Changed.IsZero() {
		t.Errorf("got %+v", now)
	}
	now = b.patch(t, "/api/v1/apps/app/env?micro=app", `{"set": {"C": "own"}, "unset": []}`)
	if len(now.Variables) != 3 || now.Variables[2].Micro != "app" {
		t.Errorf("got %+v", now)
	}
	for target, want := range map[string]bool{"": false, "?reveal=false": false, "?reveal=true": true, "?micro=app&reveal=1": true} {
		rec := b.ask(t, http.MethodGet, "/api/v1/apps/app/env"+target, nil)
		if got := strings.Contains(rec.Body.String(), secret); rec.Code != http.StatusOK || got != want || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s", target, rec.Code, rec.Body)
		}
	}
	now = b.patch(t, "/api/v1/apps/app/env", `{"unset": ["A", "B"]}`)
	if len(now.Variables) != 1 {
		t.Errorf("got %+v", now)
	}
	if strings.Contains(b.said.String(), secret) {
		t.Errorf("the log says %s", b.said)
	}
}

// A change that cannot be read is refused without a word of what stands in it.
func TestEnvRefused(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	const secret = "s3cret"
	for body, code := range map[string]space.Code{
		``:                                      space.CodeBadRequest,
		`null`:                                  space.CodeBadRequest,
		`[]`:                                    space.CodeBadRequest,
		`"` + secret + `"`:                      space.CodeBadRequest,
		`{"` + secret + `": "x"}`:               space.CodeBadRequest, // no field that there is
		`{"set": {"A": 1}}`:                     space.CodeBadRequest,
		`{"set": {"A": null}}`:                  space.CodeBadRequest,
		`{"set": {"A": "` + secret + `"}} more`: space.CodeBadRequest,
		`{"set": {"A": "` + secret:              space.CodeBadRequest,
		`{"unset": "A"}`:                        space.CodeBadRequest,
		`{"set": {"PORT": "` + secret + `"}}`:   space.CodeRefused,
		`{"unset": ["A"]}`:                      space.CodeRefused,
		`{"set": {"A": "` + strings.Repeat(secret, 1<<18) + `"}}`: space.CodePayloadTooLarge,
	} {
		rec := b.ask(t, http.MethodPatch, "/api/v1/apps/app/env", strings.NewReader(body), "Content-Type", "application/json")
		wantProblem(t, body[:min(len(body), 40)], rec, code)
		if strings.Contains(rec.Body.String(), secret) || strings.Contains(b.said.String(), secret) {
			t.Errorf("%.40s: %s\n%s", body, rec.Body, b.said)
		}
	}
	for name, c := range map[string]struct {
		method, target string
		code           space.Code
		headers        []string
	}{
		"no token":      {http.MethodGet, "/api/v1/apps/app/env?reveal=true", space.CodeUnauthorized, []string{"Authorization", ""}},
		"no token, set": {http.MethodPatch, "/api/v1/apps/app/env", space.CodeUnauthorized, []string{"Authorization", "", "Content-Type", "application/json"}},
		"no type":       {http.MethodPatch, "/api/v1/apps/app/env", space.CodeBadRequest, nil},
		"a form":        {http.MethodPatch, "/api/v1/apps/app/env", space.CodeBadRequest, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"no app":        {http.MethodPatch, "/api/v1/apps/nobody/env", space.CodeNotFound, []string{"Content-Type", "application/json"}},
		"no app, list":  {http.MethodGet, "/api/v1/apps/nobody/env", space.CodeNotFound, nil},
		"no Micro":      {http.MethodGet, "/api/v1/apps/app/env?micro=x", space.CodeNotFound, nil},
		"no Micro, set": {http.MethodPatch, "/api/v1/apps/app/env?micro=x", space.CodeNotFound, []string{"Content-Type", "application/json"}},
		"reveal":        {http.MethodGet, "/api/v1/apps/app/env?reveal=please", space.CodeBadRequest, nil},
		"put":           {http.MethodPut, "/api/v1/apps/app/env", space.CodeMethodNotAllowed, nil},
	} {
		rec := b.ask(t, c.method, c.target, strings.NewReader(`{"set": {"A": "1"}}`), c.headers...)
		wantProblem(t, name, rec, c.code)
	}
	if now := b.patch(t, "/api/v1/apps/app/env", `{}`); len(now.Variables) > 0 {
		t.Errorf("something was set: %+v", now)
	}
}
