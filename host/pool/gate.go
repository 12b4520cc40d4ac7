package pool

import (
	"errors"
	"slices"
	"sync"
)

// ErrGateFull says that a pool has a place free and the [Gate] that it shares
// with others has none, and that the gate's queue is full too or the wait was
// over.
var ErrGateFull = errors.New("gate is full")

// ErrNoRoom is what making a thing fails with when it would take more of
// something than is left now. Others that are given back make room.
var ErrNoRoom = errors.New("there is no room for another")

// share is how many places a pool may have for each one that is free.
const share = 3

// Gate bounds how many things of several pools are leased at a time. It is fair
// between pools, and not between their callers: a place goes to the pool that
// has the fewest, and no pool takes all of them. Of n places a pool that is busy
// alone gets n*3/4, two get about n*3/7 each, and so on, so that there is a place left
// for one more pool; the queue is shared in a like manner. It is safe for
// concurrent use.
type Gate struct {
	size, queue int
	closed      chan struct{}

	mu       sync.Mutex
	free     int
	waiting  int
	lines    []*line       // those in which somebody waits; the first has waited longest
	released chan struct{} // closed when a place is next given back; nil if nobody asked
	all      []*line
	over     bool
}

// NewGate returns a gate with a number of places, at least 1, and of those who
// may wait for one.
func NewGate(size, queue int) *Gate {
	return &Gate{size: size, queue: queue, free: size, closed: make(chan struct{})}
}

// Load is how many places are taken, and how many callers wait for one.
func (g *Gate) Load() (taken, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.size - g.free, g.waiting
}

// Close ends all waits with [ErrClosed], also those in the queues of the gate's
// pools and those to come. Who need not wait still gets in. It is idempotent.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.over = true
		close(g.closed)
	}
}

// line is one pool's part of a gate. A nil line is that of a pool without one,
// and lets everybody in.
type line struct {
	gate *Gate
	// shrink frees what the pool keeps idle, and tells whether that was anything.
	shrink func() bool
	// What follows is guarded by the gate's mutex.
	taken   int
	waiters []chan struct{} // first in, first out; each is closed when let in
}

// line returns a new pool's part of the gate.
func (g *Gate) line(shrink func() bool) *line {
	if g == nil {
		return nil
	}
	l := &line{gate: g, shrink: shrink}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, l)
	return l
}

// end takes the line of a pool that is closed out of the gate.
func (l *line) end() {
	if l == nil {
		return
	}
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	if at := slices.Index(l.gate.all, l); at >= 0 {
		l.gate.all = slices.Delete(l.gate.all, at, at+1)
	}
}

// changed wakes those who wait for room: something has been made or freed beside
// the callers.
func (l *line) changed() {
	if l == nil {
		return
	}
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	l.gate.wake()
}

// wake tells those who wait for room to look again. The mutex is held.
func (g *Gate) wake() {
	if g.released != nil {
		close(g.released)
		g.released = nil
	}
}

// Reclaim frees what all pools of the gate keep idle, and tells whether that was
// anything: it makes room for what is needed now.
func (g *Gate) Reclaim() bool {
	g.mu.Lock()
	all := slices.Clone(g.all)
	g.mu.Unlock()
	freed := false
	for _, other := range all {
		freed = other.shrink() || freed
	}
	return freed
}

// closed is closed when nobody is to wait any more; nil without a gate.
func (l *line) closed() <-chan struct{} {
	if l == nil {
		return nil
	}
	return l.gate.closed
}

// enter takes a place. If it must wait, it does so in the queue and by until,
// which returns when the channel is closed, or why it did not wait for that.
func (l *line) enter(until func(let <-chan struct{}) error) error {
	if l == nil {
		return nil
	}
	g := l.gate
	g.mu.Lock()
	if len(l.waiters) == 0 && l.fits() {
		l.take()
		g.mu.Unlock()
		return nil
	}
	// A pool that crowds the queue leaves some of it to the others too.
	if len(l.waiters) >= g.queue-g.waiting {
		g.mu.Unlock()
		return ErrGateFull
	}
	let := make(chan struct{})
	if len(l.waiters) == 0 {
		g.lines = append(g.lines, l)
	}
	l.waiters = append(l.waiters, let)
	g.waiting++
	g.mu.Unlock()

	err := until(let)
	if err != nil {
		l.giveUp(let)
	}
	return err
}

// giveUp takes a waiter out of the line, or gives its place back if it was let
// in meanwhile.
func (l *line) giveUp(let chan struct{}) {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	i := slices.Index(l.waiters, let)
	if i < 0 {
		l.release()
		return
	}
	l.remove(i)
}

// leave gives a place back.
func (l *line) leave() {
	if l == nil {
		return
	}
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	l.release()
}

// change is closed when a place is next given back. It is nil without a gate.
func (l *line) change() <-chan struct{} {
	if l == nil {
		return nil
	}
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	if l.gate.released == nil {
		l.gate.released = make(chan struct{})
	}
	return l.gate.released
}

// The rest is called with the mutex held.

func (l *line) fits() bool { return l.taken < share*l.gate.free }

func (l *line) take() {
	l.taken++
	l.gate.free--
}

func (l *line) release() {
	g := l.gate
	l.taken--
	g.free++
	g.wake()
	g.admit()
}

// remove takes the i-th waiter out of the line.
func (l *line) remove(i int) {
	g := l.gate
	l.waiters = slices.Delete(l.waiters, i, i+1)
	g.waiting--
	if len(l.waiters) == 0 {
		at := slices.Index(g.lines, l)
		g.lines = slices.Delete(g.lines, at, at+1)
	}
}

// admit lets waiters in while there are places.
func (g *Gate) admit() {
	for len(g.lines) > 0 {
		next := slices.MinFunc(g.lines, func(a, b *line) int { return a.taken - b.taken })
		if !next.fits() {
			return
		}
		close(next.waiters[0])
		next.remove(0)
		next.take()
	}
}
