package wasi_test

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// named is a module with names of its functions from the given one on.
func named(module []byte, first byte, names ...string) []byte {
	all := []byte{byte(len(names))}
	for i, name := range names {
		all = slices.Concat(all, []byte{first + byte(i)}, text(name))
	}
	return slices.Concat(module, section(0, text("name"), []byte{1}, sized(all)))
}

// compiled is a module that is closed after the test.
func compiled(t *testing.T, engine *wasi.Engine, code []byte) *wasi.Module {
	t.Helper()
	module, err := engine.Compile(t.Context(), code)
	must(t, err)
	t.Cleanup(func() { must(t, module.Close(context.Background())) })
	return module
}

// profiled serves requests in one instance that is profiled.
func profiled(t *testing.T, module *wasi.Module, config wasi.InstanceConfig, requests int) wasi.Profiled {
	t.Helper()
	var profile wasi.Profile
	config.Profile = &profile
	instance, err := module.NewInstance(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	for range requests {
		if err := instance.Serve(httptest.NewRecorder(), get(t.Context()), io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := instance.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	if err := instance.Close(); err != nil {
		t.Error(err)
	}
	return profile.Stop()
}

// shares sums up what the innermost functions have of the time and the fuel of the guest,
// and of the time of the host, in parts of each whole.
func shares(p wasi.Profiled) (guest, fuel, host map[string]float64) {
	guest, fuel, host = map[string]float64{}, map[string]float64{}, map[string]float64{}
	var guests, fuels, hosts float64
	for _, s := range p.Stacks {
		name := s.Frames[0].Name
		if s.Frames[0].Host {
			host[name] += float64(s.Time)
			hosts += float64(s.Time)
			continue
		}
		guest[name] += float64(s.Time)
		fuel[name] += float64(s.Fuel)
		guests += float64(s.Time)
		fuels += float64(s.Fuel)
	}
	for name := range guest {
		guest[name] /= guests
		fuel[name] /= fuels
	}
	for name := range host {
		host[name] /= hosts
	}
	return guest, fuel, host
}

// Samples say where the time went, by names that are right though the preparation has moved
// the functions, also where every request is far shorter than what a guest computes
// between two yields.
func TestProfile(t *testing.T) {
	const requests = 1000
	bare := wasitest.Guest("busy")
	for _, c := range []struct {
		of            string
		module        []byte
		hot, cold     string
		callers       []string
		isolatedStubs bool
	}{
		{"names", named(bare, 2, "hot", "cold\x1b[31m", "both", "_start"), "hot", "cold?[31m", []string{"both", "_start"}, false},
		{"stub", named(bare, 2, "hot", "cold", "both", "_start"), "hot", "cold", []string{"both", "_start"}, true},
		{"no names", bare, "$2", "$3", []string{"$4", "$5"}, false},
	} {
		t.Run(c.of, func(t *testing.T) {
			b := newBench(t)
			if c.isolatedStubs {
				b.engine = isolated(t, t.TempDir())
			}
			module := compiled(t, b.engine, c.module)
			began := time.Now()
			p := profiled(t, module, b.config, requests)
			took := time.Since(began)
			if p.Requests != requests || p.Samples < 300 {
				t.Errorf("%d requests, %d samples", p.Requests, p.Samples)
			}
			guest, fuel, host := shares(p)
			// It is nine tenths. A busy machine puts some samples into the functions around it,
			// and of the time it may have taken some anywhere.
			if fuel[c.hot] < 0.7 || fuel[c.hot] > 0.97 || fuel[c.cold] < 0.03 || guest[c.hot] < 0.5 {
				t.Errorf("the fuel went to %v, the time to %v", fuel, guest)
			}
			if host["wasi_snapshot_preview1.random_get"] < 0.7 {
				t.Errorf("the host's time went to %v", host)
			}
			var all time.Duration
			for _, s := range p.Stacks {
				all += s.Time
				var names []string
				for _, f := range s.Frames {
					names = append(names, f.Name)
				}
				if names[0] == c.hot && !slices.Equal(names[1:], c.callers) {
					t.Errorf("a stack is %q", names)
				}
			}
			if all > took || all < took/10 {
				t.Errorf("the samples have %v of %v", all, took)
			}
		})
	}
}

// A profile ends with what it has, however a guest ends, and counts in what it used last.
func TestProfileOfFaults(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ guest, within string }{{"spin", "$0"}, {"sleep", "wasi_snapshot_preview1.poll_oneoff"}} {
		module := compiled(t, b.engine, wasitest.Guest(c.guest))
		var profile wasi.Profile
		b.config.Profile = &profile
		instance, err := module.NewInstance(context.Background(), b.config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		var stderr bytes.Buffer
		err = instance.Serve(httptest.NewRecorder(), get(ctx), &stderr)
		cancel()
		if err == nil {
			t.Errorf("%s: it ended well", c.guest)
		}
		_ = instance.Close()
		p := profile.Stop()
		var most wasi.Sample
		var all time.Duration
		for _, s := range p.Stacks {
			all += s.Time
			if s.Time > most.Time {
				most = s
			}
		}
		if len(most.Frames) == 0 || most.Frames[0].Name != c.within || all < 20*time.Millisecond || most.Time < all*9/10 {
			t.Errorf("%s: %v in %v", c.guest, all, most)
		}
	}
}

// A stack of any depth is bounded, and says that it was cut.
func TestProfileOfDepth(t *testing.T) {
	b := newBench(t)
	module := compiled(t, b.engine, wasitest.Guest("deep"))
	p := profiled(t, module, b.config, 20)
	cut := false
	for _, s := range p.Stacks {
		if len(s.Frames) > 30 {
			t.Fatalf("a stack has %d frames", len(s.Frames))
		}
		cut = cut || strings.Contains(s.Frames[len(s.Frames)-1].Name, "not kept")
	}
	if !cut {
		t.Errorf("none of %d stacks was cut", len(p.Stacks))
	}
}

// A guest that makes more stacks than are kept makes the profile tell less of each, and
// keeps its sums.
func TestProfileIsBounded(t *testing.T) {
	const made = 100_000
	var p wasi.Profile
	for i := range uint32(made) {
		wasi.AddSample(&p, i, i+1, 0)
	}
	found := p.Stop()
	var fuel int64
	for _, s := range found.Stacks {
		fuel += s.Fuel
	}
	if len(found.Stacks) > 40_001 || found.Samples != made || fuel != made {
		t.Errorf("%d stacks, %d samples, %d fuel", len(found.Stacks), found.Samples, fuel)
	}
	wasi.AddSample(&p, 1)
	if after := p.Stop(); len(after.Stacks) != 0 {
		t.Errorf("it goes on: %v", after)
	}
}
