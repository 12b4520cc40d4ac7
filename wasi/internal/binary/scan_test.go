package binary_test

import (
	"reflect"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

func TestScanOutline(t *testing.T) {
	got, err := binary.Scan(rich(), binary.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]any{
		"types": {got.Types, []binary.FuncType{
			{}, {Params: []binary.ValType{binary.I32, binary.I64}, Results: []binary.ValType{binary.V128}},
		}},
		"imports": {got.Imports, []binary.Import{
			{Module: "env", Name: "f", Kind: binary.KindFunc, Func: 1},
			{Module: "env", Name: "t", Kind: binary.KindTable, Table: binary.TableType{
				Elem: binary.FuncRef, Min: 2, Max: 9, HasMax: true,
			}},
			{Module: "env", Name: "g", Kind: binary.KindGlobal, Global: binary.GlobalType{Type: binary.F64, Mutable: true}},
		}},
		"exports": {got.Exports, []binary.Export{
			{Name: "f", Kind: binary.KindFunc, Index: 0},
			{Name: "_start", Kind: binary.KindFunc, Index: 1},
			{Name: "gone", Kind: binary.KindFunc, Index: 7},
			{Name: "memory", Kind: binary.KindMemory, Index: 0},
		}},
		"memories":      {got.Memories, []binary.MemoryType{{Min: 1, Max: 3, HasMax: true, Shared: true}}},
		"tables":        {got.Tables, []binary.TableType{{Elem: binary.ExternRef, Min: 5}}},
		"functions":     {got.Functions, 1},
		"globals":       {got.Globals, binary.Globals{Count: 3, Mutable: 2, MutableReference: true, MutableVector: true}},
		"elements":      {got.Elements, 2},
		"data segments": {got.DataSegments, 3},
		"start":         {got.HasStart, true},
		"data count":    {got.HasDataCount, true},
		"customs":       {got.Customs, []binary.Custom{{Name: "name", Size: 6}, {Name: "other", Size: 2}}},
		"module name":   {got.ModuleName, "abc"},
	}
	for what, pair := range want {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: got %+v, want %+v", what, pair[0], pair[1])
		}
	}
	checkLookups(t, got)
}

func checkLookups(t *testing.T, o *binary.Outline) {
	t.Helper()
	if f, ok := o.ExportedFunc("f"); !ok || len(f.Params) != 2 {
		t.Errorf("exported import: got %v, %v", f, ok)
	}
	if f, ok := o.ExportedFunc("_start"); !ok || len(f.Params) != 0 {
		t.Errorf("_start: got %v, %v", f, ok)
	}
	for _, name := range []string{"gone", "memory", "missing"} {
		if f, ok := o.ExportedFunc(name); ok {
			t.Errorf("%s: got the function %v", name, f)
		}
	}
	if m, ok := o.Memory(); !ok || m.Min != 1 {
		t.Errorf("memory: got %v, %v", m, ok)
	}
}

// rich is a module that has every section and every kind of segment.
func rich() []byte {
	return module(
		section(0, name("name"), []byte{0, 4}, name("abc")),
		section(1, []byte{2, 0x60, 0, 0, 0x60, 2, 0x7f, 0x7e, 1, 0x7b}),
		section(2, []byte{3},
			name("env"), name("f"), []byte{0, 1},
			name("env"), name("t"), []byte{1, 0x70, 1, 2, 9},
			name("env"), name("g"), []byte{3, 0x7c, 1}),
		section(3, []byte{1, 0}),
		section(4, []byte{1, 0x6f, 0, 5}),
		section(5, []byte{1, 3, 1, 3}),
		section(6, []byte{
			3,
			0x70, 1, 0xd2, 0, 0x0b, // a mutable funcref: ref.func 0
			0x7b, 1, 0xfd, 0x0c,
		}, rep(16, 1), []byte{0x0b, // a mutable v128: v128.const
			0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}), // an i32: 1 + 2
		section(7, []byte{4}, name("f"), []byte{0, 0}, name("_start"), []byte{0, 1},
			name("gone"), []byte{0, 7}, name("memory"), []byte{2, 0}),
		section(8, []byte{1}),
		section(9, []byte{
			2,
			0, 0x41, 0, 0x0b, 2, 0, 0, // active, two functions
			5, 0x70, 1, 0xd0, 0x70, 0x0b,
		}), // passive, one expression
		section(12, []byte{3}),
		section(10, []byte{1}, sized([]byte{0}, everything(), []byte{0x0b})),
		section(11, []byte{3, 0, 0x41, 0, 0x0b, 1, 'a', 1, 0, 2, 0, 0x41, 0, 0x0b, 1, 'b'}),
		section(0, name("other"), []byte{1, 2}),
	)
}

