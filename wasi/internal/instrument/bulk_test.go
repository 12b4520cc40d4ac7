package instrument_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"pgregory.net/rapid"
)

// bulkModule has each bulk instruction as a function. Its memory has 64 pages, 4 MiB, and its tables 300,000 entries
// each, so that there is room for several pieces.
func bulkModule() string {
	three := "i32" + strings.Repeat(" i32", 2)
	return strings.ReplaceAll(`(module (memory (export "memory") 64) (table $a 300000 350000 externref) (table $b 300000 externref) (table $f 300000 funcref)
		(data $d "`+strings.Repeat(`\01\02\03\04\05\06\07\08\09\0a\0b\0c\0d`, 200_000)+`") (data (i32.const 7) "active") (data $empty "")
		(elem $e func `+strings.Repeat("$f1 $f2 $f3 ", 90_000)+`)
		(func $f1) (func $f2 (param i32)) (func $f3)
		(func (export "memory.fill") (param three) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
		(func (export "memory.copy") (param three) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
		(func (export "memory.init") (param three) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
		(func (export "memory.init active") (param three) (memory.init 1 (local.get 0) (local.get 1) (local.get 2)))
		(func (export "data.drop") (param three) (data.drop $d))
		(func (export "table.fill") (param i32 externref i32) (table.fill $a (local.get 0) (local.get 1) (local.get 2)))
		(func (export "table.copy") (param three) (table.copy $a $a (local.get 0) (local.get 1) (local.get 2)))
		(func (export "table.copy from another") (param three) (table.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
		(func (export "table.copy to another") (param three) (table.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
		(func (export "table.init") (param three) (table.init $f $e (local.get 0) (local.get 1) (local.get 2)))
		(func (export "elem.drop") (param three) (elem.drop $e))
		(func (export "table.grow") (param i32 externref i32) (result i32) (table.grow $a (local.get 1) (local.get 2)))
		(func (export "a") (param i32) (result externref) (table.get $a (local.get 0)))
		(func (export "b") (param i32) (result externref) (table.get $b (local.get 0)))
		(func (export "f") (param i32) (result i32) (ref.is_null (table.get $f (local.get 0))))
		(func (export "size") (param i32) (result i32) (table.size $a)))`, "three", three)
}

// outcome calls a function and returns its first result, and its trap without the trace.
func outcome(t *rapid.T, mod api.Module, name string, args ...uint64) (uint64, string) {
	f := mod.ExportedFunction(name)
	if f == nil {
		t.Fatalf("no function %q", name)
	}
	results, err := f.Call(context.Background(), args...)
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		return 0, message
	}
	if len(results) == 0 {
		return 0, ""
	}
	return results[0], ""
}

// TestBulkInPieces runs random bulk instructions, long and short, overlapping and out of bounds, on instances of a module
// and of what it is instrumented to: both trap alike, and leave the same behind. T21.
func TestBulkInPieces(t *testing.T) {
	code := text(t, bulkModule())
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	p := prepare(t, code)
	plain, err := m.runtime.InstantiateWithConfig(context.Background(), code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.start(t, p)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom([]string{
			"memory.fill", "memory.copy", "memory.init", "table.fill",
			"table.copy", "table.copy from another", "table.copy to another", "table.init", "table.grow",
		}).Draw(r, "instruction")
		size := uint64(300_000)
		if strings.HasPrefix(name, "memory") {
			size = 64 << 16
		}
		place := rapid.OneOf(rapid.Uint64Range(0, 4), rapid.Uint64Range(0, size), rapid.Uint64Range(1<<32-4, 1<<32-1))
		length := rapid.OneOf(rapid.Uint64Range(0, 2000), rapid.Uint64Range(0, size), rapid.Uint64Range(1<<32-4, 1<<32-1))
		args := []uint64{place.Draw(r, "to"), place.Draw(r, "from"), length.Draw(r, "length")}
		want, trap := outcome(r, plain, name, args...)
		got, otherTrap := outcome(r, other, name, args...)
		if want != got || trap != otherTrap {
			r.Fatalf("%s %v: plain %d %q, instrumented %d %q", name, args, want, trap, got, otherTrap)
		}
		compareMemories(t, plain, other)
		compareTables(r, plain, other)
	})
}

