// Package pool bounds how many of a thing are in use, and reuses those that are
// given back. It knows nothing of what they are.
package pool

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Config bounds a [Pool].
type Config struct {
	// Size is how many things may be leased at a time; at least 1.
	Size int
	// Queue is how many more callers may wait for one; 0 lets none wait.
	Queue int
	// Wait is how long each of them waits at most, for all that there is to wait
	// for: a place in the pool, one in the gate, room for the thing.
	Wait time.Duration
	// Gate bounds what the pool and others lease together; nil bounds nothing.
	Gate *Gate
	// Idle is how many things are kept at most while nobody leases them; 0 means
	// Size.
	Idle int
	// Spare is how many are to be ready whenever one is dropped: the pool makes them
	// beside its callers.
	Spare int
}

// ErrFull says that all are leased, and that the queue is full too or the wait
// was over.
var ErrFull = errors.New("pool is full")

// ErrClosed says that the pool has been closed.
var ErrClosed = errors.New("pool is closed")

// Pool hands out things of type T. It is safe for concurrent use.
type Pool[T any] struct {
	config Config
	create func() (T, error)
	free   func(T)

	line   *line
	slots  chan struct{} // one token for each thing that is leased
	closed chan struct{}
	drain  chan struct{} // one token: two that drain would wait for each other's

	makers sync.WaitGroup // of spares

	mu      sync.Mutex
	idle    []T // last in, first out: what was used last is warm in the caches
	making  int
	waiting int
	over    bool
}

// New returns a pool that makes things with create, and ends them with free. If
// create fails with [ErrNoRoom] it is tried again once what the pools of the gate
// keep idle has been freed, and then whenever one of their things has been given
// back.
func New[T any](config Config, create func() (T, error), free func(T)) *Pool[T] {
	p := &Pool[T]{
		config: config, create: create, free: free,
		slots: make(chan struct{}, config.Size), closed: make(chan struct{}), drain: make(chan struct{}, 1),
	}
	if p.config.Idle == 0 {
		p.config.Idle = config.Size
	}
	p.line = config.Gate.line(p.Shrink)
	return p
}

// Lease hands out a thing, which is to be given back by [Pool.Keep] or
// [Pool.Drop]. It waits while there is none to be had, and ends with ctx.
func (p *Pool[T]) Lease(ctx context.Context) (T, error) {
	var zero T
	until := time.Now().Add(p.config.Wait)
	if err := p.enter(ctx, until); err != nil {
		return zero, err
	}
	// With a place of its own only, because a place of the gate is everybody's.
	err := p.line.enter(func(let <-chan struct{}) error { return p.wait(ctx, until, let, ErrGateFull) })
	if err != nil {
		<-p.slots
		return zero, err
	}
	thing, err := p.obtain(ctx, until)
	if err != nil {
		p.leave()
		return zero, err
	}
	return thing, nil
}

// enter takes a slot, waiting in the queue if it must.
func (p *Pool[T]) enter(ctx context.Context, until time.Time) error {
	select {
	case <-p.closed:
		return ErrClosed
	default:
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	if !p.queue() {
		return ErrFull
	}
	defer p.unqueue()
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrFull
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return ErrClosed
	case <-p.line.closed():
		return ErrClosed
	}
}

// wait waits until ready is closed, and returns late when the time is over.
func (p *Pool[T]) wait(ctx context.Context, until time.Time, ready <-chan struct{}, late error) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-timer.C:
		return late
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return ErrClosed
	case <-p.line.closed():
		return ErrClosed
	}
}

// obtain takes an idle thing or makes one, waiting for room if it must.
func (p *Pool[T]) obtain(ctx context.Context, until time.Time) (T, error) {
	var change <-chan struct{}
	for {
		thing, err := p.take()
		if p.line == nil || !errors.Is(err, ErrNoRoom) {
			return thing, err
		}
		if ctx.Err() == nil && time.Now().Before(until) && p.line.gate.Reclaim() {
			continue
		}
		if change != nil {
			if late := p.wait(ctx, until, change, err); late != nil {
				return thing, late
			}
		}
		// Asked for before the next try, or what is given back meanwhile would be missed.
		change = p.line.change()
	}
}

func (p *Pool[T]) take() (T, error) {
	var zero T
	p.mu.Lock()
	if p.over { // since the slot was asked for; whoever closes may be done by now
		p.mu.Unlock()
		return zero, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		thing := p.idle[n-1]
		p.idle[n-1] = zero
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return thing, nil
	}
	p.mu.Unlock()
	return p.create()
}

// leave gives the gate's place back, then the pool's own.
func (p *Pool[T]) leave() {
	p.line.leave()
	<-p.slots
}

// Load is how many things are leased, or about to be, and how many callers wait
// for a place of the pool.
func (p *Pool[T]) Load() (leased, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.slots), p.waiting
}

// Idle is how many things are kept while nobody leases them.
func (p *Pool[T]) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// Busy tells whether a thing is leased, or about to be, or being made.
func (p *Pool[T]) Busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.slots)+p.making > 0
}

func (p *Pool[T]) queue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting >= p.config.Queue {
		return false
	}
	p.waiting++
	return true
}

func (p *Pool[T]) unqueue() {
	p.mu.Lock()
	p.waiting--
	p.mu.Unlock()
}

// Keep gives a thing back for others to use.
func (p *Pool[T]) Keep(thing T) {
	if !p.put(thing) {
		p.free(thing)
	}
	p.leave()
}

// put makes a thing idle, unless there are enough.
func (p *Pool[T]) put(thing T) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || len(p.idle) >= p.config.Idle {
		return false
	}
	p.idle = append(p.idle, thing)
	return true
}

// Drop ends a thing that nobody is to use again.
func (p *Pool[T]) Drop(thing T) {
	p.free(thing)
	p.restock()
	p.leave()
}

// restock makes a spare beside the callers, if there are too few. One for which
// there is no room is not made: who leases next tries again.
func (p *Pool[T]) restock() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || len(p.idle)+p.making >= min(p.config.Spare, p.config.Idle) {
		return
	}
	p.making++
	p.makers.Go(func() {
		thing, err := p.create()
		if err == nil && !p.put(thing) {
			p.free(thing)
		}
		p.mu.Lock()
		p.making--
		p.mu.Unlock()
		p.line.changed() // what it took, or gave back, was not there for those who wait
	})
}

// Shrink ends the idle things, and tells whether there were any.
func (p *Pool[T]) Shrink() bool {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	if !p.over { // Close waits for who frees things beside it
		p.makers.Add(1)
		defer p.makers.Done()
	}
	p.mu.Unlock()
	for _, thing := range idle {
		p.free(thing)
	}
	return len(idle) > 0
}

// Close refuses new leases, ends the idle things, and waits until those that are
// leased have been given back, or ctx ends. It is idempotent.
func (p *Pool[T]) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.over {
		p.over = true
		close(p.closed)
	}
	p.mu.Unlock()
	p.line.end()
	p.makers.Wait()
	p.Shrink()
	select {
	case p.drain <- struct{}{}:
		defer func() { <-p.drain }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for taken := range p.config.Size {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			p.empty(taken)
			return ctx.Err()
		}
	}
	p.empty(p.config.Size)
	return nil
}

// empty gives back the slots that Close took.
func (p *Pool[T]) empty(n int) {
	for range n {
		<-p.slots
	}
}
