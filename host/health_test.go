package host_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/wasi"
)

// TestMain lets this program be the child that compiles.
func TestMain(m *testing.M) {
	if status, isChild := wasi.Child(os.Args); isChild {
		os.Exit(status)
	}
	goleak.VerifyTestMain(m)
}

// T34: /readyz tells of each check that fails, and /healthz of the process only.
func TestReadyChecks(t *testing.T) {
	var full atomic.Bool
	config := host.DefaultConfig()
	config.Listen, config.Data, config.Logger = "127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler)
	config.Checks = []func() error{
		func() error { return nil },
		func() error {
			if full.Load() {
				return errors.New("the disk is almost full")
			}
			return nil
		},
	}
	h, err := host.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error)
	go func() { ended <- h.Run(ctx, func() { close(ready) }) }()
	<-ready
	url := strings.Replace(h.BaseURL(), "localhost", "127.0.0.1", 1)
	for _, c := range []struct {
		full   bool
		path   string
		status int
		body   string
	}{
		{false, "/readyz", 200, "ok\n"},
		{true, "/readyz", 503, "the disk is almost full\n"},
		{true, "/healthz", 200, "ok\n"},
		{false, "/readyz", 200, "ok\n"},
	} {
		full.Store(c.full)
		if status, body := get(t, url+c.path); status != c.status || body != c.body {
			t.Errorf("%s: %d %q, want %d %q", c.path, status, body, c.status, c.body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := errors.Join(<-ended, h.Close()); err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
