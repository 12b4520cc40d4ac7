package gateway_test

import (
	"io"
	"net/http"
	"testing"
)

// answerWith makes the Micro at the path answer with headers.
func (b *bench) answerWith(path string, headers ...string) {
	b.doors[path].serve = func(w http.ResponseWriter, _ *http.Request) error {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		_, err := io.WriteString(w, "x")
		return err
	}
}

// T17: what a private Micro answers stays out of shared caches.
func TestPrivateCache(t *testing.T) {
	b := newBench(t, nil, "/")
	ask := func() string {
		return b.ask(get(t, "http://app.localhost/", "Authorization", "Bearer token")).Header().Get("Cache-Control")
	}
	if got := ask(); got != "" {
		t.Errorf("a public Micro's Cache-Control is %q", got)
	}
	b.private()
	if got := ask(); got != "private" {
		t.Errorf("a private Micro's Cache-Control is %q", got)
	}
	b.answerWith("/", "Cache-Control", "max-age=5")
	if got := ask(); got != "max-age=5" {
		t.Errorf("a private Micro's own Cache-Control became %q", got)
	}
	b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusEarlyHints) // no answer yet
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	if got := ask(); got != "private" {
		t.Errorf("after early hints Cache-Control is %q", got)
	}
	b.doors["/"].serve = func(w http.ResponseWriter, _ *http.Request) error {
		return http.NewResponseController(w).Flush()
	}
	if got := ask(); got != "private" {
		t.Errorf("after a flush Cache-Control is %q", got)
	}
}

// T17: a service worker answers for its own Micro only.
func TestServiceWorkerScope(t *testing.T) {
	b := newBench(t, nil, "/", "/api")
	for _, c := range []struct {
		path, scope string
		kept        bool
	}{
		{"/", "/", true},
		{"/", "/x/", true},
		{"/", "/api/", true}, // the primary Micro's path is all of the app
		{"/api", "/api", true},
		{"/api", "/api/", true},
		{"/api", "/api/x/y", true},
		{"/api", "/", false},
		{"/api", "/apix", false},
		{"/api", "/other/", false},
		{"/api", "", false},
		{"/api", "x", false},
		{"/api", "../", false},
		{"/api", "/api/../", false},
		{"/api", "/api/%2e%2e/", false},
		{"/api", `/api\..\`, false},
		{"/api", "//api/", false},
		{"/api", "http://app.localhost/api/", false},
		{"/api", "/api/./", false},
	} {
		b.answerWith(c.path, "Service-Worker-Allowed", c.scope)
		rec := b.ask(get(t, "http://app.localhost"+c.path))
		if _, kept := rec.Header()["Service-Worker-Allowed"]; kept != c.kept {
			t.Errorf("%s, scope %q: got %v", c.path, c.scope, rec.Header())
		}
	}
	b.answerWith("/api", "Service-Worker-Allowed", "/api/", "Service-Worker-Allowed", "/")
	if got := b.ask(get(t, "http://app.localhost/api")).Header()["Service-Worker-Allowed"]; got != nil {
		t.Errorf("of two scopes %q are kept", got)
	}
}
