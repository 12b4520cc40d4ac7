package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

const (
	answers42 = `(module $named (memory 1) (data (i32.const 0) "x") (func $answer (export "answer") (result i32) (i32.const 42)))`
	answers43 = `(module $named (memory 1) (data (i32.const 0) "x") (func $answer (export "answer") (result i32) (i32.const 43)))`
)

// TestStub holds that a stub has all of its module but the code, and that two modules that differ in their code alone do
// not have the same. T1.
func TestStub(t *testing.T) {
	one, other := prepare(t, text(t, answers42)), prepare(t, text(t, answers43))
	if !bytes.Equal(one.Stub([32]byte{}), other.Stub([32]byte{})) {
		t.Error("the modules do not differ in their code alone")
	}
	if bytes.Equal(one.Stub([32]byte{1}), one.Stub([32]byte{2})) {
		t.Error("stubs for different digests are the same")
	}
	m := newMachine(t, wazero.NewRuntimeConfigCompiler())
	whole, err := m.start(t, one)
	if err != nil {
		t.Fatal(err)
	}
	results, err := whole.ExportedFunction(instrument.WholeExport).Call(context.Background())
	if err != nil || results[0] != 1 {
		t.Errorf("the whole module: %v, %v", results, err)
	}
	stub := *one
	stub.Code = one.Stub([32]byte{1})
	hollow, err := m.start(t, &stub)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{instrument.WholeExport, "answer"} {
		_, err := hollow.ExportedFunction(name).Call(context.Background())
		if err == nil || !strings.Contains(err.Error(), "unreachable") || !strings.Contains(err.Error(), "named.$") {
			t.Errorf("%s of a stub: %v", name, err)
		}
	}
	if name := one.Names[2]; name != "answer" { // behind yield and stack_exhausted
		t.Errorf("the function is called %q", name)
	}
}

// TestStubIsRefused holds that a stub is no module that anybody can deploy. T1.
func TestStubIsRefused(t *testing.T) {
	stub := prepare(t, text(t, answers42)).Stub([32]byte{1})
	mark := stub[len(stub)-len("\x00\x2f\x0espacewasm:stub")-32:] // its section is the last, and short
	for name, code := range map[string][]byte{"a stub": stub, "a module with its mark": append(text(t, answers42), mark...)} {
		_, err := instrument.Instrument(code, instrument.DefaultOptions("amd64"))
		refused, ok := errors.AsType[*instrument.RefusedError](err)
		if !ok || !strings.Contains(refused.Reason, "reserved for the platform") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
