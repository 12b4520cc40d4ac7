package bench_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestMain(m *testing.M) {
	if status, isChild := wasi.Child(os.Args); isChild {
		os.Exit(status)
	}
	if len(os.Args) == 2 && os.Args[1] == bench.Apart {
		if err := bench.Work(context.Background(), "test", os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func subject(t *testing.T, guest string, baseline bool) *bench.Subject {
	t.Helper()
	file := filepath.Join(t.TempDir(), guest+".wasm")
	if err := os.WriteFile(file, wasitest.Guest(guest), 0o600); err != nil {
		t.Fatal(err)
	}
	config := bench.FileConfig(file)
	config.Baseline = baseline
	s, err := bench.NewSubject(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Each stage of each contract is measured, and stock wazero's where it has one.
func TestRun(t *testing.T) {
	options := bench.Options{Path: "/", Time: 200 * time.Millisecond, LoadTime: 400 * time.Millisecond, Rate: 100}
	for _, guest := range []string{"hello", "handler", "wizer"} {
		results, err := bench.Run(t.Context(), options, subject(t, guest, true))
		if err != nil {
			t.Fatalf("%s: %v", guest, err)
		}
		d := bench.NewDocument("test", results)
		names := map[string]bool{}
		for _, s := range d.Modules[0].Stages {
			names[s.Name] = true
			if s.Ours.Count == 0 || s.Ours.P50 <= 0 || (s.Stock == nil) != (s.Name == "reset") {
				t.Errorf("%s: %+v", guest, s)
			}
		}
		if len(names) != 7 {
			t.Errorf("%s: stages %v", guest, names)
		}
		for _, l := range []*record.LoadFigure{d.Modules[0].Load, d.Modules[0].LoadStock} {
			if l == nil || l.Due < 36 || l.Failed > 0 || int64(l.Took.Count)+l.Unsent != l.Due || l.Rate != 100 {
				t.Errorf("%s: under load %+v", guest, l)
			}
		}
		var page bytes.Buffer
		if err := d.WriteHTML(&page); err != nil || !strings.Contains(page.String(), "<svg") || strings.Contains(page.String(), "http://") {
			t.Errorf("%s: %v\n%s", guest, err, &page)
		}
	}
}

// Of two modules it is said at each stage which is faster.
func TestRunTwo(t *testing.T) {
	options := bench.Options{Path: "/", Time: 300 * time.Millisecond}
	results, err := bench.Run(t.Context(), options, subject(t, "hello", false), subject(t, "tmpwrite", false))
	if err != nil {
		t.Fatal(err)
	}
	d := bench.NewDocument("test", results)
	if len(d.Comparison) != len(d.Modules[0].Stages) || d.Modules[0].Load != nil {
		t.Fatalf("%+v", d.Comparison)
	}
	for _, a := range d.Comparison {
		if a.Stage == "warm" && (!a.Differ || a.Ratio > 0.9) {
			t.Errorf("who writes files is not slower: %+v", a)
		}
	}
}

// A module that fails is an error that says how, and not a figure.
func TestRunFails(t *testing.T) {
	_, err := bench.Run(t.Context(), bench.Options{Path: "/", Time: time.Millisecond}, subject(t, "trap-div", false))
	if err == nil || !strings.Contains(err.Error(), "divide by zero") {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(t.TempDir(), "bad.wasm")
	if err := os.WriteFile(file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = bench.NewSubject(t.Context(), bench.FileConfig(file))
	if _, ok := errors.AsType[*wasi.RefusedError](err); !ok {
		t.Errorf("got %v", err)
	}
	if _, err := bench.NewSubject(t.Context(), bench.FileConfig(file+"x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
