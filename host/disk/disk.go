// Package disk watches the file system that a data directory lies on: that it is
// one of this machine, and that some of it stays free.
package disk

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// What [Auto] keeps free: enough for the database to go on, and no large part of
	// a small disk.
	leastReserve = 64 << 20
	usualPart    = 100
	mostPart     = 10
	// freshness is how long the count of free bytes is believed, as others write too.
	freshness = time.Second
)

// Auto makes [Open] choose how much to keep free: 1 % of the file system and at
// least 64 MiB, but no more than a tenth of it.
const Auto = -1

// Reserve is the part of a file system that only deletions and the registry's
// own commits may write to. It is safe for concurrent use.
type Reserve struct {
	dir   string
	least int64

	mu     sync.Mutex
	left   int64     // bytes above the reserve, by the last look and what was taken since
	looked time.Time // when that was
}

// space is what a file system has, in bytes.
type space struct{ total, free int64 }

// Open returns the reserve of the file system that dir lies on, of least bytes,
// or as [Auto] chooses; 0 keeps nothing free.
func Open(dir string, least int64) (*Reserve, error) {
	s, err := measure(dir)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	if least < 0 {
		least = min(max(leastReserve, s.total/usualPart), s.total/mostPart)
	}
	return &Reserve{dir: dir, least: least}, nil
}

// Take tells whether n more bytes may be written without touching the reserve,
// and counts them, so that many small writes between two looks at the disk do
// not go through it. It costs a system call a second at most while there is room.
func (r *Reserve) Take(n int64) bool {
	if r.least == 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > r.left || time.Since(r.looked) >= freshness {
		r.look()
	}
	if n > r.left {
		return false
	}
	r.left -= n
	return true
}

// Low tells whether the reserve is touched.
func (r *Reserve) Low() bool { return !r.Take(0) }

// Least is how many bytes stay free.
func (r *Reserve) Least() int64 { return r.least }

// Free is how many bytes the file system has left for this user, those of the
// reserve among them.
func (r *Reserve) Free() (int64, error) {
	s, err := measure(r.dir)
	if err != nil {
		return 0, fmt.Errorf("find out what is free on the disk of %s: %w", r.dir, err)
	}
	return s.free, nil
}

// look counts the free bytes. A disk that cannot be asked is no reason to refuse
// anything: whoever writes will hear of it.
func (r *Reserve) look() {
	s, err := measure(r.dir)
	r.looked, r.left = time.Now(), s.free-r.least
	if err != nil {
		r.left = 1 << 62
	}
}

// Budget is an amount that many take their parts of; see package pool.
type Budget interface {
	Take(n int64) bool
	Give(n int64)
}

// Guard returns a budget of bytes on this disk: next, of which nothing can be
// taken that would touch the reserve.
func (r *Reserve) Guard(next Budget) Budget { return guarded{r, next} }

type guarded struct {
	reserve *Reserve
	Budget
}

// Take implements [Budget].
func (g guarded) Take(n int64) bool {
	return g.reserve.Take(n) && g.Budget.Take(n)
}