// everything has one instruction of each kind of operands. It is not well typed, which Scan does not look at.
func everything() []byte {
	return cat(
		[]byte{0x02, 0x40, 0x03, 0x7f, 0x04, 0x01, 0x05, 0x0b, 0x0b, 0x0b}, // block, loop, if, else
		[]byte{0x0e, 2, 0, 0, 0}, []byte{0x11, 0, 0}, []byte{0x12, 0}, []byte{0x13, 0, 0},
		[]byte{0x1c, 1, 0x7f}, []byte{0x28, 2, 4}, []byte{0x40, 0},
		[]byte{0x41, 0x7f}, []byte{0x42, 0x80, 0x7f}, []byte{0x43, 1, 2, 3, 4}, []byte{0x44, 1, 2, 3, 4, 5, 6, 7, 8},
		[]byte{0xd0, 0x6f, 0xd1, 0xd2, 0},
		[]byte{0xfc, 7, 0xfc, 8, 2, 0, 0xfc, 9, 2, 0xfc, 10, 0, 0, 0xfc, 11, 0, 0xfc, 12, 0, 1, 0xfc, 17, 0},
		[]byte{0xfd, 12}, rep(16, 9), []byte{0xfd, 0x15, 3, 0xfd, 0x54, 0, 1, 2, 0xfd, 0xff, 1},
		[]byte{0xfe, 3, 0, 0xfe, 0x10, 2, 0},
	)
}

func TestScanRefusesMalformedModules(t *testing.T) {
	for _, test := range malformed() {
		t.Run(test.name, func(t *testing.T) { checkRefusal(t, test) })
	}
}

func malformed() []refusal {
	oneType := section(1, []byte{1, 0x60, 0, 0})
	return []refusal{
		{"size beyond the file", binary.Truncated, "claims 5 bytes", module([]byte{1, 5, 1})},
		{"no size", binary.Truncated, "header of a section", module([]byte{1})},
		{"unknown section", binary.Malformed, "unknown section id 14", module(section(14))},
		{"tag section", binary.Malformed, "exception-handling", module(section(13))},
		{"same section twice", binary.Malformed, "twice", module(oneType, oneType)},
		{"out of order", binary.Malformed, "out of order", module(section(3, []byte{0}), section(1, []byte{0}))},
		{
			"data count after code", binary.Malformed, "out of order",
			module(section(10, []byte{0}), section(12, []byte{0})),
		},
		{"bytes left over", binary.Malformed, "left over", module(section(1, []byte{0, 0}))},
		{"bytes after the end", binary.Malformed, "left over", code(0x0b)},
		{"no end", binary.Malformed, "unexpected end", code(0x02, 0x40)},
		{"name is not UTF-8", binary.Malformed, "UTF-8", module(section(0, name("\xff")))},
		{"integer too long", binary.Malformed, "too long", module([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0})},
		{"integer too large", binary.Malformed, "too large", module([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x10})},
		{"signed too large", binary.Malformed, "too large", code(0x41, 0x80, 0x80, 0x80, 0x80, 0x70)},
		{"signed too long", binary.Malformed, "too long", code(0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0)},
		{"unknown type form", binary.Malformed, "form 0x5f", module(section(1, []byte{1, 0x5f, 0, 0}))},
		{"unknown value type", binary.Malformed, "value type 0x40", module(section(1, []byte{1, 0x60, 1, 0x40, 0}))},
		{"no such type", binary.Malformed, "no type 1", module(oneType, section(3, []byte{1, 1}))},
		{"unknown import kind", binary.Malformed, "kind", module(section(2, []byte{1, 0, 0, 9, 0}))},
		{"two memories", binary.Malformed, "more than one memory", module(section(5, []byte{2, 0, 1, 0, 1}))},
		{
			"a second memory", binary.Malformed, "more than one memory",
			module(section(2, []byte{1, 0, 0, 2, 0, 1}), section(5, []byte{1, 0, 1})),
		},
		{"memory of 5 GiB", binary.Malformed, "65536 pages", module(section(5, []byte{1, 0}, leb(80_000)))},
		{"memory64", binary.Malformed, "memory64", module(section(5, []byte{1, 4, 1}))},
		{"shared without maximum", binary.Malformed, "maximum", module(section(5, []byte{1, 2, 1}))},
		{"minimum above maximum", binary.Malformed, "above", module(section(5, []byte{1, 1, 3, 2}))},
		{"mutability", binary.Malformed, "mutability", module(section(6, []byte{1, 0x7f, 2, 0x41, 0, 0x0b}))},
		{
			"call as a constant", binary.Malformed, "constant expression",
			module(section(6, []byte{1, 0x7f, 0, 0x10, 0, 0x0b})),
		},
		{
			"vector add as a constant", binary.Malformed, "constant expression",
			module(section(6, []byte{1, 0x7b, 0, 0xfd, 0x6e, 0x0b})),
		},
		{"functions without code", binary.Malformed, "have a body", module(oneType, section(3, []byte{1, 0}))},
		{"code without functions", binary.Malformed, "have a body", module(section(10, []byte{1, 2, 0, 0x0b}))},
		{"data count is wrong", binary.Malformed, "data segments", module(section(12, []byte{1}))},
		{"no data count", binary.Malformed, "data count", code(0xfc, 9, 0)},
		{"else without if", binary.Malformed, "else", code(0x02, 0x40, 0x05, 0x0b)},
		{"two elses", binary.Malformed, "else", code(0x04, 0x40, 0x05, 0x05, 0x0b)},
		{"block type", binary.Malformed, "block type", code(0x02, 0x05, 0x0b)},
		{"alignment", binary.Malformed, "alignment", code(0x28, 0x40, 0)},
		{"a second memory in memory.grow", binary.Malformed, "zero byte", code(0x40, 1)},
		{"unknown opcode", binary.Malformed, "opcode 0xff", code(0xff)},
		{"unknown vector opcode", binary.Malformed, "0xfd 0x9a", code(0xfd, 0x9a, 1)},
		{"relaxed SIMD", binary.Malformed, "relaxed SIMD", code(0xfd, 0x80, 2)},
		{"try_table", binary.Malformed, "exception-handling", code(0x1f)},
		{"struct.new", binary.Malformed, "garbage collection", code(0xfb, 0)},
		{"call_ref", binary.Malformed, "typed function references", code(0x14, 0)},
	}
}

