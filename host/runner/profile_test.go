package runner_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/wasi"
)

// A profile sees every request that begins while it is taken, with a fresh state for each,
// and is alone.
func TestProfile(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "state", nil)
	serve := func() {
		w := httptest.NewRecorder()
		if err := m.Serve(w, request(t.Context(), "one", "http://app.localhost/", nil)); err != nil || w.Body.String() != "1\n" {
			t.Fatalf("%q, %v", w.Body, err)
		}
	}
	serve() // an instance is idle now that reports to nobody
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan wasi.Profiled)
	go func() {
		p, err := m.Profile(ctx)
		if err != nil {
			t.Error(err)
		}
		ended <- p
	}()
	for deadline := time.Now().Add(10 * time.Second); !runner.Profiling(m); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the profile does not begin")
		}
	}
	if _, err := m.Profile(ctx); !errors.Is(err, runner.ErrProfiling) {
		t.Errorf("another profile: %v", err)
	}
	// The idle instance may be taken before it is gone, and goes then.
	for range 11 {
		serve()
	}
	cancel()
	if p := <-ended; p.Requests < 10 || p.Requests > 11 {
		t.Errorf("it saw %d requests", p.Requests)
	}
	serve()
	serve()
	if p := m.Usage(); p.Requests != 14 {
		t.Errorf("%+v", p)
	}
}

// A profile wakes nobody.
func TestProfileAsleep(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "state", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if p, err := m.Profile(ctx); err != nil || p.Requests != 0 || len(p.Stacks) != 0 || b.woken.Load() != 0 {
		t.Errorf("%+v, %v, woken %d times", p, err, b.woken.Load())
	}
}
