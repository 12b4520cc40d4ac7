package binary_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// TestFeatures holds that each proposal is told by what is its own, and that nothing else counts as one.
func TestFeatures(t *testing.T) {
	types := func(types ...byte) []byte { return module(section(1, types)) }
	for _, test := range []struct {
		name, want string
		module     []byte
	}{
		{"nothing", "", code(0x01)},
		{"what the first version has", "", code(0x41, 1, 0x41, 2, 0x6a, 0x1a, 0x10, 0, 0x11, 0, 0, 0x28, 2, 0, 0x3f, 0, 0xbf)},
		{"memory.copy", "bulk-memory", code(0xfc, 10, 0, 0)},
		{"table.copy", "bulk-memory", code(0xfc, 14, 0, 0)},
		{"a data count", "bulk-memory", module(section(12, []byte{0}))},
		{"a passive segment", "bulk-memory", module(section(11, []byte{1, 1, 0}))},
		{"a passive element segment", "bulk-memory", module(section(9, []byte{1, 1, 0, 0}))},
		{"a constant sum", "extended-const", module(section(6, []byte{1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}))},
		{"two results", "multi-value", types(1, 0x60, 0, 2, 0x7f, 0x7f)},
		{"a block with a parameter", "multi-value", module(
			section(1, []byte{2, 0x60, 0, 0, 0x60, 1, 0x7f, 0}), section(3, []byte{1, 0}),
			section(10, []byte{1}, sized([]byte{0, 0x41, 0, 0x02, 1, 0x1a, 0x0b, 0x0b})),
		)},
		{"an imported mutable global", "mutable-globals", module(section(2, []byte{1, 0, 0, 3, 0x7f, 1}))},
		{"an exported mutable global", "mutable-globals", module(
			section(6, []byte{2, 0x7f, 0, 0x41, 0, 0x0b, 0x7f, 1, 0x41, 0, 0x0b}), section(7, []byte{1, 0, 3, 1}),
		)},
		{"an exported constant global", "", module(
			section(6, []byte{2, 0x7f, 0, 0x41, 0, 0x0b, 0x7f, 1, 0x41, 0, 0x0b}), section(7, []byte{1, 0, 3, 0}),
		)},
		{"a saturating conversion", "nontrapping-float-to-int", code(0xfc, 7)},
		{"table.grow", "reference-types", code(0xfc, 15, 0)},
		{"table.get", "reference-types", code(0x25, 0)},
		{"select with a type", "reference-types", code(0x1c, 1, 0x7f)},
		{"ref.is_null", "reference-types", code(0xd1)},
		{"externref", "reference-types", types(1, 0x60, 1, 0x6f, 0)},
		{"two tables", "reference-types", module(section(4, []byte{2, 0x70, 0, 1, 0x70, 0, 1}))},
		{"a vector", "simd", types(1, 0x60, 1, 0x7b, 0)},
		{"a vector instruction", "simd", code(0xfd, 0x0e)},
		{"i32.extend8_s", "sign-extension", code(0xc0)},
		{"i64.extend32_s", "sign-extension", code(0xc4)},
		{"return_call", "tail-call", code(0x12, 0)},
		{"return_call_indirect", "tail-call", code(0x13, 0, 0)},
		{"a shared memory", "threads", module(section(5, []byte{1, 3, 1, 1}))},
		{"a fence", "threads", code(0xfe, 3, 0)},
		{
			"all of them", "bulk-memory extended-const multi-value mutable-globals nontrapping-float-to-int " +
				"reference-types simd tail-call threads",
			rich(),
		},
	} {
		o, err := binary.Scan(test.module, binary.DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if got := strings.Join(o.Features.Names(), " "); got != test.want {
			t.Errorf("%s: it uses %q, want %q", test.name, got, test.want)
		}
	}
}

// TestFeaturesThatAreLacking holds that a module is refused with the name of the proposal for which it is.
func TestFeaturesThatAreLacking(t *testing.T) {
	for _, test := range []struct {
		name, want string
		module     []byte
	}{
		{"no proposal's", "", code(0xff)},
		{"small pages", "custom-page-sizes", module(section(5, []byte{1, 8, 1, 0}))},
		{"a tag section", "exception-handling", module(section(13))},
		{"an exported tag", "exception-handling", module(section(7, []byte{1, 0, 4, 0}))},
		{"try", "exception-handling", code(0x06, 0x40)},
		{"throw_ref", "exception-handling", code(0x0a)},
		{"exnref", "exception-handling", module(section(1, []byte{1, 0x60, 1, 0x69, 0}))},
		{"call_ref", "function-references", code(0x14, 0)},
		{"a reference to a type", "function-references", module(section(1, []byte{1, 0x60, 1, 0x64, 0, 0}))},
		{"struct.new", "gc", code(0xfb, 0)},
		{"a struct", "gc", module(section(1, []byte{1, 0x5f, 0, 0}))},
		{"a table of anyref", "gc", module(section(4, []byte{1, 0x6e, 0, 1}))},
		{"a 64-bit memory", "memory64", module(section(5, []byte{1, 4, 1}))},
		{"a 64-bit table", "memory64", module(section(4, []byte{1, 0x70, 4, 1}))},
		{"two memories", "multi-memory", module(section(5, []byte{2, 0, 1, 0, 1}))},
		{"a load from a memory", "multi-memory", code(0x28, 0x42, 1, 0)},
		{"memory.grow of the second", "multi-memory", code(0x40, 1)},
		{"relaxed SIMD", "relaxed-simd", code(0xfd, 0x80, 2)},
		{"i64.add128", "wide-arithmetic", code(0xfc, 0x13)},
	} {
		_, err := binary.Scan(test.module, binary.DefaultLimits())
		fault, ok := errors.AsType[*binary.Error](err)
		if !ok || fault.Code != binary.Malformed {
			t.Errorf("%s: got %v", test.name, err)
		} else if got := strings.Join(fault.Lacks.Names(), " "); got != test.want {
			t.Errorf("%s: it lacks %q, want %q", test.name, got, test.want)
		}
	}
}

// TestFeaturesUpToAFault holds that what was met before a fault is told.
func TestFeaturesUpToAFault(t *testing.T) {
	_, err := binary.Scan(code(0xc0, 0xfc, 10, 0, 0, 0x1f, 0xd1), binary.DefaultLimits())
	fault, ok := errors.AsType[*binary.Error](err)
	if !ok || strings.Join(fault.Used.Names(), " ") != "bulk-memory sign-extension" {
		t.Errorf("got %+v", fault)
	}
}

// TestFeaturesOfCompilers looks at what compilers use, in modules that wazero carries.
func TestFeaturesOfCompilers(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"imports/wasi_snapshot_preview1/testdata/tinygo/wasi.wasm":     "bulk-memory sign-extension",
		"imports/wasi_snapshot_preview1/testdata/cargo-wasi/wasi.wasm": "bulk-memory sign-extension",
		"experimental/testdata/pthread.wasm":                           "bulk-memory mutable-globals threads",
	} {
		module, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), file))
		if err != nil {
			t.Fatal(err)
		}
		o, err := binary.Scan(module, binary.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(o.Features.Names(), " "); got != want {
			t.Errorf("%s uses %q, want %q", file, got, want)
		}
	}
}
