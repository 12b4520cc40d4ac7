package instrument_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// FuzzInstrument takes modules through the whole chain: what wazero takes for valid is instrumented to what it takes for
// valid, and each of its exports without parameters ends soon. Nothing panics, whatever the bytes.
func FuzzInstrument(f *testing.F) {
	dir := f.TempDir()
	for _, sources := range []map[string]string{spinners(), recursions()} {
		for _, source := range sources {
			in, out := filepath.Join(dir, "in.wat"), filepath.Join(dir, "out.wasm")
			_ = os.WriteFile(in, []byte("(module "+source+")"), 0o600)
			if exec.Command("wat2wasm", "--enable-threads", "--enable-tail-call", "-o", out, in).Run() == nil {
				code, _ := os.ReadFile(out)
				f.Add(code)
			}
		}
	}
	const pages = 200 // or else growing it copies gigabytes
	m := newMachine(f, wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(pages))
	m.limit, m.quantum = 2, 10_000
	limits := binary.DefaultLimits()
	limits.TableEntries, limits.Nesting = 10_000, 100
	f.Fuzz(func(t *testing.T, code []byte) {
		options := instrument.DefaultOptions("arm64")
		options.Limits = limits
		p, err := instrument.Instrument(code, options)
		if err != nil {
			return
		}
		start := time.Now()
		runAll(t, m, code, p)
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("compiling and running took %v", took)
		}
	})
}

// runAll compiles both modules and, if the plain one is valid, runs what the other exports. Memories of more than
// 100 pages are left alone.
func runAll(t *testing.T, m *machine, code []byte, p *instrument.Prepared) {
	ctx := context.Background()
	plain, err := m.runtime.CompileModule(ctx, code)
	if err != nil {
		return
	}
	_ = plain.Close(ctx)
	compiled, err := m.runtime.CompileModule(ctx, p.Code)
	if err != nil {
		t.Fatalf("the instrumented module is not valid: %v", err)
	}
	defer func() { _ = compiled.Close(ctx) }()
	for _, memory := range compiled.ExportedMemories() {
		if memory.Min() > 100 {
			return
		}
	}
	mod, err := m.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return
	}
	defer func() { _ = mod.Close(ctx) }()
	for name, definition := range mod.ExportedFunctionDefinitions() {
		if len(definition.ParamTypes()) > 0 {
			continue
		}
		m.yields = 0
		mod.ExportedGlobal(instrument.MeterExport).(api.MutableGlobal).Set(uint64(instrument.NewMeter(0)))
		_, err := mod.ExportedFunction(name).Call(ctx)
		if err != nil && !errors.Is(err, errOver) && !errors.Is(err, errExhausted) && !strings.Contains(err.Error(), "wasm error") {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// TestGeneratedModules compares modules that binaryen makes up with what they are instrumented to: the same calls have
// the same results, and leave the same memory.
func TestGeneratedModules(t *testing.T) {
	if _, err := exec.LookPath("wasm-opt"); err != nil {
		t.Skip("there is no wasm-opt (binaryen)")
	}
	const modules = 60
	dir := t.TempDir()
	calls, limited := 0, 0
	for seed := range modules {
		path := filepath.Join(dir, strconv.Itoa(seed))
		random := make([]byte, 2000)
		x := uint32(seed + 1)
		for i := range random {
			x = x*1664525 + 1013904223
			random[i] = byte(x >> 24)
		}
		if err := os.WriteFile(path, random, 0o600); err != nil {
			t.Fatal(err)
		}
		generate := exec.Command("wasm-opt", "-ttf", path, "--mvp-features", "--enable-bulk-memory", "--enable-sign-ext",
			"--enable-nontrapping-float-to-int", "--enable-mutable-globals", "--enable-multivalue", "-o", path+".wasm")
		if message, err := generate.CombinedOutput(); err != nil {
			t.Fatalf("wasm-opt: %v\n%s", err, message)
		}
		code, err := os.ReadFile(path + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		c, l := compareCalls(t, seed, code)
		calls, limited = calls+c, limited+l
	}
	t.Logf("%d calls compared, %d more ended by their fuel", calls, limited)
	if calls < modules {
		t.Error("too little was compared")
	}
}

// compareCalls calls the exports of a module, in order. A call that the fuel ends leaves the two in different states.
func compareCalls(t *testing.T, seed int, code []byte) (calls, limited int) {
	ctx := context.Background()
	m := newMachine(t, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(true))
	p := prepare(t, code)
	outline, err := binary.Scan(code, binary.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() (api.Module, api.Module) {
		plain, err := m.runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			return nil, nil // it imports what is not here
		}
		other, err := m.start(t, p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		return plain, other
	}
	plain, other := fresh()
	if plain == nil {
		return 0, 0
	}
	for _, e := range outline.Exports {
		f, ok := outline.FuncType(e.Index)
		if e.Kind != binary.KindFunc || !ok {
			continue
		}
		args := make([]uint64, len(f.Params))
		m.limit, m.yields, m.quantum, m.logged = 20, 0, 100_000, 0
		got, gotErr := other.ExportedFunction(e.Name).Call(ctx, args...)
		if errors.Is(gotErr, errOver) || errors.Is(gotErr, errExhausted) {
			limited++
			if plain, other = fresh(); plain == nil {
				return calls, limited
			}
			continue
		}
		logged := m.logged
		m.logged = 0
		want, wantErr := plain.ExportedFunction(e.Name).Call(ctx, args...)
		calls++
		if (gotErr == nil) != (wantErr == nil) || len(got) != len(want) || m.logged != logged {
			t.Fatalf("seed %d, %s: plain %v %v, instrumented %v %v", seed, e.Name, want, wantErr, got, gotErr)
		}
		for i := range want {
			if want[i] != got[i] {
				t.Fatalf("seed %d, %s: plain %#x, instrumented %#x", seed, e.Name, want, got)
			}
		}
		other.ExportedGlobal(instrument.MeterExport).(api.MutableGlobal).Set(uint64(instrument.NewMeter(0)))
		compareMemories(t, plain, other)
	}
	return calls, limited
}
