package wasi_test

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Byte helpers that build modules whose faults no committed guest has.

// section is a section with its size; a vector's number of elements is part of it.
func section(id byte, parts ...[]byte) []byte {
	return slices.Concat([]byte{id}, sized(slices.Concat(parts...)))
}

func sized(content []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(content))), content...)
}

func text(s string) []byte { return sized([]byte(s)) }

// assemble is a module of the given sections.
func assemble(sections ...[]byte) []byte {
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...))
}

// madeBy is a module's own word for its making, "language tool version", each of
// which may be "-" for none.
func madeBy(saying string) []byte {
	words := strings.SplitN(saying, " ", 3)
	var fields [][]byte
	if words[0] != "-" {
		fields = append(fields, slices.Concat(text("language"), []byte{1}, text(words[0]), text("")))
	}
	if len(words) > 1 {
		fields = append(fields, slices.Concat(text("processed-by"), []byte{1}, text(strings.ReplaceAll(words[1], "~", " ")), text(words[2])))
	}
	return section(0, text("producers"), []byte{byte(len(fields))}, slices.Concat(fields...))
}

// command is a whole command that may import functions of type () -> (), named
// "module name".
func command(imports ...string) []byte { return exporting([]string{"_start"}, imports...) }

// exporting is a module with a memory and one function, exported under the names.
func exporting(names []string, imports ...string) []byte {
	var wants, gives []byte
	for _, i := range imports {
		module, name, _ := strings.Cut(i, " ")
		wants = slices.Concat(wants, text(module), text(name), []byte{0, 0})
	}
	for _, name := range names {
		gives = slices.Concat(gives, text(name), []byte{0, byte(len(imports))})
	}
	gives = slices.Concat(gives, text("memory"), []byte{2, 0})
	return assemble(
		section(1, []byte{1, 0x60, 0, 0}),
		section(2, []byte{byte(len(imports))}, wants),
		section(3, []byte{1, 0}),
		section(5, []byte{1, 0, 1}),
		section(7, []byte{byte(len(names) + 1)}, gives),
		section(10, []byte{1, 2, 0, 0x0b}),
	)
}
