package binary_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// checkModule holds what anybody relies on who takes a module apart: an unchanged one is written as it was read, and
// its functions are walked to their last byte.
func checkModule(t *testing.T, code []byte) *binary.Module {
	t.Helper()
	m, err := binary.Decode(code, binary.DefaultLimits())
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !bytes.Equal(m.Encode(), code) {
		t.Fatal("the module that was read is not the one that is written")
	}
	if len(m.Bodies) != m.Outline.Functions || len(m.Data) != m.Outline.DataSegments ||
		len(m.Elements) != m.Outline.Elements || len(m.Globals) != m.Outline.Globals.Count {
		t.Fatalf("%d bodies, %d data, %d elements, %d globals: not what the outline %+v says",
			len(m.Bodies), len(m.Data), len(m.Elements), len(m.Globals), m.Outline)
	}
	for i, body := range m.Bodies {
		var in binary.Instruction
		w := m.Walk(i)
		var walked []byte
		for w.Next(&in) {
			walked = append(walked, in.Raw...)
			if in.Op == binary.OpBrTable && len(in.Labels()) == 0 {
				t.Fatalf("function %d: a br_table without a default", i)
			}
		}
		if !bytes.Equal(walked, body.Code) {
			t.Fatalf("function %d: %d of %d bytes were walked", i, len(walked), len(body.Code))
		}
	}
	return m
}

// TestDecodeSpecification takes all good modules of the specification's tests apart and puts them together again.
func TestDecodeSpecification(t *testing.T) {
	modules := 0
	for _, dir := range specDirectories(t) {
		paths, err := filepath.Glob(filepath.Join(dir, "*.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			code, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := binary.Scan(code, binary.DefaultLimits()); err == nil {
				modules++
				checkModule(t, code)
			}
		}
	}
	if modules < 2000 {
		t.Errorf("only %d modules were read", modules)
	}
}

func TestDecodeGoModule(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a Go guest")
	}
	m := checkModule(t, buildGo(t))
	if len(m.FunctionNames) < m.Outline.Functions/2 {
		t.Errorf("%d of %d functions have names", len(m.FunctionNames), m.Outline.Functions)
	}
}

// TestWalk reads the operands of one instruction of each shape.
func TestWalk(t *testing.T) {
	m := checkModule(t, code(
		0x41, 0x7f, 0x1a, // i32.const -1
		0x02, 0x40, 0x03, 0x7f, // block, loop (result i32)
		0x41, 0x00, 0x0e, 0x02, 0x00, 0x01, 0x80, 0x00, // br_table 0 1 (0 in two bytes)
		0x0b, 0x1a, 0x0b,
		0xfc, 0x0a, 0x00, 0x00, // memory.copy
		0x28, 0x02, 0x85, 0x01, // i32.load offset=133
		0x11, 0x03, 0x04, // call_indirect of type 3 in table 4
	))
	var got []binary.Instruction
	var in binary.Instruction
	for w := m.Walk(0); w.Next(&in); {
		got = append(got, in)
	}
	for i, want := range []struct {
		op            binary.Opcode
		value         int64
		index, second uint32
	}{
		{op: binary.OpI32Const, value: -1},
		{op: 0x1a},
		{op: binary.OpBlock, value: binary.BlockEmpty},
		{op: binary.OpLoop, value: -1},
		{op: binary.OpI32Const},
		{op: binary.OpBrTable},
		{op: binary.OpEnd},
		{op: 0x1a},
		{op: binary.OpEnd},
		{op: binary.OpMemoryCopy},
		{op: 0x28, second: 133},
		{op: binary.OpCallIndirect, index: 3, second: 4},
		{op: binary.OpEnd},
	} {
		if i >= len(got) || got[i].Op != want.op || got[i].Value != want.value || got[i].Index != want.index ||
			got[i].Second != want.second {
			t.Fatalf("instruction %d: got %+v, want %+v", i, got[i:], want)
		}
	}
	if labels := got[5].Labels(); len(labels) != 3 || labels[1] != 1 || labels[2] != 0 {
		t.Errorf("labels of the br_table: %v", labels)
	}
}

// TestModuleSet replaces, adds and removes sections.
func TestModuleSet(t *testing.T) {
	m := checkModule(t, module(
		section(0, name("first")), section(1, []byte{1, 0x60, 0, 0}), section(0, name("between")),
		section(7, []byte{0}), section(0, name("last"))))
	m.Set(binary.SectionMemory, []byte{1, 0, 1})
	m.Set(binary.SectionExport, nil)
	m.Set(binary.SectionDataCount, []byte{1})
	m.Set(binary.SectionData, []byte{1, 1, 0})
	m.Set(binary.SectionType, []byte{1, 0x60, 1, 0x7f, 0})
	m.Set(binary.SectionStart, nil)
	want := module(
		section(0, name("first")), section(1, []byte{1, 0x60, 1, 0x7f, 0}), section(0, name("between")),
		section(5, []byte{1, 0, 1}), section(0, name("last")), section(12, []byte{1}), section(11, []byte{1, 1, 0}))
	if got := m.Encode(); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	checkModule(t, want)
}

// TestFunctionNames reads the names of functions.
func TestFunctionNames(t *testing.T) {
	names := cat([]byte{0}, sized(name("m")), []byte{1}, sized([]byte{2, 7}, name("f"), []byte{0}, name("")))
	m := checkModule(t, module(section(0, name("other")), section(0, name("name"), names)))
	got := ""
	for _, n := range m.FunctionNames {
		got += fmt.Sprintf("%d:%s ", n.Index, n.Name)
	}
	if got != "7:f 0: " || m.Outline.ModuleName != "m" {
		t.Errorf("got %q of %q", got, m.Outline.ModuleName)
	}
}
