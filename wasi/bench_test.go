package wasi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/stock"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// contender answers a request with a fresh state.
type contender func(w http.ResponseWriter, r *http.Request) error

// inTurn is how many requests one contender serves before the other does: a busy
// server does one thing for a while, and what one leaves in the processor's caches
// is not to cost the other too much.
const inTurn = 10

// BenchmarkCGI compares the engine with stock wazero, which makes an instance for
// each request and has its deadline on: the same modules, in turns, in one run. It
// reports medians, and their ratio.
func BenchmarkCGI(b *testing.B) {
	for name, module := range map[string][]byte{"C": wasitest.Guest("rules"), "text": wasitest.Guest("hello"), "Go": helloGo(b)} {
		b.Run(name, func(b *testing.B) {
			stock, ours := newStock(b, module), newOurs(b, module)
			var times [2][]time.Duration
			for b.Loop() {
				for i, serve := range []contender{stock, ours} {
					for range inTurn {
						began := time.Now()
						r := httptest.NewRequest(http.MethodGet, "/?unknown", nil)
						if err := serve(httptest.NewRecorder(), r); err != nil {
							b.Fatal(err)
						}
						times[i] = append(times[i], time.Since(began))
					}
				}
			}
			s, o := median(times[0]), median(times[1])
			b.ReportMetric(float64(s.Microseconds()), "stock-µs")
			b.ReportMetric(float64(o.Microseconds()), "ours-µs")
			b.ReportMetric(float64(s)/float64(o), "times-faster")
		})
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// helloGo builds a CGI program.
func helloGo(b *testing.B) []byte { return buildGo(b, "./testdata/cgi") }

// buildGo builds a Go program for WASI.
func buildGo(b *testing.B, dir string, flags ...string) []byte {
	out := filepath.Join(b.TempDir(), "main.wasm")
	build := exec.Command("go", slices.Concat([]string{"build", "-trimpath", "-o", out}, flags, []string{dir})...)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if message, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, message)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	return module
}

func newOurs(b *testing.B, code []byte) contender {
	ctx := context.Background()
	engine, err := wasi.New(ctx, wasi.Config{Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	module, err := engine.Compile(ctx, code)
	if err != nil {
		b.Fatal(err)
	}
	bundle, err := os.OpenRoot(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	config := wasi.InstanceConfig{
		Args: []string{"main.wasm"}, Bundle: bundle, TmpDir: b.TempDir(),
		Limits: wasi.Limits{Memory: 512 << 20, Tmp: 1 << 20, TmpInodes: 100, Response: 1 << 20},
	}
	var idle *wasi.Instance
	b.Cleanup(func() {
		if idle != nil {
			_ = idle.Close()
		}
		_ = module.Close(ctx)
		_ = engine.Close(ctx)
		_ = bundle.Close()
	})
	return func(w http.ResponseWriter, r *http.Request) error {
		if idle == nil {
			if idle, err = module.NewInstance(ctx, config); err != nil {
				return err
			}
		}
		if err := idle.Serve(w, r, io.Discard); err != nil {
			return err
		}
		if idle.Reset() != nil {
			_ = idle.Close()
			idle = nil
		}
		return nil
	}
}

// newStock is what one gets without all this.
func newStock(b *testing.B, code []byte) contender {
	module := withStock(b, code, "")
	return func(w http.ResponseWriter, r *http.Request) error {
		i, err := module.Instance(r.Context())
		if err != nil {
			return err
		}
		return errors.Join(i.Serve(r.Context(), w, r), i.Close(r.Context()))
	}
}

// withStock compiles a module with stock wazero, with a cache if there is a folder for
// one.
func withStock(b *testing.B, code []byte, cache string) *stock.Module {
	ctx := context.Background()
	engine, err := wasi.New(ctx, wasi.Config{})
	if err != nil {
		b.Fatal(err)
	}
	report, err := engine.Inspect(code)
	if err = errors.Join(err, engine.Close(ctx)); err != nil {
		b.Fatal(err)
	}
	module, err := stock.Compile(ctx, code, report, stock.Config{
		CacheDir: cache, Dir: b.TempDir(), Args: []string{"main.wasm"}, Timeout: 20 * time.Second,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = module.Close(ctx) })
	return module
}

// initialised compiles a module and takes its snapshot, and returns what instances are
// made of, and how it was initialised.
func initialised(b *testing.B, engine *wasi.Engine, code []byte) (*wasi.Module, wasi.InstanceConfig, wasi.Initialisation) {
	ctx := context.Background()
	module, err := engine.Compile(ctx, code)
	if err != nil {
		b.Fatal(err)
	}
	bundle, err := os.OpenRoot(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	config := wasi.InstanceConfig{
		Args: []string{"main.wasm"}, Bundle: bundle, TmpDir: b.TempDir(),
		Limits: wasi.Limits{Memory: 512 << 20, Tmp: 1 << 20, TmpInodes: 100, Response: 1 << 20},
	}
	how := wasi.Initialisation{
		Owner: "benchmark", Timeout: time.Minute, Code: func() ([]byte, error) { return code, nil }, Instance: config,
	}
	config.Snapshot, err = module.Initialise(ctx, how)
	if err != nil || !config.Snapshot.Taken() {
		b.Fatal(err, config.Snapshot.Reason())
	}
	b.Cleanup(func() { _ = errors.Join(config.Snapshot.Close(), module.Close(ctx), bundle.Close()) })
	return module, config, how
}

// BenchmarkReactor compares what it takes to have an instance of a Go program with
// net/http that has initialised itself: made by stock wazero, cloned from a snapshot,
// reset to it; and what a call takes on one that was reset and on one that is used
// as it was left. In turns, in one run; medians, and their ratios.
func BenchmarkReactor(b *testing.B) {
	ctx := context.Background()
	code := buildGo(b, "./testdata/reactor", "-buildmode=c-shared")
	theirs := withStock(b, code, "")
	engine, err := wasi.New(ctx, wasi.Config{Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close(ctx) })
	module, config, _ := initialised(b, engine, code)
	serve := func(i *wasi.Instance) error {
		return i.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/hello/world?a=1&b=2", nil), io.Discard)
	}
	times := map[string][]time.Duration{}
	timed := func(name string, do func() error) {
		began := time.Now()
		if err := do(); err != nil {
			b.Fatal(name, err)
		}
		times[name] = append(times[name], time.Since(began))
	}
	kept, err := module.NewInstance(ctx, config)
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	dirty, err := module.NewInstance(ctx, config)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = dirty.Close() }()
	for b.Loop() {
		runtime.GC() // so that it pays for no garbage but its own
		timed("stock", func() error {
			i, err := theirs.Instance(ctx)
			if err == nil {
				b.StopTimer()
				err = i.Close(ctx)
				b.StartTimer()
			}
			return err
		})
		// Each kind on its own for a while, as a busy server does nothing else.
		const clones, while = 10, 500
		for range clones {
			var clone *wasi.Instance
			timed("clone", func() (err error) {
				clone, err = module.NewInstance(ctx, config)
				return err
			})
			_ = clone.Close()
		}
		for range while {
			timed("call", func() error { return serve(kept) })
			timed("reset", kept.Reset)
		}
		for range while {
			timed("dirty", func() error { return serve(dirty) })
			timed("again", dirty.Again)
		}
	}
	for name, all := range times {
		b.ReportMetric(float64(median(all).Nanoseconds())/1e3, name+"-µs")
	}
	ratio := func(a, c string) float64 { return float64(median(times[a])) / float64(median(times[c])) }
	b.ReportMetric(ratio("stock", "clone"), "clone-times-faster")
	b.ReportMetric(ratio("call", "dirty"), "call/dirty")
}
