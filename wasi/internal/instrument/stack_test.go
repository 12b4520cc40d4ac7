package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// recursions are modules whose export "run" goes ever deeper, and counts in the exported global "depth" how deep.
func recursions() map[string]string {
	const count = `(global.set $depth (i32.add (global.get $depth) (i32.const 1)))`
	wide := func(locals int) string {
		b := &strings.Builder{}
		for i := range locals {
			fmt.Fprintf(b, "(local.set %d (i64.add (local.get %d) (i64.const %d)))", i+1, (i+7)%locals+1, i)
		}
		use := &strings.Builder{}
		for i := range locals {
			fmt.Fprintf(use, "(drop (i64.load (i32.wrap_i64 (local.get %d))))", i+1)
		}
		return "(memory 1) (func $f (export \"run\") (param i32) (local" + strings.Repeat(" i64", locals) + ")" + count +
			b.String() + "(call $f (i32.const 1))" + use.String() + ")"
	}
	values := &strings.Builder{} // which are all in use across the call, but in no local
	for i := range 200 {
		fmt.Fprintf(values, "(i64.load (i32.and (global.get $depth) (i32.const %d)))", i)
	}
	return map[string]string{
		"direct": `(func $f (export "run") (param i32)` + count + `(call $f (local.get 0)) (drop (i32.add (local.get 0) (i32.const 1))))`,
		"mutual": `(func $f (export "run") (param i32)` + count + `(call $g (local.get 0)) (drop (local.get 0)))
			(func $g (param i32) (call $h (local.get 0)) (drop (local.get 0)))
			(func $h (param i32) (call $f (local.get 0)) (drop (local.get 0)))`,
		"through a table": `(table 1 funcref) (elem (i32.const 0) $f) (type $t (func (param i32)))
			(func $f (export "run") (param i32)` + count + `(call $g (local.get 0)))
			(func $g (param i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))`,
		"through a function reference in a global": `(table 1 funcref) (type $t (func (param i32)))
			(global $ref funcref (ref.func $f))
			(func $f (export "run") (param i32)` + count + `
				(table.set 0 (i32.const 0) (global.get $ref))
				(call_indirect (type $t) (local.get 0) (i32.const 0)))`,
		"in a loop": `(func $f (export "run") (param i32)` + count + `(loop (call $f (local.get 0)) (br_if 0 (local.get 0))))`,
		"20 locals": wide(20), "2000 locals": wide(2000),
		"200 values": `(memory 1) (func $f (export "run") (param i32)` + count + values.String() +
			`(call $f (local.get 0))` + strings.Repeat("(drop)", 200) + `)`,
	}
}

// TestStackIsBounded holds that endless recursion ends in a trap of its own, at a depth that honest programs do not
// reach, and before the native stack is large. T20.
func TestStackIsBounded(t *testing.T) {
	for name, source := range recursions() {
		t.Run(name, func(t *testing.T) {
			code := text(t, `(module (global $depth (export "depth") (mut i32) (i32.const 0))`+source+`)`)
			m := newMachine(t, wazero.NewRuntimeConfigCompiler())
			plain, err := m.runtime.Instantiate(context.Background(), code)
			if err != nil {
				t.Fatal(err)
			}
			_, err = plain.ExportedFunction("run").Call(context.Background(), 1)
			if err == nil || !strings.Contains(err.Error(), "stack overflow") {
				t.Fatalf("plain: %v", err)
			}
			mod, err := m.start(t, prepare(t, code))
			if err != nil {
				t.Fatal(err)
			}
			_, err = mod.ExportedFunction("run").Call(context.Background(), 1)
			if !errors.Is(err, errExhausted) {
				t.Fatalf("got %v", err)
			}
			// wazero doubles the stack until it has more than 50,000,000 bytes.
			const full = 10240 << 13
			frame := full / depth(plain)
			native := frame * depth(mod)
			t.Logf("%d deep, where plain code gets %d; about %d bytes a frame, %.1f MiB in all",
				depth(mod), depth(plain), frame, float64(native)/(1<<20))
			if native > 20<<20 {
				t.Errorf("the native stack had %d bytes", native)
			}
			if name == "direct" && depth(mod) < 100_000 {
				t.Error("a small function gets less than 100,000 deep")
			}
		})
	}
}

func depth(mod api.Module) int { return int(mod.ExportedGlobal("depth").Get()) }

// TestStackOfGo holds that a Go program gets as deep as its library allows.
func TestStackOfGo(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a Go guest")
	}
	modules, err := kernels()
	if err != nil {
		t.Skipf("cannot build the kernels: %v", err)
	}
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	mod, err := m.start(t, prepare(t, modules["go"]))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := mod.ExportedFunction("_initialize").Call(ctx); err != nil {
		t.Fatal(err)
	}
	const levels = 10_000
	out, err := mod.ExportedFunction("deep").Call(ctx, levels)
	if err != nil || out[0] != 2*levels {
		t.Errorf("got %v, %v", out, err)
	}
	t.Logf("at most %d bytes of stack at a yield", m.deepest)
}
