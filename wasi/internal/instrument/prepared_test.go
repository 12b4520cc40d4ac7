package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// TestPrepared tells what the host learns of a module.
func TestPrepared(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   instrument.Prepared
	}{
		"nothing": {``, instrument.Prepared{}},
		"memory":  {`(memory 1)`, instrument.Prepared{Memory: "spacewasm:memory"}},
		"memory under its usual name": {
			`(memory (export "memory") 1)`, instrument.Prepared{Memory: "memory"},
		},
		"another thing under that name": {
			`(memory 1) (func (export "memory"))`, instrument.Prepared{Memory: "spacewasm:memory"},
		},
		"data": {
			`(memory 1) (global i32 (i32.const 300)) (data (i32.const 5) "abc") (data "passive") (data (i32.const 9) "")
			 (data (offset (i32.add (i32.const 65530) (i32.const 2))) "end!")`,
			instrument.Prepared{Memory: "spacewasm:memory", Data: []instrument.Segment{
				{Offset: 5, Bytes: []byte("abc")}, {Offset: 65532, Bytes: []byte("end!")},
			}},
		},
		"start": {`(func $f) (start $f)`, instrument.Prepared{Start: "spacewasm:start"}},
		"globals": {
			`(global i32 (i32.const 1)) (global (mut i64) (i64.const 2)) (global (mut externref) (ref.null extern))
			 (global (mut v128) (v128.const i64x2 0 0))`,
			instrument.Prepared{Globals: []instrument.Global{
				{Name: "spacewasm:global:1", Type: binary.I64},
				{Name: "spacewasm:global:2", Type: binary.ExternRef},
				{Name: "spacewasm:global:3", Type: binary.V128},
			}},
		},
		"table.set":  {`(table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func)))`, instrument.Prepared{ChangesTables: true}},
		"table.grow": {`(table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 0))))`, instrument.Prepared{ChangesTables: true}},
		"elem.drop":  {`(elem func) (func (elem.drop 0))`, instrument.Prepared{ChangesTables: true}},
		"table.get":  {`(table 1 funcref) (func (drop (table.get 0 (i32.const 0))))`, instrument.Prepared{}},
		"data.drop":  {`(data "x") (func (data.drop 0))`, instrument.Prepared{DropsData: true}},
		"memory.init": {
			`(memory 1) (data "x") (func (memory.init 0 (i32.const 0) (i32.const 0) (i32.const 0)))`,
			instrument.Prepared{Memory: "spacewasm:memory"},
		},
		"wait": {
			`(memory 1 1 shared) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))`,
			instrument.Prepared{Memory: "spacewasm:memory", Waits: true},
		},
	} {
		p := prepare(t, text(t, "(module "+c.source+")"))
		got := instrument.Prepared{
			Data: p.Data, Globals: p.Globals, Memory: p.Memory, Start: p.Start,
			ChangesTables: p.ChangesTables, DropsData: p.DropsData, Waits: p.Waits,
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// TestRefused lists what is refused, and why.
func TestRefused(t *testing.T) {
	for source, want := range map[string]string{
		`(import "spacewasm" "yield" (func))`:                               `imports "spacewasm"."yield"`,
		`(import "spacewasm" "anything" (global i32))`:                      `imports "spacewasm"."anything"`,
		`(func (export "spacewasm:start"))`:                                 `exports "spacewasm:start"`,
		`(global (export "spacewasm:") i32 (i32.const 0))`:                  `exports "spacewasm:"`,
		`(memory 1) (data (i32.const 65534) "abc")`:                         "segment 0 ends beyond the 1 pages",
		`(memory 1) (data (i32.const -1) "")`:                               "segment 0 ends beyond the 1 pages",
		`(import "a" "b" (global i32)) (memory 1) (data (global.get 0) "")`: "placed by a global that the module imports",
	} {
		_, err := instrument.Instrument(text(t, "(module "+source+")"), instrument.DefaultOptions("amd64"))
		var refused *instrument.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(refused.Reason, want) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
	var fault *binary.Error
	if _, err := instrument.Instrument([]byte("no module"), instrument.DefaultOptions("amd64")); !errors.As(err, &fault) {
		t.Errorf("got %v", err)
	}
}

// TestTablesAreBounded holds that the tables of a module have at most a million entries in all, however it grows them.
func TestTablesAreBounded(t *testing.T) {
	code := text(t, `(module (table 10 funcref) (table 20 30 externref) (table 1000 externref)
		(func $grow (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))
		(func (export "size") (result i32) (i32.add (table.size 0) (i32.add (table.size 1) (table.size 2))))
		(func (export "run") (param i32) (result i32)
			(drop (table.grow 1 (ref.null extern) (i32.const 5)))
			(drop (table.grow 2 (ref.null extern) (i32.const 50)))
			(loop (br_if 0 (i32.ne (call $grow (local.get 0)) (i32.const -1))))
			(loop (br_if 0 (i32.ne (call $grow (i32.const 1)) (i32.const -1))))
			(i32.add (table.size 0) (i32.add (table.size 1) (table.size 2)))))`)
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	mod, err := m.start(t, prepare(t, code))
	if err != nil {
		t.Fatal(err)
	}
	out, err := mod.ExportedFunction("run").Call(context.Background(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if out[0] > 1_000_000 || out[0] < 300_000 {
		t.Errorf("the tables have %d entries", out[0])
	}
	// A bound that the module states itself is kept.
	small := prepare(t, text(t, `(module (table 1 3 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))`))
	outline, err := binary.Scan(small.Code, binary.DefaultLimits())
	if err != nil || outline.Tables[0].Max != 3 {
		t.Errorf("got %+v, %v", outline, err)
	}
}

// TestStartAndGlobals runs a start function when the host says so, and sets what is mutable.
func TestStartAndGlobals(t *testing.T) {
	code := text(t, `(module (memory 1) (data (i32.const 0) "\2a") (global $g (mut i32) (i32.const 1))
		(func $start (global.set $g (i32.load8_u (i32.const 0)))) (start $start)
		(func (export "get") (result i32) (global.get $g)))`)
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	p := prepare(t, code)
	mod, err := m.start(t, p)
	if err != nil {
		t.Fatal(err)
	}
	get := func() uint64 {
		out, err := mod.ExportedFunction("get").Call(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	if got := get(); got != 42 {
		t.Errorf("after the start function: %d", got)
	}
	mod.ExportedGlobal(p.Globals[0].Name).(api.MutableGlobal).Set(7)
	if got := get(); got != 7 {
		t.Errorf("after setting the global: %d", got)
	}
}

// TestNamesSurvive holds that a stack trace names the module's functions as before, and ours too.
func TestNamesSurvive(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	m.limit = 1
	mod, err := m.start(t, prepare(t, text(t, `(module $named (import "wasi_snapshot_preview1" "sched_yield" (func $sched (result i32)))
		(func $inner (loop (br 0))) (func $outer (export "run") (drop (call $sched)) (call $inner)))`)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mod.ExportedFunction("run").Call(context.Background())
	if err == nil {
		t.Fatal("the guest has ended")
	}
	for _, want := range []string{"named.inner()", "named.outer()", "spacewasm:charge", "spacewasm.yield()"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the trace does not have %q:\n%v", want, err)
		}
	}
}

// TestSafeRemainder holds that what stands for remainders is the same as they. T36.
func TestSafeRemainder(t *testing.T) {
	code := text(t, `(module
		(func (export "i32s") (param i64 i64) (result i64) (i64.extend_i32_s (i32.rem_s (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)))))
		(func (export "i32u") (param i64 i64) (result i64) (i64.extend_i32_u (i32.rem_u (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (local.get 1)))))
		(func (export "i64s") (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
		(func (export "i64u") (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1))))`)
	plain, err := instrument.Instrument(code, instrument.DefaultOptions("amd64"))
	if err != nil {
		t.Fatal(err)
	}
	safe, err := instrument.Instrument(code, instrument.DefaultOptions("arm64"))
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []byte{0x6f, 0x70, 0x81, 0x82} {
		if m, _ := binary.Decode(safe.Code, binary.DefaultLimits()); countOpcode(m, binary.Opcode(op)) > 0 {
			t.Errorf("there still is the instruction %#x", op)
		}
	}
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	a, errA := m.start(t, plain)
	b, errB := m.start(t, safe)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	interesting := []uint64{
		0, 1, 2, 3, 7, 10, 1 << 31, 1<<31 - 1, 1 << 32, 1<<32 - 1, 1 << 63, 1<<63 - 1,
		math.MaxUint64, math.MaxUint64 - 1, 0x123456789abcdef,
	}
	for _, name := range []string{"i32s", "i32u", "i64s", "i64u"} {
		for _, x := range interesting {
			for _, y := range interesting {
				want, errA := a.ExportedFunction(name).Call(context.Background(), x, y)
				got, errB := b.ExportedFunction(name).Call(context.Background(), x, y)
				if (errA == nil) != (errB == nil) || errA == nil && want[0] != got[0] {
					t.Errorf("%s(%#x, %#x): plain %v %v, safe %v %v", name, x, y, want, errA, got, errB)
				}
				if errA != nil && !strings.Contains(errB.Error(), "integer divide by zero") {
					t.Errorf("%s(%#x, %#x): %v", name, x, y, errB)
				}
			}
		}
	}
}

func countOpcode(m *binary.Module, op binary.Opcode) int {
	n := 0
	var in binary.Instruction
	for i := range m.Bodies {
		for w := m.Walk(i); w.Next(&in); {
			if in.Op == op {
				n++
			}
		}
	}
	return n
}

// TestInputIsKept holds that the module given is not written to.
func TestInputIsKept(t *testing.T) {
	code := text(t, bulkModule())
	before := bytes.Clone(code)
	prepare(t, code)
	if !bytes.Equal(code, before) {
		t.Error("the module was changed")
	}
}
