package wasi_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
)

// script is a test of the WebAssembly specification, as wast2json leaves it.
type script struct {
	Commands []struct {
		Type     string `json:"type"`
		Filename string `json:"filename"`
		Text     string `json:"text"`
	} `json:"commands"`
}

// corpus returns the folder of wazero's source, which holds the specification's
// tests and much else in WebAssembly.
func corpus(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skipf("wazero's source is not in the module cache: %v", err)
	}
	return dir
}

// allowedSince are modules that version 1 of the specification calls invalid and
// version 2 does not: more than one result, more than one table, and branch
// tables of unreachable code.
func allowedSince(name string) bool {
	switch name {
	case "v1/func.20.wasm", "v1/func.21.wasm", "v1/type.3.wasm", "v1/type.4.wasm", "v1/imports.49.wasm",
		"v1/unreached-invalid.87.wasm":
		return true
	}
	return false
}

// The check of an upload, which is the scan and then the engine's validation,
// judges as the specification's own tests do. Stock wazero v1.12.0 takes eight
// invalid ones; the scan refuses them.
func TestSpecification(t *testing.T) {
	engine, err := wasi.New(t.Context(), wasi.Config{})
	must(t, err)
	defer func() { must(t, engine.Close(t.Context())) }()
	good, bad := 0, 0
	for _, suite := range []string{"v1", "v2", "extended-const", "tail-call", "threads"} {
		dir := filepath.Join(corpus(t), "internal/integration_test/spectest", suite, "testdata")
		for _, path := range glob(t, dir, "*.json") {
			g, b := judge(t, engine, suite, path)
			good, bad = good+g, bad+b
		}
	}
	t.Logf("%d good modules, %d bad ones", good, bad)
	if good < 2500 || bad < 4500 {
		t.Errorf("%d good and %d bad modules are not all of them", good, bad)
	}
}

// judge checks the modules of one script.
func judge(t *testing.T, engine *wasi.Engine, suite, path string) (good, bad int) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	var s script
	must(t, json.Unmarshal(text, &s))
	for _, command := range s.Commands {
		if !strings.HasSuffix(command.Filename, ".wasm") {
			continue
		}
		code, err := os.ReadFile(filepath.Join(filepath.Dir(path), command.Filename))
		must(t, err)
		_, err = engine.Inspect(code)
		if err == nil {
			err = engine.Validate(t.Context(), code)
		}
		name := suite + "/" + command.Filename
		switch command.Type {
		case "module", "assert_trap", "assert_unlinkable", "assert_uninstantiable":
			good++
			if err != nil {
				t.Errorf("%s: a good module is refused: %v", name, err)
			}
		case "assert_malformed", "assert_invalid":
			bad++
			if (err == nil) != allowedSince(name) {
				t.Errorf("%s: got %v for a module with %q", name, err, command.Text)
			}
		}
	}
	return good, bad
}

// Whatever a file ending in .wasm holds, the check of an upload says yes or no.
func TestCorpusDoesNotPanic(t *testing.T) {
	engine, err := wasi.New(t.Context(), wasi.Config{})
	must(t, err)
	defer func() { must(t, engine.Close(t.Context())) }()
	n := 0
	must(t, filepath.WalkDir(corpus(t), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".wasm") {
			return err
		}
		n++
		code, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		report, err := engine.Inspect(code)
		if err == nil && len(report.Faults) == 0 {
			err = engine.Validate(t.Context(), code)
		}
		if _, ok := errors.AsType[*wasi.RefusedError](err); err != nil && !ok {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	}))
	if n < 7_900 {
		t.Errorf("there are %d modules only", n)
	}
}
