package binary_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

const huge = 1<<32 - 1

type refusal struct {
	name    string
	code    binary.Code
	message string // a part of it
	module  []byte
}

// hostile are the modules that kill or stall a naive host, in the decoder or the compiler.
func hostile() []refusal {
	return []refusal{
		{"2^32-1 locals", binary.TooLarge, "locals", command([]byte{1}, leb(huge), []byte{0x7f, 0x0b})},
		{
			"many runs of 2^32-1 locals", binary.TooLarge, "locals",
			command(leb(40_000), rep(40_000, cat(leb(huge), []byte{0x7f})...), []byte{0x0b}),
		},
		{"50,001 locals", binary.TooLarge, "50001 locals", command([]byte{1}, leb(50_001), []byte{0x7f, 0x0b})},
		{"2^32-1 params", binary.Malformed, "cannot fit", module(section(1, []byte{1, 0x60}, leb(huge)))},
		{
			"1,001 params", binary.TooLarge, "1001 parameters",
			module(section(1, []byte{1, 0x60}, leb(1001), rep(1001, 0x7f), []byte{0})),
		},
		{
			"1,001 results", binary.TooLarge, "1001 results",
			module(section(1, []byte{1, 0x60, 0}, leb(1001), rep(1001, 0x7f))),
		},
		{"2^32-1 types", binary.Malformed, "cannot fit", module(section(1, leb(huge)))},
		{"2^32-1 imports", binary.Malformed, "cannot fit", module(section(2, leb(huge)))},
		{"2^32-1 functions", binary.Malformed, "cannot fit", module(section(3, leb(huge)))},
		{"2^32-1 tables", binary.Malformed, "cannot fit", module(section(4, leb(huge)))},
		{"2^32-1 memories", binary.Malformed, "cannot fit", module(section(5, leb(huge)))},
		{"2^32-1 globals", binary.Malformed, "cannot fit", module(section(6, leb(huge)))},
		{"2^32-1 exports", binary.Malformed, "cannot fit", module(section(7, leb(huge)))},
		{"2^32-1 elements", binary.Malformed, "cannot fit", module(section(9, leb(huge)))},
		{"2^32-1 bodies", binary.Malformed, "cannot fit", module(section(10, leb(huge)))},
		{"2^32-1 data segments", binary.Malformed, "cannot fit", module(section(11, leb(huge)))},
		{
			"2^32-1 element entries", binary.Malformed, "cannot fit",
			module(section(9, []byte{1, 0, 0x41, 0, 0x0b}, leb(huge))),
		},
		{
			"10^6 types", binary.TooLarge, "1000000 types",
			module(section(1, leb(1_000_000), rep(1_000_000, 0x60, 0, 0))),
		},
		{
			"500,000 functions", binary.TooLarge, "500000 functions",
			module(section(1, []byte{1, 0x60, 0, 0}), section(3, leb(500_000), rep(500_000, 0))),
		},
		{"10^5 custom sections", binary.TooLarge, "custom sections", module(rep(100_000, 0, 1, 0))},
		{
			"2^32-1 table entries", binary.TooLarge, "table entries",
			module(section(4, []byte{1, 0x70, 0}, leb(huge))),
		},
		{
			"two tables of 600,000 entries", binary.TooLarge, "1200000 table entries",
			module(section(4, []byte{2}, rep(2, cat([]byte{0x70, 0}, leb(600_000))...))),
		},
		{
			"100,000 nested blocks", binary.TooLarge, "nests",
			code(cat(rep(100_000, 0x02, 0x40), rep(100_000, 0x0b))...),
		},
		{
			"50,000 nested ifs", binary.TooLarge, "nests",
			code(cat(rep(50_000, 0x41, 1, 0x04, 0x40), rep(50_000, 0x0b))...),
		},
		{
			"br_table with 10^6 targets", binary.TooLarge, "br_table",
			code(cat([]byte{0x41, 0, 0x0e}, leb(1_000_000), rep(1_000_001, 0))...),
		},
		{"br_table with 2^32-1 targets", binary.Malformed, "br_table", code(cat([]byte{0x0e}, leb(huge))...)},
		{"a body of 8 MB", binary.TooLarge, "function body", code(rep(8_000_000, 0x01)...)},
		{
			"a name of 1 MB", binary.TooLarge, "name",
			module(section(0, leb(1_000_000), rep(1_000_000, 'x'))),
		},
		{"a function's name of 1 MB", binary.TooLarge, "bytes of a name", names(1, cat([]byte{1, 0}, name(strings.Repeat("x", 1_000_000))))},
		{"a module's name of 1 MB", binary.TooLarge, "bytes of a name", names(0, name(strings.Repeat("x", 1_000_000)))},
		{"10^6 names of functions and as many of locals", binary.TooLarge, "names for debugging", module(section(
			0, name("name"),
			cat([]byte{1}, sized(leb(1_000_000), rep(1_000_000, 0, 0))),
			cat([]byte{2}, sized([]byte{1, 0}, leb(1_000_000), rep(1_000_000, 0, 0))),
		))},
		{"2^32-1 names of functions", binary.Malformed, "cannot fit", names(1, leb(huge))},
		{"2^32-1 names of locals", binary.Malformed, "cannot fit", names(2, cat([]byte{1, 0}, leb(huge)))},
		{"names longer than they claim", binary.Malformed, "cannot fit", module(section(0, name("name"), []byte{1, 2, 1, 0}, name("abc")))},
		{"names shorter than they claim", binary.Malformed, "left over", names(1, []byte{0, 0})},
	}
}

