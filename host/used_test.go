package host_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T30: a server that ends has recorded which apps were asked for.
func TestServerNotesUse(t *testing.T) {
	config := host.DefaultConfig()
	config.Listen, config.Data, config.Logger = "127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler)
	r := start(t, config)
	defer r.stop()
	for _, app := range []string{"asked", "never"} {
		if status, text, err := r.ask(t.Context(), http.MethodPut, "", "/api/v1/apps/"+app, wasitest.Guest("hello")); err != nil || status != http.StatusCreated {
			t.Fatalf("push: %d %s, %v", status, text, err)
		}
	}
	if status, text, err := r.ask(t.Context(), http.MethodGet, "asked", "/", nil); err != nil || status != http.StatusOK {
		t.Fatalf("got %d %s, %v", status, text, err)
	}
	r.stop()
	s, err := store.Open(t.Context(), config.Data)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Active(t.Context())
	if err != nil || len(all) != 2 || all[0].Used.IsZero() || !all[1].Used.IsZero() {
		t.Errorf("got %+v, %v", all, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
