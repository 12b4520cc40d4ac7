package sqlite

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// heap counts the memory of one connection, and refuses what is more than its limit, or
// than the node has. SQLite's own limits are of the process; but each connection here has a
// thread of the library's own, by which its allocations can be told apart.
//
// Memory may be freed by another connection than has allocated it: the library keeps all
// pages of all page caches in one list. So a heap outlives its connection until nothing of
// it is in use.
type heap struct {
	number uint64 // in the list of all
	limit  int64
	budget Budget // nil has no end
	used   atomic.Int64
	closed atomic.Bool // its connection is

	mu      sync.Mutex
	charged int64 // of the budget
}

// chunk is how much of the budget a heap takes at a time.
const chunk = 256 << 10

// take counts n bytes in, or returns false.
func (h *heap) take(n int64) bool {
	if h.used.Add(n) > h.limit || !h.charge() {
		h.used.Add(-n)
		return false
	}
	return true
}

func (h *heap) give(n int64) {
	h.used.Add(-n)
	if h.closed.Load() {
		h.end()
	}
}

// close is called when the connection of the heap is closed.
func (h *heap) close() {
	h.closed.Store(true)
	h.end()
}

// end settles a closed heap, and takes it off the list once nothing of it is in use.
func (h *heap) end() {
	h.settle()
	if h.used.Load() == 0 {
		all.heaps.Delete(h.number)
	}
}

// charge takes of the budget what is used.
func (h *heap) charge() bool {
	if h.budget == nil {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	more := h.used.Load() - h.charged
	if more <= 0 {
		return true
	}
	more = (more + chunk - 1) / chunk * chunk
	if !h.budget.Take(more) {
		return false
	}
	h.charged += more
	return true
}

// settle gives the budget back what is not used any more.
func (h *heap) settle() {
	if h.budget == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	need := h.used.Load()
	if !h.closed.Load() {
		need = (need + chunk - 1) / chunk * chunk
	}
	if less := h.charged - need; less > 0 {
		h.budget.Give(less)
		h.charged = need
	}
}

// header stands before each piece of the library's memory.
type header struct {
	size int64
	heap uint64 // the number of the heap that it is counted in, 0 for none
}

const headerBytes = int32(unsafe.Sizeof(header{}))

// largest bounds one allocation, as SQLite does itself.
const largest = 0x7fffff00

// everything is what the library's functions need to find what is ours: they know the
// thread, or a number.
type everything struct {
	connections sync.Map // *libc.TLS -> *connection
	heaps       sync.Map // uint64 -> *heap
	numbers     atomic.Uint64
	broken      atomic.Pointer[string] // the stack of the latest failure of the library in itself
}

var (
	all everything //nolint:gochecknoglobals // the library has one of each for the process, too
	// unfit says why the library cannot be used. It is set up before anybody opens a
	// database: SQLite takes an allocator before that only, and the registry of the server
	// may be opened before an engine is made.
	unfit = configure() //nolint:gochecknoglobals // as above
)

// owner is the connection of a thread, nil for one of somebody else's.
func (e *everything) owner(tls *libc.TLS) *connection {
	c, ok := e.connections.Load(tls)
	if !ok {
		return nil
	}
	return c.(*connection)
}

func (e *everything) heap(number uint64) *heap {
	if number == 0 {
		return nil
	}
	h, ok := e.heaps.Load(number)
	if !ok {
		return nil
	}
	return h.(*heap)
}

// allocate is xMalloc.
func allocate(tls *libc.TLS, n int32) uintptr {
	if n <= 0 || n > largest {
		return 0
	}
	head := header{size: int64(n)}
	if c := all.owner(tls); c != nil {
		if !c.allocate(int64(n)) {
			return 0
		}
		head.heap = c.number
	}
	p := libc.Xmalloc(tls, types.Size_t(n+headerBytes))
	if p == 0 {
		if h := all.heap(head.heap); h != nil {
			h.give(int64(n))
		}
		return 0
	}
	*at[header](p) = head
	return p + uintptr(headerBytes)
}

// release is xFree.
func release(tls *libc.TLS, p uintptr) {
	if p == 0 {
		return
	}
	p -= uintptr(headerBytes)
	head := at[header](p)
	if h := all.heap(head.heap); h != nil {
		h.give(head.size)
	}
	libc.Xfree(tls, p)
}

// reallocate is xRealloc. What it returns is counted where p was.
func reallocate(tls *libc.TLS, p uintptr, n int32) uintptr {
	if p == 0 {
		return allocate(tls, n)
	}
	if n <= 0 || n > largest {
		return 0
	}
	old := *at[header](p - uintptr(headerBytes))
	h, more := all.heap(old.heap), int64(n)-old.size
	if c := all.owner(tls); c != nil && more > 0 && c.stopped() {
		return 0
	}
	if h != nil && !h.take(more) {
		return 0
	}
	q := libc.Xrealloc(tls, p-uintptr(headerBytes), types.Size_t(n+headerBytes))
	if q == 0 {
		if h != nil {
			h.give(more)
		}
		return 0
	}
	at[header](q).size = int64(n)
	return q + uintptr(headerBytes)
}

// allocated is xSize.
func allocated(_ *libc.TLS, p uintptr) int32 {
	if p == 0 {
		return 0
	}
	return int32(at[header](p - uintptr(headerBytes)).size)
}

// roundUp is xRoundup.
func roundUp(_ *libc.TLS, n int32) int32 {
	const unit = 8
	return (n + unit - 1) &^ (unit - 1)
}

// configure gives the library its allocator and its file system, once in a process.
func configure() error {
	tls := libc.NewTLS()
	defer tls.Close()
	methods := libc.Xcalloc(tls, 1, types.Size_t(unsafe.Sizeof(sqlite3.Tsqlite3_mem_methods{})))
	*at[sqlite3.Tsqlite3_mem_methods](methods) = sqlite3.Tsqlite3_mem_methods{
		FxMalloc:   pointer(allocate),
		FxFree:     pointer(release),
		FxRealloc:  pointer(reallocate),
		FxSize:     pointer(allocated),
		FxRoundup:  pointer(roundUp),
		FxInit:     pointer(func(*libc.TLS, uintptr) int32 { return sqlite3.SQLITE_OK }),
		FxShutdown: pointer(func(*libc.TLS, uintptr) {}),
	}
	list := libc.Xmalloc(tls, 8)
	defer libc.Xfree(tls, list)
	if rc := sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MALLOC, libc.VaList(list, methods)); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("set SQLite up: it refused our allocator (%d)", rc)
	}
	libc.Xfree(tls, methods) // it has been copied
	if rc := registerFiles(tls); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("set SQLite up: it refused our file system (%d)", rc)
	}
	return nil
}
