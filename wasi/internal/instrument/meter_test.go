package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// spinners are modules whose export "run" does not end in any reasonable time. All of them import or need nothing.
func spinners() map[string]string {
	chain := &strings.Builder{}
	for i := range 64 {
		fmt.Fprintf(chain, "(func $f%d call $f%d call $f%d)", i, i+1, i+1)
	}
	return map[string]string{
		"loop":         `(func (export "run") (loop (br 0)))`,
		"nested loops": `(func (export "run") (loop (loop (br 1)) (br 0)))`,
		"loop with parameters": `(func (export "run") (result i64)
			(i64.const 1) (loop (param i64) (result i64) (i64.add (i64.const 1)) (br 0)))`,
		"br_table": `(func (export "run") (loop (br_table 0 0 0 (i32.const 1))))`,
		"loop of leaves": `(func $leaf (result i32) (i32.add (i32.const 1) (i32.const 2)))
			(func (export "run") (loop (drop (call $leaf)) (br 0)))`,
		"loop-free recursion": `(func $f (param i32) (result i32)
			(if (result i32) (local.get 0)
				(then (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1)))))
				(else (i32.const 1))))
			(func (export "run") (drop (call $f (i32.const 60))))`,
		"64 functions, each calling the next twice": chain.String() + `(func $f64) (func (export "run") call $f0)`,
		"recursion through a table": `(type $t (func (param i32))) (table 1 funcref) (elem (i32.const 0) $f)
			(func $f (param i32) (if (local.get 0) (then
				(call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
				(call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
			(func (export "run") (call $f (i32.const 60)))`,
		"tail calls": `(func $f (return_call $g)) (func $g (return_call $f)) (func (export "run") (return_call $f))`,
		"tail calls through a table": `(table 1 funcref) (elem (i32.const 0) $f) (type $t (func))
			(func $f (export "run") (return_call_indirect (type $t) (i32.const 0)))`,
		"memory.fill of 512 MiB": `(memory 8192)
			(func (export "run") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x20000000)) (br 0)))`,
		"memory.copy of 256 MiB": `(memory 8192)
			(func (export "run") (loop (memory.copy (i32.const 0x10000000) (i32.const 1) (i32.const 0x10000000)) (br 0)))`,
		"table.grow": `(table 0 funcref)
			(func (export "run") (loop (drop (table.grow 0 (ref.null func) (i32.const 100))) (br 0)))`,
		"table.fill": `(table 1000000 funcref)
			(func (export "run") (loop (table.fill 0 (i32.const 0) (ref.null func) (i32.const 1000000)) (br 0)))`,
		"a long function in a loop": `(func $f ` + strings.Repeat(`(drop (i32.div_u (i32.const 7) (i32.const 3)))`, 2000) + `)
			(func (export "run") (loop (call $f) (br 0)))`,
		// Each frame runs its loop for nearly as long as the meter does not notice, and then goes on in the next.
		"deep recursion with a loop in each frame": `(func $f (param i32) (local i32)
			(local.set 1 (i32.const 150))
			(loop (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
			(if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))) (call $f (i32.sub (local.get 0) (i32.const 1))))))
			(func (export "run") (call $f (i32.const 50000)))`,
	}
}

// TestYieldIsReached runs what would never end. The host is asked again and again, without long gaps, until it ends the
// guest. T21: one memory.fill of 512 MiB is asked in between.
func TestYieldIsReached(t *testing.T) {
	for name, source := range spinners() {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, wazero.NewRuntimeConfigCompiler())
			m.limit = 1000
			mod, err := m.start(t, prepare(t, text(t, "(module "+source+")")))
			if err != nil {
				t.Fatal(err)
			}
			_, err = mod.ExportedFunction("run").Call(context.Background())
			if !errors.Is(err, errOver) {
				t.Fatalf("the guest ended with %v", err)
			}
			t.Logf("the longest gap between two yields was %v", m.gap)
			if m.gap > 500*time.Millisecond { // milliseconds on an idle machine
				t.Errorf("the host was not asked for %v", m.gap)
			}
		})
	}
}

