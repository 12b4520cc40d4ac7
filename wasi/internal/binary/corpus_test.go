package binary_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// script is a test of the WebAssembly specification, as wast2json leaves it.
type script struct {
	Commands []struct {
		Type       string `json:"type"`
		Filename   string `json:"filename"`
		ModuleType string `json:"module_type"`
		Line       int    `json:"line"`
		Text       string `json:"text"`
	} `json:"commands"`
}

// specDirectories returns the directories of specification tests that come with wazero, of the features that are
// scanned for. Those of exception handling and typed function references are left out.
func specDirectories(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	root := strings.TrimSpace(string(out))
	if err != nil || root == "" {
		t.Skipf("wazero's source is not in the module cache: %v", err)
	}
	var dirs []string
	for _, dir := range []string{"v1", "v2", "extended-const", "tail-call", "threads"} {
		dirs = append(dirs, filepath.Join(root, "internal/integration_test/spectest", dir, "testdata"))
	}
	return dirs
}

// TestScanSpecification runs Scan over the specification's own modules. No good one may be refused, and no malformed
// one accepted; invalid ones, which are well-formed and ill-typed, are up to the engine.
func TestScanSpecification(t *testing.T) {
	for _, dir := range specDirectories(t) {
		version := filepath.Base(filepath.Dir(dir))
		t.Run(version, func(t *testing.T) {
			scripts, err := filepath.Glob(filepath.Join(dir, "*.json"))
			if err != nil || len(scripts) == 0 {
				t.Fatalf("no tests in %s: %v", dir, err)
			}
			good, bad := 0, 0
			for _, path := range scripts {
				g, b := checkScript(t, path, version != "v1")
				good, bad = good+g, bad+b
			}
			t.Logf("%d good modules accepted, %d malformed ones refused", good, bad)
		})
	}
}

// checkScript scans the modules of one script. Some that were malformed in version 1 became well-formed in version 2,
// so that strict is for the later ones.
func checkScript(t *testing.T, path string, strict bool) (good, bad int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s script
	if err := json.Unmarshal(content, &s); err != nil {
		t.Fatal(err)
	}
	for _, command := range s.Commands {
		if !strings.HasSuffix(command.Filename, ".wasm") {
			continue
		}
		module, err := os.ReadFile(filepath.Join(filepath.Dir(path), command.Filename))
		if err != nil {
			t.Fatal(err)
		}
		_, err = binary.Scan(module, binary.DefaultLimits())
		switch command.Type {
		case "module", "assert_trap", "assert_unlinkable", "assert_uninstantiable":
			good++
			if err != nil {
				t.Errorf("%s: a good module was refused: %v", command.Filename, err)
			}
		case "assert_malformed":
			if err != nil {
				bad++
			} else if strict {
				t.Errorf("%s: a malformed module was accepted: %s", command.Filename, command.Text)
			}
		}
	}
	return good, bad
}
