package preview1

import (
	"context"
	"encoding/binary"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/api"
)

// piece is the number of bytes that are read, written or filled at a time; the
// context is looked at in between.
const piece = 1 << 20

// maxPath bounds a path, in bytes, before it is copied out of the guest.
const maxPath = 4096

// call is one call of a host function: by which process, in which memory, with
// which parameters. It lives no longer than that.
type call struct {
	ctx   context.Context //nolint:containedctx // of this call
	p     *Process
	mem   api.Memory
	stack []uint64
}

// alive unwinds the guest if its context is over.
func (c call) alive() { Alive(c.ctx) }

func (c call) u32(i int) uint32 { return uint32(c.stack[i]) }

func (c call) u64(i int) uint64 { return c.stack[i] }

func (c call) i64(i int) int64 { return int64(c.stack[i]) }

// bytes is a view of n bytes of the guest's memory from ptr on.
func (c call) bytes(ptr, n uint32) ([]byte, error) {
	b, ok := c.mem.Read(ptr, n)
	if !ok {
		return nil, errnoFault
	}
	return b, nil
}

func (c call) putU32(ptr, v uint32) error {
	if !c.mem.WriteUint32Le(ptr, v) {
		return errnoFault
	}
	return nil
}

func (c call) putU64(ptr uint32, v uint64) error {
	if !c.mem.WriteUint64Le(ptr, v) {
		return errnoFault
	}
	return nil
}

// text copies a string out of the guest's memory; parameters i and i+1 are where
// it is.
func (c call) text(i int) (string, error) {
	if c.u32(i+1) > maxPath {
		return "", errnoNametoolong
	}
	b, err := c.bytes(c.u32(i), c.u32(i+1))
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errnoIlseq
	}
	return string(b), nil
}

// list writes strings as C has them: each with a NUL at its end, one after the
// other from buffer on, and pointers to them from array on. The parameters i and
// i+1 are array and buffer.
func (c call) list(i int, all []string) error {
	count, size := sizes(all)
	pointers, err := c.bytes(c.u32(i), 4*count)
	if err != nil {
		return err
	}
	at := c.u32(i + 1)
	buffer, err := c.bytes(at, size)
	if err != nil {
		return err
	}
	for k, s := range all {
		binary.LittleEndian.PutUint32(pointers[4*k:], at)
		n := copy(buffer, s)
		buffer[n] = 0
		buffer = buffer[n+1:]
		at += uint32(n) + 1
	}
	return nil
}

// sizes is the number of strings, and of bytes that list writes for them.
func sizes(all []string) (count, bytes uint32) {
	for _, s := range all {
		bytes += uint32(len(s)) + 1
	}
	return uint32(len(all)), bytes
}

// putSizes writes what sizes returns; the parameters i and i+1 are where to.
func (c call) putSizes(i int, all []string) error {
	count, bytes := sizes(all)
	if err := c.putU32(c.u32(i), count); err != nil {
		return err
	}
	return c.putU32(c.u32(i+1), bytes)
}
