package preview1_test

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// FuzzCalls makes calls of random functions with random parameters, among them
// pointers to nowhere: each returns an errno or ends the guest, the quota holds,
// and nothing stays open.
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte("\x1f\x04\x00\x00\x00\x01\x10\x02\xff\xff\xff\xff\x00"))
	for i := range byte(46) {
		f.Add([]byte{i, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
		f.Add([]byte{i, 4, 0, 8, 1, 1, 9, 9, 0, 16, 16})
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			return
		}
		node := &wasitest.Budget{Limit: 1 << 30}
		g := newGuest(t, options{shared: fs.Shared{Bytes: node}, quota: fs.Quota{Bytes: 1 << 20, Inodes: 50}})
		g.module.Memory().Write(0, []byte("file\x00dir\x00../x\x00\x10\x00\x00\x00\x05\x00\x00\x00"))
		for len(script) > 0 {
			var name string
			var params []uint64
			name, params, script = g.decode(script)
			_, err := g.try(name, params...)
			if _, exited := errors.AsType[*sys.ExitError](err); err != nil && !exited {
				t.Fatalf("%s%v: %v", name, params, err)
			}
		}
		if node.Used < 0 || node.Used > 1<<20 {
			t.Errorf("%d bytes in /tmp", node.Used)
		}
	})
}

// decode reads a call: a byte for the function, and one for each parameter, of
// which most stand for themselves and some for numbers that are hard to get
// right.
func (g *guest) decode(script []byte) (string, []uint64, []byte) {
	names := functionNames(g.module)
	name := names[int(script[0])%len(names)]
	script = script[1:]
	types := g.module.ExportedFunction(name).Definition().ParamTypes()
	params := make([]uint64, len(types))
	for i := range params {
		if len(script) == 0 {
			break
		}
		params[i] = wide(script[0], types[i])
		script = script[1:]
	}
	if name == "poll_oneoff" { // which may wait for ever
		params[2] = min(params[2], 1)
		g.module.Memory().Write(uint32(params[0])+8, []byte{0})
		g.module.Memory().Write(uint32(params[0])+24, make([]byte, 8))
	}
	return name, params, script
}

func wide(b byte, kind api.ValueType) uint64 {
	v := uint64(b)
	switch {
	case b == 255:
		v = 1<<64 - 1
	case b == 254:
		v = 1 << 63
	case b == 253:
		v = 4<<20 - 2 // near the end of the memory
	case b > 240:
		v = uint64(binary.LittleEndian.Uint16([]byte{b, b}))
	}
	if kind == api.ValueTypeI32 {
		v &= 1<<32 - 1
	}
	return v
}

// functionNames are the functions of the specification, in the order of their
// names.
func functionNames(m api.Module) []string {
	return slices.Sorted(maps.Keys(m.ExportedFunctionDefinitions()))
}
