package wasi_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
)

// BenchmarkWake compares what it takes to have an initialised instance of a Go program
// with net/http whose code is on the disk (in the page cache): with stock wazero's
// own cache, and with ours. In turns, in one run; medians, and their ratio.
func BenchmarkWake(b *testing.B) {
	ctx := context.Background()
	code := buildGo(b, "./testdata/micro", "-buildmode=c-shared")
	cache := b.TempDir()
	stock := func() (wazero.Runtime, wazero.CompilationCache, error) {
		cache, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, nil, err
		}
		host := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true).WithCompilationCache(cache))
		wasi_snapshot_preview1.MustInstantiate(ctx, host)
		abi := host.NewHostModuleBuilder(handler.ModuleName)
		handler.Export(abi)
		_, err = abi.Instantiate(ctx)
		return host, cache, err
	}
	engine, err := wasi.New(ctx, wasi.Config{CacheDir: b.TempDir(), CacheKey: []byte("the key of this benchmark"), Workers: 2, Isolated: true})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close(ctx)
	module, err := engine.Compile(ctx, code)
	if err != nil {
		b.Fatal(err)
	}
	bundle, err := os.OpenRoot(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer bundle.Close()
	config := wasi.InstanceConfig{
		Args: []string{"main.wasm"}, Bundle: bundle, TmpDir: b.TempDir(),
		Limits: wasi.Limits{Memory: 512 << 20, Tmp: 1 << 20, TmpInodes: 100, Response: 1 << 20},
	}
	read := func() ([]byte, error) { return code, nil }
	initialisation := wasi.Initialisation{Owner: "benchmark", Timeout: time.Minute, Code: read, Instance: config}
	snapshot, err := module.Initialise(ctx, initialisation)
	if err != nil || !snapshot.Taken() {
		b.Fatal(err, snapshot.Reason())
	}
	digest := module.Digest()
	if err := errors.Join(snapshot.Close(), module.Close(ctx)); err != nil {
		b.Fatal(err)
	}
	times := map[string][]time.Duration{}
	timed := func(name string, do func() error) {
		began := time.Now()
		if err := do(); err != nil {
			b.Fatal(name, err)
		}
		times[name] = append(times[name], time.Since(began))
	}
	for b.Loop() {
		host, kept, err := stock()
		if err != nil {
			b.Fatal(err)
		}
		timed("stock", func() error {
			module, err := host.CompileModule(ctx, code)
			if err != nil {
				return err
			}
			_, err = host.InstantiateModule(ctx, module, wazero.NewModuleConfig().WithName("").
				WithStartFunctions("_initialize").WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader))
			return err
		})
		if err := errors.Join(host.Close(ctx), kept.Close(ctx)); err != nil {
			b.Fatal(err)
		}
		var instance *wasi.Instance
		timed("wake", func() error {
			timed("code", func() (err error) {
				module, err = engine.Wake(ctx, digest, read)
				return err
			})
			timed("snapshot", func() (err error) {
				snapshot, err = module.LoadSnapshot(ctx, initialisation)
				return err
			})
			timed("instance", func() (err error) {
				config.Snapshot = snapshot
				instance, err = module.NewInstance(ctx, config)
				return err
			})
			return nil
		})
		timed("request", func() error {
			return instance.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), io.Discard)
		})
		if err := errors.Join(instance.Close(), snapshot.Close(), module.Close(ctx)); err != nil {
			b.Fatal(err)
		}
	}
	for name, all := range times {
		b.ReportMetric(float64(median(all).Nanoseconds())/1e3, name+"-µs")
	}
	b.ReportMetric(float64(median(times["stock"]))/float64(median(times["wake"])), "wake-times-faster")
}
