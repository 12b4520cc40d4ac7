package binary_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// producer is a value of a field of the section "producers".
func producer(words ...string) []byte {
	var b []byte
	for _, word := range words {
		b = append(b, name(word)...)
	}
	return b
}

// made is a module that says of its making what one can say.
func made() []byte {
	return module(
		section(0, name(".debug_info"), rep(30, 1)),
		section(0, name(".debug_line"), rep(10, 1)),
		section(11, []byte{1, 0, 0x41, 0, 0x0b, 1, 'a'}),
		section(0, name("name"), []byte{0, 4}, name("abc")),
		section(0, name("producers"), []byte{3},
			name("language"), []byte{2}, producer("Rust", "", "C11", "11"),
			name("processed-by"), []byte{1}, producer("rustc", "1.84.0"),
			name("sdk"), []byte{1}, producer("other", "1")),
	)
}

func TestProvenance(t *testing.T) {
	want := binary.Provenance{
		Languages:  []binary.Producer{{Name: "Rust"}, {Name: "C11", Version: "11"}},
		Tools:      []binary.Producer{{Name: "rustc", Version: "1.84.0"}},
		Sections:   []string{".debug_info", ".debug_line", "name", "producers"},
		DebugBytes: 40, NameBytes: 6, DataBytes: 7,
	}
	if got := binary.ReadProvenance(made()); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	component := cat([]byte("\x00asm\x0d\x00\x01\x00"), section(1, module()), section(1, made()), section(7, []byte{1}))
	want = binary.Provenance{Languages: want.Languages, Tools: want.Tools}
	if got := binary.ReadProvenance(component); !reflect.DeepEqual(got, want) {
		t.Errorf("of a component: got %+v, want %+v", got, want)
	}
}

// TestProvenanceOfHostileModules holds that what is said in bad faith is bounded, and does no harm.
func TestProvenanceOfHostileModules(t *testing.T) {
	said := func(content ...[]byte) []byte { return module(section(0, name("producers"), cat(content...))) }
	nested := module(section(0, name("x")))
	const layer = 6
	for range 200 {
		nested = cat([]byte("\x00asm\x0d\x00\x01\x00"), section(1, nested))
	}
	long := name(strings.Repeat("x", 201))
	for what, module := range map[string][]byte{
		"nothing": nil, "half a preamble": []byte("\x00asm\x01"), "text": []byte("hello, world"),
		"a size beyond the end": module([]byte{0, 200, 1}), "no name": module(section(0)),
		"many fields":              said(leb(9), rep(100, 0)),
		"2^32-1 values":            said([]byte{1}, name("language"), leb(1<<32-1)),
		"33 values":                said([]byte{1}, name("language"), leb(33), rep(200, 0)),
		"a long name":              said([]byte{1}, name("language"), []byte{1}, long, name("")),
		"a long version":           said([]byte{1}, name("processed-by"), []byte{1}, name(""), long),
		"not UTF-8":                said([]byte{1}, name("language"), []byte{1}, name("\xff"), name("")),
		"an end too soon":          said([]byte{2}, name("language"), []byte{1}, name("C")),
		"components in components": nested,
	} {
		p := binary.ReadProvenance(module)
		if len(p.Languages) > 0 || len(p.Tools) > 0 {
			t.Errorf("%s: it is said to be of %v, by %v", what, p.Languages, p.Tools)
		}
	}
	if nested[layer] != 1 {
		t.Error("there is no component in components")
	}
	many := module(bytes.Repeat(section(0, name("x")), 10_000))
	if n := len(binary.ReadProvenance(many).Sections); n != 64 {
		t.Errorf("%d sections are named", n)
	}
}