func TestScanTellsWhatAFileIs(t *testing.T) {
	for _, test := range []refusal{
		{"empty", binary.NotWasm, "empty", nil},
		{"gzip", binary.NotWasm, "gzip", []byte("\x1f\x8b\x08\x00")},
		{"zip", binary.NotWasm, "zip archive", []byte("PK\x03\x04rest")},
		{"ELF", binary.NotWasm, "Linux", []byte("\x7fELF\x02\x01")},
		{"Mach-O", binary.NotWasm, "macOS", []byte("\xcf\xfa\xed\xfe\x07")},
		{"PE", binary.NotWasm, "Windows", []byte("MZ\x90\x00")},
		{"script", binary.NotWasm, "script", []byte("#!/bin/sh\n")},
		{"text", binary.NotWasm, "wat2wasm", []byte(";; a comment\n(module)")},
		{"anything", binary.NotWasm, "does not begin", []byte("hello, world")},
		{"half a magic", binary.Truncated, "first four", []byte("\x00as")},
		{"no version", binary.Truncated, "before the version", []byte("\x00asm\x01")},
		{"version 2", binary.Version, "version 2", []byte("\x00asm\x02\x00\x00\x00")},
		{"component", binary.Component, "component", []byte("\x00asm\x0d\x00\x01\x00")},
	} {
		t.Run(test.name, func(t *testing.T) { checkRefusal(t, test) })
	}
}

// TestScanTruncated cuts a good module off at every byte. A part of it may only pass for a whole where a section ends
// and no body or segment that was announced is missing: after the preamble, the name, type and import sections, and
// the data.
func TestScanTruncated(t *testing.T) {
	const wholeParts = 5
	accepted, module := 0, rich()
	for n := range module {
		if _, err := binary.Scan(module[:n:n], binary.DefaultLimits()); err == nil {
			accepted++
		}
	}
	if accepted != wholeParts {
		t.Errorf("%d prefixes were accepted, want %d", accepted, wholeParts)
	}
}
