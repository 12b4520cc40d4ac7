package wasitest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// TestGuestsMatchSources builds every source anew and compares it with the committed module.
func TestGuestsMatchSources(t *testing.T) {
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Skip("wat2wasm (of wabt) is not in PATH: cannot tell whether the guests match their sources")
	}
	texts, err := filepath.Glob("guests/*.wat")
	if err != nil {
		t.Fatal(err)
	}
	programs, err := filepath.Glob("guests/*.c")
	if err != nil || len(texts)+len(programs) != len(wasitest.Guests()) {
		t.Fatalf("%d and %d sources for %d guests: %v", len(texts), len(programs), len(wasitest.Guests()), err)
	}
	for _, text := range texts {
		name := strings.TrimSuffix(filepath.Base(text), ".wat")
		out := filepath.Join(t.TempDir(), name+".wasm")
		build := exec.Command(wat2wasm, "--enable-threads", "-o", out, filepath.Join("guests", name+".wat"))
		if message, err := build.CombinedOutput(); err != nil {
			t.Errorf("build %s: %v\n%s", name, err, message)
			continue
		}
		built, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(built, wasitest.Guest(name)) {
			t.Errorf("%s.wasm is not what %s.wat says: run make guests", name, name)
		}
	}
}

// TestProgramsMatchSources holds that a module of C asks for what its source makes it ask for. The code differs from
// compiler to compiler.
func TestProgramsMatchSources(t *testing.T) {
	if _, err := exec.LookPath("clang"); err != nil {
		t.Skip("clang is not in PATH")
	}
	programs, err := filepath.Glob("guests/*.c")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		name := strings.TrimSuffix(filepath.Base(program), ".c")
		out := filepath.Join(t.TempDir(), name+".wasm")
		build := exec.Command("clang", "--target=wasm32-wasi", "-Os", "-Wall", "-Werror", "-Wl,--strip-all", "-o", out, program)
		if message, err := build.CombinedOutput(); err != nil {
			t.Errorf("build %s: %v\n%s", name, err, message)
			continue
		}
		built, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := imports(t, wasitest.Guest(name)), imports(t, built); !slices.Equal(got, want) {
			t.Errorf("%s.wasm imports %v, its source %v: run make guests", name, got, want)
		}
	}
}

// imports are the names of what a module imports, sorted.
func imports(t *testing.T, module []byte) []string {
	t.Helper()
	o, err := binary.Scan(module, binary.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range o.Imports {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}

// TestGuestsScan holds that the guests are well-formed, and that each has the entry point of its contract.
func TestGuestsScan(t *testing.T) {
	entries := map[string]string{"noentry": "run", "reactor": "handle_request", "handler": "handle_request", "badhandler": "handle_request", "count": "handle_request", "preview1": "fd_read"}
	for _, name := range wasitest.Guests() {
		o, err := binary.Scan(wasitest.Guest(name), binary.DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		entry := entries[name]
		if entry == "" {
			entry = "_start"
		}
		if _, ok := o.ExportedFunc(entry); !ok {
			t.Errorf("%s exports no %s", name, entry)
		}
		if _, ok := o.Exported("memory", binary.KindMemory); !ok {
			t.Errorf("%s exports no memory", name)
		}
	}
}

func TestGuestPanicsOnUnknownName(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	wasitest.Guest("no-such-guest")
}