// compareTables compares every 997th entry of the tables.
func compareTables(t *rapid.T, plain, other api.Module) {
	want, _ := outcome(t, plain, "size", 0)
	if got, _ := outcome(t, other, "size", 0); got != want {
		t.Fatalf("the table has %d entries, want %d", got, want)
	}
	for name, size := range map[string]uint64{"a": want, "b": 300_000, "f": 300_000} {
		f, g := plain.ExportedFunction(name), other.ExportedFunction(name)
		for i := uint64(0); i < size; i += 997 {
			a, errA := f.Call(context.Background(), i)
			b, errB := g.Call(context.Background(), i)
			if errA != nil || errB != nil || a[0] != b[0] {
				t.Fatalf("table %s, entry %d: plain %v %v, instrumented %v %v", name, i, a, errA, b, errB)
			}
		}
	}
}

// TestDroppedSegments holds that what was dropped is gone.
func TestDroppedSegments(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	mod, err := m.start(t, prepare(t, text(t, bulkModule())))
	if err != nil {
		t.Fatal(err)
	}
	for drop, init := range map[string]string{"data.drop": "memory.init", "elem.drop": "table.init"} {
		for _, c := range []struct {
			name string
			args []uint64
			ok   bool
		}{
			{init, []uint64{0, 0, 270_000}, true},
			{drop, []uint64{0, 0, 0}, true},
			{init, []uint64{0, 0, 270_000}, false},
			{init, []uint64{0, 0, 1}, false},
			{init, []uint64{0, 0, 0}, true},
		} {
			if _, err := mod.ExportedFunction(c.name).Call(context.Background(), c.args...); (err == nil) != c.ok {
				t.Errorf("%s %v: %v", c.name, c.args, err)
			}
		}
	}
}

// TestPiecesAreShort holds that the host is asked within a long instruction. T21.
func TestPiecesAreShort(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	m.quantum = 1
	mod, err := m.start(t, prepare(t, text(t, bulkModule())))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []uint64
		want int // pieces, without the last
	}{
		{"memory.fill", []uint64{0, 1, 4 << 20}, 3},
		{"memory.copy", []uint64{0, 1, 4<<20 - 1}, 3},
		{"memory.copy", []uint64{1, 0, 4<<20 - 1}, 3},
		{"memory.init", []uint64{0, 0, 2_600_000}, 2},
		{"table.fill", []uint64{0, 1, 300_000}, 2},
		{"table.copy", []uint64{0, 1, 299_999}, 2},
		{"table.init", []uint64{0, 0, 270_000}, 2},
	} {
		before := m.yields
		if _, err := mod.ExportedFunction(c.name).Call(context.Background(), c.args...); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := m.yields - before; got < c.want {
			t.Errorf("%s %v: the host was asked %d times, want at least %d", c.name, c.args, got, c.want)
		}
	}
}

// TestActiveSegmentsAreDropped holds that the data which is written at the start is not there for memory.init, as the
// specification has it. wazero v1.12.0 itself keeps it.
func TestActiveSegmentsAreDropped(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	mod, err := m.start(t, prepare(t, text(t, bulkModule())))
	if err != nil {
		t.Fatal(err)
	}
	f := mod.ExportedFunction("memory.init active")
	if _, err := f.Call(context.Background(), 0, 0, 0); err != nil {
		t.Errorf("nothing of it: %v", err)
	}
	if _, err := f.Call(context.Background(), 0, 0, 1); err == nil {
		t.Error("a byte of it is still there")
	}
}
