package instrument_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesThreads

// errExhausted and errOver are what the tests' host ends a guest with.
var (
	errExhausted = errors.New("call stack exhausted")
	errOver      = errors.New("out of fuel")
)

// machine is a host of instrumented modules: it has a runtime, and the functions that they import.
type machine struct {
	runtime wazero.Runtime
	// quantum is the fuel after a yield; limit how often there is one before it ends the guest, if above 0.
	quantum int64
	limit   int
	yields  int
	used    int64 // fuel that was given
	waits   int
	logged  uint64 // a checksum of what generated modules log
	last    time.Time
	gap     time.Duration // the longest between two yields
	deepest int64         // the largest stack at a yield
	most    int64         // the most fuel at a yield
}

func newMachine(tb testing.TB, config wazero.RuntimeConfig) *machine {
	tb.Helper()
	ctx := context.Background()
	m := &machine{runtime: wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(features)), quantum: 100_000}
	tb.Cleanup(func() { _ = m.runtime.Close(ctx) })
	i32, i64 := api.ValueTypeI32, api.ValueTypeI64
	builder := m.runtime.NewHostModuleBuilder(instrument.HostModule)
	export := func(name string, params, results []api.ValueType, f api.GoModuleFunc) {
		builder.NewFunctionBuilder().WithGoModuleFunction(f, params, results).Export(name)
	}
	export(instrument.Yield, nil, nil, func(_ context.Context, mod api.Module, _ []uint64) { m.yield(mod) })
	export(instrument.Exhausted, nil, nil, func(context.Context, api.Module, []uint64) { panic(errExhausted) })
	wait := func(_ context.Context, _ api.Module, stack []uint64) {
		m.waits++
		stack[0] = 2 // timed out
	}
	export(instrument.Wait32, []api.ValueType{i32, i32, i64, i32}, []api.ValueType{i32}, wait)
	export(instrument.Wait64, []api.ValueType{i32, i64, i64, i32}, []api.ValueType{i32}, wait)
	if _, err := builder.Instantiate(ctx); err != nil {
		tb.Fatal(err)
	}
	m.provideFuzzing(tb)
	wasi_snapshot_preview1.MustInstantiate(ctx, m.runtime)
	return m
}

// provideFuzzing provides what generated modules import.
func (m *machine) provideFuzzing(tb testing.TB) {
	builder := m.runtime.NewHostModuleBuilder("fuzzing-support")
	for name, t := range map[string]api.ValueType{
		"log-i32": api.ValueTypeI32, "log-i64": api.ValueTypeI64, "log-f32": api.ValueTypeF32, "log-f64": api.ValueTypeF64,
	} {
		bits := 64
		if t == api.ValueTypeI32 || t == api.ValueTypeF32 {
			bits = 32
		}
		log := func(_ context.Context, _ api.Module, stack []uint64) { m.logged = m.logged*31 + stack[0]&(1<<bits-1) }
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(log), []api.ValueType{t}, nil).Export(name)
	}
	if _, err := builder.Instantiate(context.Background()); err != nil {
		tb.Fatal(err)
	}
}

func (m *machine) yield(mod api.Module) {
	m.yields++
	now := time.Now()
	if m.yields > 1 {
		m.gap = max(m.gap, now.Sub(m.last))
	}
	m.last = now
	if m.limit > 0 && m.yields > m.limit {
		panic(errOver)
	}
	m.deepest = max(m.deepest, meter(mod).Stack())
	old := meter(mod)
	m.most = max(m.most, old.Fuel())
	m.used += m.quantum - old.Fuel()
	mod.ExportedGlobal(instrument.MeterExport).(api.MutableGlobal).Set(uint64(old.Refuel(m.quantum)))
}

// prepare instruments a module as the tests' machine needs it.
func prepare(tb testing.TB, module []byte) *instrument.Prepared {
	tb.Helper()
	p, err := instrument.Instrument(module, instrument.DefaultOptions(runtime.GOARCH))
	if err != nil {
		tb.Fatalf("instrument: %v", err)
	}
	return p
}

// start makes an instance of a prepared module: its data is written, and its start function called.
func (m *machine) start(tb testing.TB, p *instrument.Prepared) (api.Module, error) {
	tb.Helper()
	ctx := context.Background()
	compiled, err := m.runtime.CompileModule(ctx, p.Code)
	if err != nil {
		tb.Fatalf("compile the instrumented module: %v", err)
	}
	tb.Cleanup(func() { _ = compiled.Close(ctx) })
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := m.runtime.InstantiateModule(ctx, compiled, config)
	if err != nil {
		return nil, err
	}
	tb.Cleanup(func() { _ = mod.Close(ctx) })
	for _, d := range p.Data {
		if !mod.ExportedMemory(p.Memory).Write(d.Offset, d.Bytes) {
			tb.Fatalf("the memory has no room for data at %d", d.Offset)
		}
	}
	if p.Start != "" {
		if _, err := mod.ExportedFunction(p.Start).Call(ctx); err != nil {
			return mod, err
		}
	}
	return mod, nil
}

// meter returns the meter of an instance.
func meter(mod api.Module) instrument.Meter {
	return instrument.Meter(mod.ExportedGlobal(instrument.MeterExport).Get())
}

// cost calls a function and returns what it cost in fuel.
func (m *machine) cost(tb testing.TB, mod api.Module, name string, args ...uint64) int64 {
	tb.Helper()
	before, used := meter(mod).Fuel(), m.used
	if _, err := mod.ExportedFunction(name).Call(context.Background(), args...); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	if stack := meter(mod).Stack(); stack != 0 {
		tb.Fatalf("%s: %d bytes of stack are still counted after it", name, stack)
	}
	return before - meter(mod).Fuel() + m.used - used
}

// text compiles WebAssembly text.
func text(tb testing.TB, source string) []byte {
	tb.Helper()
	dir := tb.TempDir()
	in, out := filepath.Join(dir, "in.wat"), filepath.Join(dir, "out.wasm")
	if err := os.WriteFile(in, []byte(source), 0o600); err != nil {
		tb.Fatal(err)
	}
	build := exec.Command("wat2wasm", "--enable-threads", "--enable-tail-call", "--enable-extended-const", "--debug-names",
		"-o", out, in)
	if message, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("wat2wasm: %v\n%s", err, message)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// kernels builds the two guests of the benchmarks: one in Go, one in C.
var kernels = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "kernels")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	goOut, cOut := filepath.Join(dir, "go.wasm"), filepath.Join(dir, "c.wasm")
	goBuild := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-o", goOut, "./testdata/kernels/go")
	goBuild.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	cBuild := exec.Command("clang", "--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry",
		"-o", cOut, "testdata/kernels/c/kernels.c")
	for _, build := range []*exec.Cmd{goBuild, cBuild} {
		if message, err := build.CombinedOutput(); err != nil {
			return nil, errors.New(string(message))
		}
	}
	modules := map[string][]byte{}
	for name, path := range map[string]string{"go": goOut, "c": cOut} {
		if modules[name], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return modules, nil
})
