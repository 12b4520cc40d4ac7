package gateway_test

import (
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// publish adds an app with one Micro.
func (b *bench) publish(name space.AppName, public bool) {
	b.config.Registry.Publish(&registry.App{App: space.App{Name: name}, Routes: []registry.Route{
		{Micro: space.Micro{Path: "/", Public: public}, Server: &door{name: string(name)}},
	}})
}

// The page for an unknown app names those that were likely meant, but a private one to its owner only.
func TestUnknownApp(t *testing.T) {
	b := newBench(t, nil, "/")
	b.publish("guestbook", true)
	b.publish("secretbook", false)
	for host, want := range map[string]string{
		"guestboko.localhost:4200": "did you mean guestbook.localhost:4200?",
		"GUESTBOOC.localhost":      "did you mean guestbook.localhost?",
		"gestbok.localhost":        "did you mean guestbook.localhost?",
		"guest.localhost":          "",
		"ap.localhost":             "did you mean app.localhost?",
		"zzz.localhost":            "",
		"secretboook.localhost":    "",
		"faileed.localhost":        "", // it answers nobody
	} {
		r := get(t, "http://x/")
		r.Host = host
		rec := b.ask(r)
		wantError(t, host, rec, space.CodeNotFound)
		body := rec.Body.String()
		if !strings.Contains(body, want) || (want == "" && strings.Contains(body, "did you mean")) {
			t.Errorf("%s: %s", host, body)
		}
		for _, part := range []string{"Was it removed", "spacewasm ls", "spacewasm push --app " + strings.ToLower(host[:2])} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: %q is not in %s", host, part, body)
			}
		}
	}
	rec := b.ask(get(t, "http://secretboook.localhost/", "Authorization", "Bearer token"))
	if !strings.Contains(rec.Body.String(), "did you mean secretbook.localhost?") {
		t.Errorf("the owner is told %s", rec.Body)
	}
	if rec := b.ask(get(t, "http://a_b.localhost/")); strings.Contains(rec.Body.String(), "spacewasm push") {
		t.Errorf("what cannot be a name can be pushed: %s", rec.Body)
	}
}

func TestMisdirectedSaysHow(t *testing.T) {
	b := newBench(t, nil, "/")
	rec := b.ask(get(t, "http://evil.example/"))
	wantError(t, "evil", rec, space.CodeMisdirected)
	for _, part := range []string{"evil.example", "--domain", "--public-url"} {
		if !strings.Contains(rec.Body.String(), part) {
			t.Errorf("%q is not in %s", part, rec.Body)
		}
	}
	if strings.Contains(rec.Body.String(), "space.example.org") {
		t.Errorf("the answer names the platform's host: %s", rec.Body)
	}
}

// A path at which nothing answers leads to those that do, and to a private one its owner only.
func TestUnknownPath(t *testing.T) {
	b := newBench(t, nil, "/v2", "/v1")
	rec := b.ask(get(t, "http://app.localhost/x"))
	wantError(t, "/x", rec, space.CodeNotFound)
	if !strings.Contains(rec.Body.String(), "at /v1 and /v2") {
		t.Errorf("got %s", rec.Body)
	}
	b.private()
	if rec := b.ask(get(t, "http://app.localhost/x")); strings.Contains(rec.Body.String(), "/v1") {
		t.Errorf("a stranger is told %s", rec.Body)
	}
	if rec := b.ask(get(t, "http://app.localhost/x", "Authorization", "Bearer token")); !strings.Contains(rec.Body.String(), "/v1") {
		t.Errorf("the owner is told %s", rec.Body)
	}
}
