package instrument_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// section is a section of a module.
func section(id byte, parts ...[]byte) []byte {
	return binary.AppendBytes([]byte{id}, bytes.Join(parts, nil))
}

// commands is a module of n functions of type () -> (), whose code is what body returns; the end is added.
func commands(n int, extra []byte, body func(i int) []byte) []byte {
	functions := binary.AppendUint(nil, uint64(n))
	bodies := binary.AppendUint(nil, uint64(n))
	for i := range n {
		functions = append(functions, 0)
		bodies = binary.AppendBytes(bodies, append(append([]byte{0}, body(i)...), 0x0b))
	}
	return bytes.Join([][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"), section(1, []byte{1, 0x60, 0, 0}), section(3, functions), extra,
		section(10, bodies),
	}, nil)
}

// TestHostileModules instruments modules that are made to take long, or to become large. Each takes a fraction of a
// second on an idle machine, and becomes a small multiple of itself.
func TestHostileModules(t *testing.T) {
	repeat := func(n int, b ...byte) []byte { return bytes.Repeat(b, n) }
	one := func(code []byte) []byte { return commands(1, nil, func(int) []byte { return code }) }
	for name, module := range map[string][]byte{
		"100,000 loops":           one(repeat(100_000, 0x03, 0x40, 0x0c, 0, 0x0b)),
		"19,000 nested loops":     one(append(append(repeat(19_000, 0x03, 0x40), repeat(19_000, 0x0c, 0)...), repeat(19_000, 0x0b)...)),
		"branches to the outmost": one(append(append(repeat(19_000, 0x03, 0x40), repeat(100_000, 0x0d, 0xb7, 0x94, 1)...), repeat(19_000, 0x0b)...)),
		"nested dispatches": one(append(repeat(9_000, 0x03, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 1, 0, 0, 0x0b, 0x41, 0, 0x21, 0, 0x0c, 0),
			repeat(9_000, 0x0b)...)),
		"a chain of 50,000 calls": commands(50_000, nil, func(i int) []byte {
			return binary.AppendUint([]byte{0x10}, uint64(min(i+1, 49_999)))
		}),
		"a cycle of 50,000 calls": commands(50_000, nil, func(i int) []byte {
			return binary.AppendUint([]byte{0x10}, uint64((i+1)%50_000))
		}),
		"200,000 fills in dead code": one(append([]byte{0}, repeat(200_000, 0xfc, 0x0b, 0)...)),
	} {
		start := time.Now()
		p, err := instrument.Instrument(module, instrument.DefaultOptions("arm64"))
		took := time.Since(start)
		if refused := (*instrument.RefusedError)(nil); err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		size := 0
		if err == nil {
			size = len(p.Code)
		}
		t.Logf("%s: %d bytes become %d in %v", name, len(module), size, took)
		if took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if size > 12*len(module)+1000 {
			t.Errorf("%s: %d bytes become %d", name, len(module), size)
		}
	}
	// Each pair of tables needs a function of its own.
	tables := append(binary.AppendUint(nil, 200), repeat(200, 0x70, 0, 0)...)
	many := commands(1, section(4, tables), func(int) []byte {
		code := []byte{0}
		for i := range 200 * 200 {
			code = append(code, 0xfc, 0x0e)
			code = binary.AppendUint(binary.AppendUint(code, uint64(i/200)), uint64(i%200))
		}
		return code
	})
	var refused *instrument.RefusedError
	if _, err := instrument.Instrument(many, instrument.DefaultOptions("amd64")); !errors.As(err, &refused) {
		t.Errorf("40,000 pairs of tables: %v", err)
	}
}
