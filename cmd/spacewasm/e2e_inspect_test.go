package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// saying is a module with a section that says by whom it was made; a name may
// hold anything.
func saying(code []byte, language, tool string) []byte {
	word := func(s string) string { return string(rune(len(s))) + s }
	content := word("producers") + "\x02" + word("language") + "\x01" + word(language) + word("") +
		word("processed-by") + "\x01" + word(tool) + word("1.2")
	return slices.Concat(code, []byte{0}, []byte(word(content)))
}

// What a module needs and lacks is explained with the flags of its compiler, also
// where it cannot be read, and so does a push say it.
func TestE2EInspect(t *testing.T) {
	folder := t.TempDir()
	file := func(code []byte) string {
		path := filepath.Join(folder, "main.wasm")
		must(t, os.WriteFile(path, code, 0o600))
		return path
	}
	out, _ := console(t, 0, "", "inspect", file(guest("wizer")))
	contains(t, out, "seeded     the initialiser drew randomness: all requests have the same of it")
	out, _ = console(t, 0, "", "inspect", file(guest("wait")))
	contains(t, out, "proposals  threads")

	rust := saying(guest("noentry"), "Rust", "rustc")
	out, _ = console(t, 1, "", "inspect", file(rust))
	contains(t, out, "language   Rust, compiled by rustc 1.2", "contract   none", "to change: the module has no entry point", "--target wasm32-wasip1")
	s := serveData(t, filepath.Join(t.TempDir(), "data"))
	_, errs := s.console(1, "push", "--app", "rust", file(rust))
	contains(t, errs, "no entry point", "--target wasm32-wasip1")

	out, _ = console(t, 1, "", "inspect", file(saying([]byte("\x00asm\x0d\x00\x01\x00"), "Rust", "rustc")))
	contains(t, out, "Rust", "to change: offset 0x4: this is a WebAssembly component", "in place of wasm32-wasip2")
	if strings.Contains(out, "contract ") || strings.Contains(out, "proposals") {
		t.Errorf("of a component is said what is of modules:\n%s", out)
	}
	_, errs = console(t, 1, "", "inspect", file([]byte("hello, world")))
	contains(t, errs, "not a WebAssembly module")
}

// What a module says of itself does nothing to the terminal that shows it.
func TestE2EInspectHostileWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.wasm")
	must(t, os.WriteFile(path, saying(guest("hello"), "\x1b[2J\u202ex\n", "\x07\x1b]0;t"), 0o600))
	for _, args := range [][]string{{"inspect", path}, {"inspect", "--json", path}} {
		out, _ := console(t, 0, "", args...)
		contains(t, out, "?[2J?x?", "??]0;t 1.2")
		if bytes.ContainsAny([]byte(out), "\x1b\x07") || strings.Contains(out, "\u202e") {
			t.Errorf("it is shown as %q", out)
		}
	}
	out, _ := console(t, 0, "", "inspect", "--json", path)
	var report struct {
		Language  string
		Proposals []string
		Sizes     struct{ File, Code int }
	}
	must(t, json.Unmarshal([]byte(out), &report))
	if report.Language == "" || report.Sizes.Code == 0 || report.Sizes.File <= report.Sizes.Code {
		t.Errorf("the report is %+v", report)
	}
}
