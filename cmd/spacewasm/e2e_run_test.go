package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What follows FILE is the guest's; streams, environment and status pass through.
func TestE2ERun(t *testing.T) {
	module := probe(t)
	for name, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		want   string
	}{
		"arguments": {args: []string{"a b", "", "c"}, want: "a b||c\n"},
		"flags":     {args: []string{"x", "--dir", "y", "--help", "-v", "--", "--nothing"}, want: "x|--dir|y|--help|-v|--|--nothing\n"},
		"flag only": {args: []string{"--help"}, want: "--help\n"},
		"stdin":     {args: []string{"cat"}, stdin: strings.Repeat("line\n", 50_000), want: strings.Repeat("line\n", 50_000)},
		"env":       {args: []string{"env", "PROBE"}, want: "from outside\n"},
		"status 7":  {args: []string{"exit", "7"}, status: 7},
		"status 0":  {args: []string{"exit", "0"}},
		// of which Unix keeps eight bits, all zero
		"status 256": {args: []string{"exit", "256"}, status: 1},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs := console(t, c.status, c.stdin, append([]string{"run", module}, c.args...)...)
			if out != c.want {
				t.Errorf("standard output %.200q, want %.200q", out, c.want)
			}
			if errs != "" {
				t.Errorf("standard error %q", errs)
			}
		})
	}
}

// A guest that crashes is an error of run, which says so.
func TestE2ERunFails(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, code []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, code, 0o600))
		return path
	}
	_, errs := console(t, 1, "", "run", file("trap.wasm", guest("trap")))
	contains(t, errs, "trap.wasm", "unreachable")
	_, errs = console(t, 1, "", "run", file("text.wasm", []byte("no module")))
	contains(t, errs, "text.wasm", "not a WebAssembly")
	_, errs = console(t, 1, "", "run", filepath.Join(dir, "missing.wasm"))
	contains(t, errs, "missing.wasm")
	console(t, 2, "", "run")
	console(t, 2, "", "run", "--nothing", file("trap.wasm", guest("trap")))
}

// A guest changes the folders of --dir, and sees no others.
func TestE2ERunDir(t *testing.T) {
	module, dir, outside := probe(t), t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "in"), []byte("text"), 0o600))
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	must(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link")))
	console(t, 0, "", "run", "--dir", dir+":/work", module, "copy", "/work/in", "/work/out")
	if got := string(read(t, filepath.Join(dir, "out"))); got != "text" {
		t.Errorf("the copy holds %q", got)
	}
	console(t, 0, "", "run", "--dir="+dir, module, "copy", filepath.Join(dir, "in"), filepath.Join(dir, "out2"))
	for _, from := range []string{
		filepath.Join(outside, "secret"), "/work/../" + outside + "/secret", "/work/link", "/etc/passwd", "../../../../etc/passwd",
	} {
		console(t, 1, "", "run", "--dir", dir+":/work", module, "copy", from, "/work/stolen")
	}
	console(t, 1, "", "run", module, "copy", filepath.Join(dir, "in"), filepath.Join(dir, "out3"))
	console(t, 1, "", "run", "--dir", dir+":/work", module, "copy", "/work/in", filepath.Join(outside, "new"))
	if names := glob(t, dir, "stolen"); len(names) > 0 {
		t.Error("the guest read what lies outside")
	}
	if names := glob(t, outside, "*"); len(names) != 1 {
		t.Errorf("the guest wrote outside: %v", names)
	}
}
