package wasitest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
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
	sources, err := filepath.Glob("guests/*.wat")
	if err != nil || len(sources) != len(wasitest.Guests()) {
		t.Fatalf("%d sources for %d guests: %v", len(sources), len(wasitest.Guests()), err)
	}
	for _, name := range wasitest.Guests() {
		out := filepath.Join(t.TempDir(), name+".wasm")
		build := exec.Command(wat2wasm, "-o", out, filepath.Join("guests", name+".wat"))
		if message, err := build.CombinedOutput(); err != nil {
			t.Errorf("build %s: %v\n%s", name, err, message)
			continue
		}
		built, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(built, wasitest.Guest(name)) {
			t.Errorf("%s.wasm is not what %s.wat says: run go generate", name, name)
		}
	}
}

// TestGuestsScan holds that the guests are well-formed, and that each has the entry point of its contract.
func TestGuestsScan(t *testing.T) {
	entries := map[string]string{"noentry": "run", "reactor": "handle_request", "preview1": "fd_read"}
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
