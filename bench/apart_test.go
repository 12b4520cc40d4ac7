package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// jobOf is to measure a guest.
func jobOf(t *testing.T, guest string) coldstart.Job {
	t.Helper()
	bundle := t.TempDir()
	if err := os.WriteFile(filepath.Join(bundle, "main.wasm"), wasitest.Guest(guest), 0o600); err != nil {
		t.Fatal(err)
	}
	return coldstart.Job{
		Name: "app/" + guest, Bundle: bundle, Run: []string{"main.wasm"}, Limits: space.DefaultLimits(), Memory: 256 << 20,
		Dir: t.TempDir(), Path: "/", Time: 100 * time.Millisecond,
	}
}

// A process apart finds what this one would, says how far it is, and leaves nothing behind.
func TestRunApart(t *testing.T) {
	job := jobOf(t, "handler")
	said := map[string]bool{}
	d, err := bench.RunApart(t.Context(), job, func(what string, done float64) {
		if said[what] = true; done < 0 || done > 1 {
			t.Errorf("%s: %v", what, done)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Modules) != 1 || d.Modules[0].Name != "app/handler" || len(d.Modules[0].Stages) != 7 || d.Version != "test" {
		t.Errorf("%+v", d)
	}
	for _, s := range d.Modules[0].Stages {
		// On a busy machine there may be time for each stage only once; compile never has more.
		if s.Ours.P50 <= 0 || s.Stock != nil || s.Ours.Count < 1 || s.Name == "compile" && s.Ours.Count != 1 {
			t.Errorf("%+v", s)
		}
	}
	for _, what := range []string{"compiling", "measuring: load", "measuring: warm"} {
		if !said[what] {
			t.Errorf("%q is not told of: %v", what, said)
		}
	}
	if left, err := os.ReadDir(job.Dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A module that is slow is measured as often as there is time for, and each stage once.
func TestRunApartSlow(t *testing.T) {
	job := jobOf(t, "busy")
	job.Time = time.Millisecond
	d, err := bench.RunApart(t.Context(), job, func(string, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Modules[0].Stages {
		if s.Ours.Count < 1 || s.Ours.Count > 20 {
			t.Errorf("%s: %d times %v", s.Name, s.Ours.Count, s.Ours.P50)
		}
	}
}

// What is wrong with a module is told; a guest that never answers ends with its deadline, and
// all of it when nobody waits any more.
func TestRunApartFails(t *testing.T) {
	missing := jobOf(t, "hello")
	missing.Run = []string{"other.wasm"}
	if _, err := bench.RunApart(t.Context(), missing, func(string, float64) {}); err == nil || !strings.Contains(err.Error(), "other.wasm") {
		t.Error(err)
	}
	spins := jobOf(t, "spin")
	spins.Limits.Timeout = 200 * time.Millisecond
	if _, err := bench.RunApart(t.Context(), spins, func(string, float64) {}); err == nil {
		t.Error("a guest that never answers has been measured")
	}
	spins.Limits.Timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	began := time.Now()
	if _, err := bench.RunApart(ctx, spins, func(string, float64) {}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// A process that measures ends when the one that has started it is gone.
func TestWorkEndsAlone(t *testing.T) {
	job := jobOf(t, "hello")
	job.Time = time.Hour
	terms, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	in, parent := io.Pipe()
	said, out := io.Pipe()
	ended := make(chan error)
	go func() { ended <- bench.Work(t.Context(), "test", in, out) }()
	if _, err := parent.Write(append(terms, '\n')); err != nil {
		t.Fatal(err)
	}
	measuring := make(chan struct{})
	go func() {
		d := json.NewDecoder(said)
		for seen := false; ; {
			var m struct{ What string }
			if d.Decode(&m) != nil {
				return
			}
			if !seen && strings.HasPrefix(m.What, "measuring") {
				seen = true
				close(measuring)
			}
		}
	}()
	<-measuring
	parent.Close()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
	said.Close()
}
