package binary_test

import "slices"

// Byte helpers that build modules for tests, good and hostile alike.

// leb is an unsigned LEB128 number.
func leb(n uint64) []byte {
	var b []byte
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func rep(n int, b ...byte) []byte { return slices.Repeat(b, n) }

// sized puts its own length before what it holds.
func sized(parts ...[]byte) []byte {
	content := cat(parts...)
	return cat(leb(uint64(len(content))), content)
}

func name(s string) []byte { return sized([]byte(s)) }

// section is the section id with the given content.
func section(id byte, parts ...[]byte) []byte { return cat([]byte{id}, sized(parts...)) }

// module is the preamble and the given sections.
func module(sections ...[]byte) []byte {
	return cat([]byte("\x00asm\x01\x00\x00\x00"), cat(sections...))
}

// names is a module with a name section of one part.
func names(id byte, content []byte) []byte {
	return module(section(0, name("name"), []byte{id}, sized(content)))
}

// command is a module with one function of type ()->() that has the given body: locals and instructions with their end.
func command(body ...[]byte) []byte {
	return module(section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0}), section(10, []byte{1}, sized(body...)))
}

// code is a command without locals; the end is added.
func code(instructions ...byte) []byte { return command([]byte{0}, instructions, []byte{0x0b}) }
