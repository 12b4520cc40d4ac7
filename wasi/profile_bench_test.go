package wasi_test

import (
	"context"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// BenchmarkProfile is a request that computes for a while, and the same while it is profiled.
func BenchmarkProfile(b *testing.B) {
	for name, profile := range map[string]*wasi.Profile{"off": nil, "on": {}} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			engine, err := wasi.New(ctx, wasi.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = engine.Close(ctx) }()
			module, err := engine.Compile(ctx, wasitest.Guest("busy"))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = module.Close(ctx) }()
			instance, err := module.NewInstance(ctx, wasi.InstanceConfig{
				Args: []string{"main.wasm"}, Limits: wasi.Limits{Memory: 1 << 20, Response: 1 << 20}, Profile: profile,
			})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = instance.Close() }()
			for b.Loop() {
				if err := instance.Serve(httptest.NewRecorder(), get(ctx), io.Discard); err != nil {
					b.Fatal(err)
				}
				if err := instance.Reset(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
