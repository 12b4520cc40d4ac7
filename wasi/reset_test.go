package wasi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// visit is a request, and what came of it.
func visit(t *rapid.T, i *wasi.Instance, guest, query, body string) string {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/?"+query, strings.NewReader(body))
	var log bytes.Buffer
	err := i.Serve(rec, r, &log)
	if err != nil {
		t.Logf("%s?%s: %v", guest, query, err)
	}
	return fmt.Sprintf("%d %v %q log %q fault %v", rec.Code, rec.Header(), rec.Body, log.String(), err)
}

// Reset equals fresh: whatever requests an instance has served, the next one is
// answered as by a new one, and its memory and globals are those of a new one.
func TestResetEqualsFresh(t *testing.T) {
	b := newBench(t)
	b.config.Limits.Memory = 32 << 20
	guests := map[string][]string{
		"state": {""}, "env": {"", "a=b"}, "echo": {""}, "nbytes": {"0", "1", "70000"}, "tmpwrite": {""}, "args": {""},
		"grow-ok": {""}, "table-grow": {""}, "vector": {""}, "stderr": {""}, "exit0": {""}, "exit3": {""}, "nohdr": {""}, "deep": {""},
		"rules": {"errnos", "bytes", "holes", "names", "descriptors", "unknown"},
		"wizer": {"a", "b=1"},
	}
	for guest, queries := range guests {
		t.Run(guest, func(t *testing.T) {
			module, err := b.engine.Compile(t.Context(), wasitest.Guest(guest))
			if err != nil {
				t.Fatal(err)
			}
			defer module.Close(t.Context())
			snapshot, err := module.Initialise(t.Context(), wasi.Initialisation{Timeout: time.Minute, Instance: b.config})
			must(t, err)
			defer func() { must(t, snapshot.Close()) }()
			if snapshot.Taken() != (guest == "wizer") {
				t.Fatal(snapshot.Reason())
			}
			config := b.config
			config.Snapshot = snapshot
			used, err := module.NewInstance(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = used.Close() }()
			resets := 0
			rapid.Check(t, func(rt *rapid.T) {
				query := rapid.SampledFrom(queries).Draw(rt, "query")
				body := strings.Repeat("x", rapid.IntRange(0, 5000).Draw(rt, "body"))
				fresh, err := module.NewInstance(t.Context(), config)
				if err != nil {
					rt.Fatal(err)
				}
				defer func() { _ = fresh.Close() }()
				if got, want := wasi.State(used), wasi.State(fresh); got != want {
					rt.Fatalf("after a reset %s, new %s", got, want)
				}
				if got, want := visit(rt, used, guest, query, body), visit(rt, fresh, guest, query, body); got != want {
					rt.Fatalf("after a reset %s\nnew %s", got, want)
				}
				if used.Fuel() != fresh.Fuel() {
					rt.Fatalf("fuel after a reset %d, new %d", used.Fuel(), fresh.Fuel())
				}
				if used.Reset() == nil {
					resets++
					return
				}
				_ = used.Close() // as the pool does
				if used, err = module.NewInstance(t.Context(), config); err != nil {
					rt.Fatal(err)
				}
			})
			t.Logf("reset %d times", resets)
			if resets == 0 {
				t.Error("never reset")
			}
		})
	}
}

// An instance is not reset that was stopped in the middle.
func TestResetRefuses(t *testing.T) {
	b := newBench(t)
	for _, guest := range []string{"trap", "trap-late", "overflow"} {
		module, err := b.engine.Compile(t.Context(), wasitest.Guest(guest))
		if err != nil {
			t.Fatal(err)
		}
		i, err := module.NewInstance(t.Context(), b.config)
		if err != nil {
			t.Fatal(err)
		}
		_ = i.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard)
		if err := i.Reset(); err == nil || i.Fresh() {
			t.Errorf("%s was reset", guest)
		}
		if err := i.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard); err == nil {
			t.Errorf("%s served again", guest)
		}
		if err := i.Close(); err != nil {
			t.Error(err)
		}
		if err := module.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// T2: the same module in two Micros is two: each has its own environment, in new
// instances and in those that have been reset.
func TestSameModuleTwice(t *testing.T) {
	b := newBench(t)
	module, err := b.engine.Compile(t.Context(), wasitest.Guest("env"))
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close(t.Context())
	var tenants [2]*wasi.Instance
	for k := range tenants {
		config := b.config
		config.Env = []string{fmt.Sprintf("SECRET=of tenant %d", k)}
		if tenants[k], err = module.NewInstance(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		defer tenants[k].Close()
	}
	for range 5 {
		for k, i := range tenants {
			rec := httptest.NewRecorder()
			if err := i.Serve(rec, get(t.Context()), io.Discard); err != nil {
				t.Fatal(err)
			}
			own, other := fmt.Sprintf("SECRET=of tenant %d\n", k), fmt.Sprintf("tenant %d", 1-k)
			if !strings.Contains(rec.Body.String(), own) || strings.Contains(rec.Body.String(), other) {
				t.Errorf("tenant %d sees %s", k, rec.Body)
			}
			if err := i.Reset(); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(wasi.Memory(i), []byte("SECRET")) {
				t.Error("the memory keeps the environment")
			}
		}
	}
}

// T20: an instance that has recursed deep keeps no native stack when it is idle.
func TestDeepStackIsNotKept(t *testing.T) {
	b := newBench(t)
	module, err := b.engine.Compile(t.Context(), wasitest.Guest("deep"))
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close(t.Context())
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const many = 16
	before := heap()
	for range many {
		i, err := module.NewInstance(t.Context(), b.config)
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		if err := i.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := i.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	if each := (heap() - before) / many; each > 256<<10 {
		t.Errorf("an idle instance keeps %d bytes", each)
	}
}

// A request that does not call deep takes no native stack of its own: it has that of the one
// before, whether that has returned (handler) or exited (exit0).
func TestShallowStackIsUsedAgain(t *testing.T) {
	b := newBench(t)
	for _, guest := range []string{"handler", "exit0"} {
		module, err := b.engine.Compile(t.Context(), wasitest.Guest(guest))
		if err != nil {
			t.Fatal(err)
		}
		defer module.Close(t.Context())
		i, err := module.NewInstance(t.Context(), b.config)
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		serve := func() {
			_ = i.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard) // exit0 answers nothing
			if err := i.Reset(); err != nil {
				t.Fatal(err)
			}
		}
		serve()
		const many, most = 100, 14 << 10 // with a stack it would be 20 KiB
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range many {
			serve()
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / many; each > most {
			t.Errorf("%s: a request allocates %d bytes", guest, each)
		}
	}
}

// What cannot be made again is an error, and closes as anything does.
func TestResetFails(t *testing.T) {
	engine, err := wasi.New(t.Context(), wasi.Config{})
	if err != nil {
		t.Fatal(err)
	}
	module, err := engine.Compile(t.Context(), wasitest.Guest("grow-ok"))
	if err != nil {
		t.Fatal(err)
	}
	i, err := module.NewInstance(t.Context(), newBench(t).config)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := engine.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := i.Reset(); err == nil || i.Fresh() {
		t.Error("an instance of a closed engine was reset")
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}
