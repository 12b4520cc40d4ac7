// Package memory gives an instance its linear memory: a reservation of the
// whole cap, of which the guest's growth takes what it needs.
package memory

import (
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// PageSize is the size of a WebAssembly page, in bytes.
const PageSize = 64 << 10

// Reservation is the linear memory of one instance. It is made before the
// instance, because an allocator that fails panics inside wazero, and it belongs
// to whoever made it: wazero's Free does nothing.
//
// A Reservation is used by one goroutine at a time.
type Reservation struct {
	bytes  []byte // length: what the guest has; capacity: the cap
	peak   uint64
	denied bool
	unmap  func() error
	once   sync.Once
}

// Reserve reserves limit bytes of address space, rounded down to whole pages. No
// memory is used until the guest writes to it. The memory reads as zero.
func Reserve(limit uint64) (*Reservation, error) {
	limit -= limit % PageSize
	bytes, unmap, err := reserve(limit)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of address space for a guest: %w", limit, err)
	}
	return &Reservation{bytes: bytes[:0], unmap: unmap}, nil
}

// Allocate implements [experimental.MemoryAllocator] for the one memory that a
// module of WebAssembly 2.0 can have. The capacity and maximum that the module
// declares do not matter: the cap is the reservation's.
func (r *Reservation) Allocate(_, _ uint64) experimental.LinearMemory { return r }

// Reallocate implements [experimental.LinearMemory]. Nil, which memory.grow
// turns into -1, says that the cap is reached.
func (r *Reservation) Reallocate(size uint64) []byte {
	if size > uint64(cap(r.bytes)) {
		r.denied = true
		return nil
	}
	r.bytes = r.bytes[:size]
	r.peak = max(r.peak, size)
	return r.bytes
}

// Free implements [experimental.LinearMemory]; see [Reservation].
func (r *Reservation) Free() {}

// Peak is the largest size the memory had, in bytes.
func (r *Reservation) Peak() uint64 { return r.peak }

// Denied tells whether the guest asked for more than the cap.
func (r *Reservation) Denied() bool { return r.denied }

// Close gives the memory back. The guest must have ended. It is idempotent.
func (r *Reservation) Close() error {
	var err error
	r.once.Do(func() {
		r.bytes = nil
		err = r.unmap()
	})
	return err
}

var (
	_ experimental.MemoryAllocator = (*Reservation)(nil)
	_ experimental.LinearMemory    = (*Reservation)(nil)
)