// TestFuelIsExact holds that a call costs the sum of the weights of what it runs, whatever the bound is at which the meter
// learns of it, and every time the same.
func TestFuelIsExact(t *testing.T) {
	const source = `(module
		(func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
		(func (export "count") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
		(func (export "leaves") (param i32)
			(loop (drop (call $leaf (local.get 0))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
		(func $fib (export "fib") (param i32) (result i32)
			(if (i32.lt_u (local.get 0) (i32.const 2)) (then (return (local.get 0))))
			(i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))
		(func (export "mixed") (param i32) (result i32) (local i32)
			(block (loop
				(br_if 1 (i32.eqz (local.get 0)))
				(local.set 1 (i32.add (local.get 1) (call $fib (i32.const 5))))
				(local.set 0 (i32.sub (local.get 0) (i32.const 1)))
				(br_if 0 (i32.ne (local.get 1) (i32.const 500)))
				(return (i32.const -1))))
			(local.get 1)))`
	code := text(t, source)
	for _, c := range []struct {
		name string
		arg  uint64
		want int64
	}{
		// Each iteration is five instructions, or seven and a call, whose weight has the leaf in it.
		{"count", 1, 5},
		{"count", 1000, 5000},
		{"count", 1_000_000, 5_000_000},
		{"leaves", 1, 19},
		{"leaves", 100_000, 1_900_000},
		{"fib", 1, 0},
		{"fib", 20, 0},
		{"mixed", 0, 0},
		{"mixed", 7, 0},
		{"mixed", 100, 0},
		{"mixed", 10_000, 0},
	} {
		costs := map[int64]bool{}
		for _, bound := range []int{1, 7, 100, 4096, 1 << 20} {
			options := instrument.DefaultOptions("amd64")
			options.Bound = bound
			p, err := instrument.Instrument(code, options)
			if err != nil {
				t.Fatal(err)
			}
			m := newMachine(t, wazero.NewRuntimeConfigCompiler())
			m.quantum = 10_000
			mod, err := m.start(t, p)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				costs[m.cost(t, mod, c.name, c.arg)] = true
			}
		}
		if len(costs) != 1 {
			t.Errorf("%s(%d) costs %v, depending on the bound", c.name, c.arg, costs)
		}
		if c.want != 0 && !costs[c.want] {
			t.Errorf("%s(%d) costs %v, want %d", c.name, c.arg, costs, c.want)
		}
	}
}

// TestFuelOfLongInstructions holds that bytes and entries are charged.
func TestFuelOfLongInstructions(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	mod, err := m.start(t, prepare(t, text(t, `(module (memory 100) (table 0 funcref)
		(func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
		(func (export "grow") (param i32) (drop (table.grow 0 (ref.null func) (local.get 0)))))`)))
	if err != nil {
		t.Fatal(err)
	}
	short, long := m.cost(t, mod, "fill", 1024), m.cost(t, mod, "fill", 5<<20)
	if got, want := long-short, int64(5<<20/16); got != want {
		t.Errorf("filling 5 MiB costs %d more than filling 1 KiB, want %d", got, want)
	}
	one, many := m.cost(t, mod, "grow", 0), m.cost(t, mod, "grow", 500_000)
	if got, want := many-one, int64(250_000); got != want {
		t.Errorf("growing a table by 500,000 entries costs %d more than by none, want %d", got, want)
	}
}

// TestInstrumentIsDeterministic holds that the same module gives the same bytes.
func TestInstrumentIsDeterministic(t *testing.T) {
	for name, source := range spinners() {
		code := text(t, "(module "+source+")")
		a, b := prepare(t, code), prepare(t, code)
		if !bytes.Equal(a.Code, b.Code) {
			t.Errorf("%s: two results differ", name)
		}
	}
}

// TestSurplusIsTakenBack holds that the host is asked at the next charge when many calls that paid in advance have returned, so
// that what they give back does not keep it from being asked for long.
func TestSurplusIsTakenBack(t *testing.T) {
	const depth, bound = 50_000, 16_384
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	mod, err := m.start(t, prepare(t, text(t, `(module (func $f (export "run") (param i32)
		(loop (if (local.get 0) (then
			(call $f (i32.sub (local.get 0) (i32.const 1)))
			(br_if 1 (i32.eq (local.get 0) (i32.const 1000000))))))))`)))
	if err != nil {
		t.Fatal(err)
	}
	cost := m.cost(t, mod, "run", depth)
	one := m.cost(t, mod, "run", 0)
	if m.most < depth*bound/2 {
		t.Errorf("the host found at most %d fuel", m.most)
	}
	if got := meter(mod).Fuel(); got > m.quantum+bound {
		t.Errorf("%d fuel are left", got)
	}
	if cost <= depth*one/2 || cost > depth*one*2 {
		t.Errorf("a run of %d calls costs %d, one call %d", depth, cost, one)
	}
}