func TestScanRefusesHostileModules(t *testing.T) {
	for _, test := range hostile() {
		t.Run(test.name, func(t *testing.T) { checkRefusal(t, test) })
	}
}

// TestScanBoundsAllocation holds Scan to its promise: whatever a module claims, memory is a small multiple of its size.
func TestScanBoundsAllocation(t *testing.T) {
	modules := hostile()
	modules = append(modules, []refusal{
		{name: "types", module: module(section(1, leb(50_000), rep(50_000, 0x60, 0, 0)))},
		{name: "imports", module: module(section(2, leb(100_000), rep(100_000, 0, 0, 3, 0x7f, 0)))},
		{name: "exports", module: module(section(7, leb(100_000), rep(100_000, 0, 3, 0)))},
		{name: "custom sections", module: module(rep(10_000, 0, 1, 0))},
		{name: "long names", module: module(rep(90, section(0, leb(100_000), rep(100_000, 'x'))...))},
	}...)
	for _, test := range modules {
		t.Run(test.name, func(t *testing.T) {
			const factor, fixed = 40, 16 << 10
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, _ = binary.Scan(test.module, binary.DefaultLimits())
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(factor*len(test.module)+fixed); got > most {
				t.Errorf("Scan allocated %d bytes for %d, want at most %d", got, len(test.module), most)
			}
			if took > time.Second {
				t.Errorf("Scan took %v", took)
			}
		})
	}
}

// checkRefusal checks that the module is refused as expected, at a place that lies inside of it.
func checkRefusal(t *testing.T, want refusal) {
	t.Helper()
	outline, err := binary.Scan(want.module, binary.DefaultLimits())
	if err == nil {
		t.Fatalf("Scan accepted the module: %+v", outline)
	}
	var fault *binary.Error
	if !errors.As(err, &fault) {
		t.Fatalf("Scan returned a %T, want a *binary.Error", err)
	}
	if fault.Code != want.code || !strings.Contains(err.Error(), want.message) {
		t.Errorf("Scan refused with %s: %v\nwant %s: ...%s...", fault.Code, err, want.code, want.message)
	}
	if fault.Offset < 0 || fault.Offset > len(want.module) {
		t.Errorf("offset %d lies outside of the module's %d bytes", fault.Offset, len(want.module))
	}
}
