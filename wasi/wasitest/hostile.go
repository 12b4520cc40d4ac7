package wasitest

import (
	"encoding/binary"
	"slices"
	"strings"
)

// HostileModule is a module that kills or stalls a host which decodes and compiles whatever it is sent.
type HostileModule struct {
	Name string
	Code []byte
	// Slow says that its form is within all limits, so that only the time of its compilation gives it away.
	Slow bool
}

// Hostile returns the hostile modules that are known. Each is a whole command, so that nothing else is wrong with it.
func Hostile() []HostileModule {
	const huge = 1<<32 - 1
	const i32, end, block, ifThen, elseThen, brTable, constI32, void = 0x7f, 0x0b, 0x02, 0x04, 0x05, 0x0e, 0x41, 0x40
	diamond := []byte{constI32, 1, ifThen, void, elseThen, end}
	return []HostileModule{
		{Name: "2^32-1 locals", Code: command(cat([]byte{1}, leb(huge), []byte{i32, end}))},
		{Name: "40,000 runs of 2^32-1 locals", Code: command(cat(leb(40_000), repeat(40_000, cat(leb(huge), []byte{i32})...), []byte{end}))},
		{Name: "a type with 2^32-1 parameters", Code: module(section(1, []byte{1, 0x60}, leb(huge)))},
		{Name: "a section of 2^32-1 types", Code: module(section(1, leb(huge)))},
		{Name: "a section of 2^32-1 functions", Code: module(section(1, []byte{1, 0x60, 0, 0}), section(3, leb(huge)))},
		{Name: "a table of 2^32-1 entries", Code: module(section(4, []byte{1, 0x70, 0}, leb(huge)))},
		{Name: "500,000 functions", Code: commands(500_000, []byte{0, end})},
		{Name: "10^6 types", Code: module(section(1, leb(1_000_000), repeat(1_000_000, 0x60, 0, 0)))},
		{Name: "100,000 nested blocks", Code: instructions(repeat(100_000, block, void), repeat(100_000, end))},
		{Name: "50,000 nested ifs", Code: instructions(repeat(50_000, constI32, 1, ifThen, void), repeat(50_000, end))},
		{Name: "a br_table of 10^6 targets", Code: instructions([]byte{constI32, 0, brTable}, leb(1_000_000), repeat(1_000_001, 0))},
		{Name: "100,000 unknown imports", Code: importing(100_000, "x")},
		{Name: "unknown imports with long names", Code: importing(50, strings.Repeat("x", 100_000))},
		{Name: "a function with a name of 1 MB", Code: cat(command([]byte{0, end}), section(
			0, name("name"), []byte{1}, sized([]byte{1, 0}, name(strings.Repeat("x", 1_000_000))),
		))},
		{Name: "40,000 if-else diamonds", Slow: true, Code: instructions(repeat(40_000, diamond...))},
		{Name: "50,000 ifs", Slow: true, Code: instructions(repeat(50_000, constI32, 1, ifThen, void, end))},
	}
}

// instructions is a command whose start function has no locals.
func instructions(code ...[]byte) []byte { return command(cat([]byte{0}, cat(code...), []byte{0x0b})) }

// command is a command whose start function has the given body.
func command(body []byte) []byte { return commands(1, body) }

// commands is a command of n functions with the same body, of which the first is its start.
func commands(n int, body []byte) []byte {
	const count = 2
	return module(
		section(1, []byte{1, 0x60, 0, 0}),
		section(3, leb(uint64(n)), repeat(n, 0)),
		section(5, []byte{1, 0, 1}),
		section(7, []byte{count}, name("_start"), []byte{0, 0}, name("memory"), []byte{2, 0}),
		section(10, leb(uint64(n)), repeat(n, cat(leb(uint64(len(body))), body)...)),
	)
}

func module(sections ...[]byte) []byte {
	return cat([]byte("\x00asm\x01\x00\x00\x00"), cat(sections...))
}

// importing is a module that imports a function n times.
func importing(n int, field string) []byte {
	return module(section(1, []byte{1, 0x60, 0, 0}), section(2, leb(uint64(n)), repeat(n, cat(name("env"), name(field), []byte{0, 0})...)))
}

func section(id byte, parts ...[]byte) []byte { return cat([]byte{id}, sized(parts...)) }

// sized puts its own length before what it holds.
func sized(parts ...[]byte) []byte {
	content := cat(parts...)
	return cat(leb(uint64(len(content))), content)
}

func name(s string) []byte { return cat(leb(uint64(len(s))), []byte(s)) }

func leb(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func repeat(n int, b ...byte) []byte { return slices.Repeat(b, n) }
