package wasi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
)

// BenchmarkSDK compares a handler on the SDK with the bare handler function, which is
// called with a request that was made ahead: what is between them is the SDK's.
func BenchmarkSDK(b *testing.B) {
	ctx := context.Background()
	engine, err := wasi.New(ctx, wasi.Config{Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close(ctx) })
	names := []string{"bare", "sdk"}
	var instances []*wasi.Instance
	for _, name := range names {
		module, config, _ := initialised(b, engine, buildGo(b, "./testdata/"+name, "-buildmode=c-shared"))
		i, err := module.NewInstance(ctx, config)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = i.Close() })
		instances = append(instances, i)
	}
	times := map[string][]time.Duration{}
	for b.Loop() {
		for k, i := range instances {
			const while = 200
			for range while {
				began := time.Now()
				if err := i.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), io.Discard); err != nil {
					b.Fatal(err)
				}
				times[names[k]] = append(times[names[k]], time.Since(began))
				if err := i.Reset(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	bare, sdk := median(times["bare"]), median(times["sdk"])
	b.ReportMetric(float64(bare.Nanoseconds())/1e3, "bare-µs")
	b.ReportMetric(float64(sdk.Nanoseconds())/1e3, "sdk-µs")
	b.ReportMetric(float64((sdk-bare).Nanoseconds())/1e3, "between-µs")
}
