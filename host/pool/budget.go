package pool

import "sync/atomic"

// Budget is an amount of something that a node has once, of which many take
// their parts: memory, descriptors, bytes of a disk. It is safe for concurrent
// use, and nobody waits for it: see [Pool] for what is worth waiting for.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limit units.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Take takes n units, or none and returns false if fewer are left. n is not
// negative.
func (b *Budget) Take(n int64) bool {
	for {
		used := b.used.Load()
		if n > b.limit-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Give gives n units back that were taken.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

// Used is how many units are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// Limit is how many units there are.
func (b *Budget) Limit() int64 { return b.limit }
