package wasi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/stock"
)

// BenchmarkWake compares what it takes to have an initialised instance of a Go program
// with net/http whose code is on the disk (in the page cache): with stock wazero's
// own cache, and with ours. In turns, in one run; medians, and their ratio.
func BenchmarkWake(b *testing.B) {
	ctx := context.Background()
	code := buildGo(b, "./testdata/micro", "-buildmode=c-shared")
	cache := b.TempDir()
	report := withStock(b, code, cache).Report() // fills it
	engine, err := wasi.New(ctx, wasi.Config{CacheDir: b.TempDir(), CacheKey: []byte("the key of this benchmark"), Workers: 2, Isolated: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close(ctx) })
	module, config, how := initialised(b, engine, code)
	digest, snapshot := module.Digest(), config.Snapshot
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
		var theirs *stock.Module
		timed("stock", func() (err error) {
			theirs, err = stock.Compile(ctx, code, report, stock.Config{CacheDir: cache, Dir: b.TempDir(), Args: config.Args, Timeout: time.Minute})
			if err == nil {
				_, err = theirs.Instance(ctx)
			}
			return err
		})
		if err := theirs.Close(ctx); err != nil {
			b.Fatal(err)
		}
		var instance *wasi.Instance
		timed("wake", func() error {
			timed("code", func() (err error) {
				module, err = engine.Wake(ctx, digest, how.Code)
				return err
			})
			timed("snapshot", func() (err error) {
				snapshot, err = module.LoadSnapshot(ctx, how)
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
