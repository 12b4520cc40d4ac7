package instrument_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// kernel is one export of a guest of the benchmarks, and how often it does its work in a round of some milliseconds.
type kernel struct {
	guest, name string
	times       uint64
}

func allKernels() []kernel {
	return []kernel{
		{"go", "json", 10},
		{"go", "sha256", 15},
		{"go", "sort", 5},
		{"go", "regexp", 4},
		{"go", "gzip", 4},
		{"go", "recursion", 10},
		{"go", "matrix", 3},
		{"c", "primes", 10},
		{"c", "hash", 60},
		{"c", "ackermann", 60},
		{"c", "queue", 20},
	}
}

// variant is one way of running the guests.
type variant struct {
	name  string
	calls map[string]func(times uint64) uint64
}

// plainVariant runs the modules as they are: without a deadline, or with wazero's.
func plainVariant(b *testing.B, name string, deadline bool) variant {
	ctx := context.Background()
	if deadline {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Hour)
		b.Cleanup(cancel)
	}
	m := newMachine(b, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(deadline))
	v := variant{name: name, calls: map[string]func(uint64) uint64{}}
	for guest, code := range guests(b) {
		mod, err := m.runtime.InstantiateWithConfig(ctx, code,
			wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
		if err != nil {
			b.Fatal(err)
		}
		v.add(ctx, b, guest, mod)
	}
	return v
}

func meteredVariant(b *testing.B) variant {
	m := newMachine(b, wazero.NewRuntimeConfigCompiler())
	v := variant{name: "metered", calls: map[string]func(uint64) uint64{}}
	for guest, code := range guests(b) {
		mod, err := m.start(b, prepare(b, code))
		if err != nil {
			b.Fatal(err)
		}
		if init := mod.ExportedFunction("_initialize"); init != nil {
			if _, err := init.Call(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		v.add(context.Background(), b, guest, mod)
	}
	return v
}

func (v *variant) add(ctx context.Context, b *testing.B, guest string, mod api.Module) {
	for _, k := range allKernels() {
		if k.guest != guest {
			continue
		}
		v.calls[k.name] = func(times uint64) uint64 {
			// A new handle has a native stack of its own, and where that lies makes twice the difference to some.
			f := mod.ExportedFunction(k.name)
			out, err := f.Call(ctx, times)
			if err != nil {
				b.Fatalf("%s %s: %v", v.name, k.name, err)
			}
			return out[0]
		}
	}
}

func guests(b *testing.B) map[string][]byte {
	modules, err := kernels()
	if err != nil {
		b.Skipf("cannot build the kernels: %v", err)
	}
	return modules
}

// BenchmarkMetering compares instrumented code with plain code, and with plain code under wazero's own deadline. The three
// take turns, so that all see the same machine; what is compared is medians. It reports how many times as long
// metered code takes as plain code, and plain code with a deadline as metered code.
func BenchmarkMetering(b *testing.B) {
	variants := []variant{
		plainVariant(b, "plain", false), meteredVariant(b), plainVariant(b, "deadline", true),
	}
	logs, stock, n := 0.0, 0.0, 0.0
	for _, k := range allKernels() {
		times := make([][]time.Duration, len(variants))
		b.Run(k.name, func(b *testing.B) {
			times = make([][]time.Duration, len(variants))
			for b.Loop() {
				want := uint64(0)
				for i, v := range variants {
					start := time.Now()
					got := v.calls[k.name](k.times)
					times[i] = append(times[i], time.Since(start))
					if i > 0 && got != want {
						b.Fatalf("%s: %s gives %d, plain %d", k.name, v.name, got, want)
					}
					want = got
				}
			}
			b.ReportMetric(ratio(times[1], times[0]), "metered/plain")
			b.ReportMetric(ratio(times[2], times[1]), "deadline/metered")
			b.ReportMetric(float64(median(times[0]).Microseconds()), "plain-µs")
			b.ReportMetric(float64(slices.Min(times[1]))/float64(slices.Min(times[0])), "min-ratio")
		})
		if len(times[0]) == 0 {
			continue // not asked for
		}
		n++
		logs += math.Log(ratio(times[1], times[0]))
		stock += math.Log(ratio(times[2], times[1]))
	}
	b.Logf("geometric means: metered/plain %.3f, deadline/metered %.2f", math.Exp(logs/n), math.Exp(stock/n))
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func ratio(a, b []time.Duration) float64 { return float64(median(a)) / float64(median(b)) }
