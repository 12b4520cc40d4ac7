package binary

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	magic        = "\x00asm"
	preambleSize = 8 // magic, then version: 16 bits of version and 16 of layer
)

// checkPreamble tells whether the file begins as a core module of version 1 does (core specification 5.5.16; for the
// layer, the component model's Binary.md).
func checkPreamble(file []byte) *Error {
	if !bytes.HasPrefix(file, []byte(magic)) {
		if len(file) > 0 && bytes.HasPrefix([]byte(magic), file) {
			return &Error{Message: "the file ends within its first four bytes", Code: Truncated}
		}
		return &Error{Message: "not a WebAssembly module: the file " + resemblance(file), Code: NotWasm}
	}
	if len(file) < preambleSize {
		return &Error{Offset: len(file), Message: "the file ends before the version", Code: Truncated}
	}
	version, layer := binary.LittleEndian.Uint16(file[4:]), binary.LittleEndian.Uint16(file[6:])
	if layer == 1 {
		return &Error{Offset: 4, Message: "this is a WebAssembly component, not a core module", Code: Component}
	}
	if version != 1 || layer != 0 {
		message := fmt.Sprintf("unknown WebAssembly version %d, layer %d: only version 1, layer 0 exists", version, layer)
		return &Error{Offset: 4, Message: message, Code: Version}
	}
	return nil
}

// resemblance says what a file that is no module looks like, so that its sender sees what was picked by mistake.
func resemblance(file []byte) string {
	if len(file) == 0 {
		return "is empty"
	}
	for _, known := range []struct{ prefix, what string }{
		{"\x1f\x8b", "is compressed with gzip"},
		{"\x28\xb5\x2f\xfd", "is compressed with zstd"},
		{"PK\x03\x04", "is a zip archive"},
		{"\x7fELF", "is a native Linux program or library (ELF)"},
		{"\xfe\xed\xfa\xce", "is a native macOS program (Mach-O)"},
		{"\xfe\xed\xfa\xcf", "is a native macOS program (Mach-O)"},
		{"\xce\xfa\xed\xfe", "is a native macOS program (Mach-O)"},
		{"\xcf\xfa\xed\xfe", "is a native macOS program (Mach-O)"},
		{"\xca\xfe\xba\xbe", "is a universal macOS program (Mach-O) or a Java class"},
		{"MZ", "is a native Windows program (PE)"},
		{"!<arch>\n", "is a static library or a Go package archive"},
		{"BC\xc0\xde", "is LLVM bitcode"},
		{"#!", "is a script"},
	} {
		if bytes.HasPrefix(file, []byte(known.prefix)) {
			return known.what
		}
	}
	if isText(file) {
		return "is WebAssembly text; wat2wasm makes a module of it"
	}
	return "does not begin with \\0asm"
}

// isText tells whether the file looks like the text format: it begins with a list or a comment, and soon has a module.
func isText(file []byte) bool {
	const look = 4096
	head := bytes.TrimSpace(file[:min(len(file), look)])
	return len(head) > 0 && (head[0] == '(' || head[0] == ';') && bytes.Contains(head, []byte("(module"))
}
