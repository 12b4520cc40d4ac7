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
	bytes   []byte // length: what the guest has; capacity: the cap
	peak    uint64
	denied  bool
	starved bool
	image   *Image // nil until it is loaded
	scratch *scratch
	written written
	stop    func() int64 // counts the faults since Watch; nil if nobody does
	budget  Budget       // nil has no end
	charged uint64       // bytes of memory that were taken from the budget
	beside  uint64       // bytes of something else that were
	unmap   func() error
	once    sync.Once
}

// Budget is what memories take their bytes from.
type Budget interface {
	Take(n int64) bool
	Give(n int64)
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

// Charge takes size bytes for the memory to begin with from budget, and some for
// what the instance has beside it. From then on growth takes from the budget too,
// and Close gives all of it back. If not all of it is there, none is taken, and
// Charge returns false. It is called once, before the memory is used.
func (r *Reservation) Charge(budget Budget, size, beside uint64) bool {
	if !budget.Take(int64(size + beside)) {
		return false
	}
	r.budget, r.charged, r.beside = budget, size, beside
	return true
}

// Allocate implements [experimental.MemoryAllocator] for the one memory that a
// module of WebAssembly 2.0 can have. The capacity and maximum that the module
// declares do not matter: the cap is the reservation's.
func (r *Reservation) Allocate(_, _ uint64) experimental.LinearMemory { return r }

// Reallocate implements [experimental.LinearMemory]. Nil, which memory.grow
// turns into -1, says that the cap is reached, or that the budget has no more.
func (r *Reservation) Reallocate(size uint64) []byte {
	if size > uint64(cap(r.bytes)) {
		r.denied, r.starved = true, false
		return nil
	}
	if r.budget != nil && size > r.charged {
		if !r.budget.Take(int64(size - r.charged)) {
			r.starved = true
			return nil
		}
		r.charged = size
	}
	r.bytes = r.bytes[:size]
	r.peak = max(r.peak, size)
	return r.bytes
}

// Free implements [experimental.LinearMemory]; see [Reservation].
func (r *Reservation) Free() {}

// Content is the memory as it is, a view that is good until it grows or is closed.
func (r *Reservation) Content() []byte { return r.bytes }

// Peak is the largest size the memory had, in bytes.
func (r *Reservation) Peak() uint64 { return r.peak }

// Denied tells whether the guest asked for more than the cap.
func (r *Reservation) Denied() bool { return r.denied }

// Starved tells whether the last that the guest asked for and did not get was
// within the cap, and more than the budget had.
func (r *Reservation) Starved() bool { return r.starved }

// Close gives the memory back. The guest must have ended. It is idempotent.
func (r *Reservation) Close() error {
	var err error
	r.once.Do(func() {
		r.bytes = nil
		if err = r.unmap(); err != nil {
			return // what is still mapped is still used
		}
		if r.budget != nil {
			r.budget.Give(int64(r.charged + r.beside))
		}
	})
	return err
}

var (
	_ experimental.MemoryAllocator = (*Reservation)(nil)
	_ experimental.LinearMemory    = (*Reservation)(nil)
)
