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
	// Wait is how long each of them waits at most.
	Wait time.Duration
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

	slots  chan struct{} // one token for each thing that is leased
	closed chan struct{}
	drain  chan struct{} // one token: two that drain would wait for each other's

	mu      sync.Mutex
	idle    []T // last in, first out: what was used last is warm in the caches
	waiting int
	over    bool
}

// New returns a pool that makes things with create, and ends them with free.
func New[T any](config Config, create func() (T, error), free func(T)) *Pool[T] {
	return &Pool[T]{
		config: config, create: create, free: free,
		slots: make(chan struct{}, config.Size), closed: make(chan struct{}), drain: make(chan struct{}, 1),
	}
}

// Lease hands out a thing, which is to be given back by [Pool.Keep] or
// [Pool.Drop]. It waits while all are leased, and ends with ctx.
func (p *Pool[T]) Lease(ctx context.Context) (T, error) {
	var zero T
	if err := p.enter(ctx); err != nil {
		return zero, err
	}
	p.mu.Lock()
	if p.over { // since the slot was asked for; whoever closes may be done by now
		p.mu.Unlock()
		<-p.slots
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
	thing, err := p.create()
	if err != nil {
		<-p.slots
		return zero, err
	}
	return thing, nil
}

// enter takes a slot, waiting in the queue if it must.
func (p *Pool[T]) enter(ctx context.Context) error {
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
	timer := time.NewTimer(p.config.Wait)
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
	}
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
	p.mu.Lock()
	over := p.over
	if !over {
		p.idle = append(p.idle, thing)
	}
	p.mu.Unlock()
	if over {
		p.free(thing)
	}
	<-p.slots
}

// Drop ends a thing that nobody is to use again.
func (p *Pool[T]) Drop(thing T) {
	p.free(thing)
	<-p.slots
}

// Close refuses new leases, ends the idle things, and waits until those that are
// leased have been given back, or ctx ends. It is idempotent.
func (p *Pool[T]) Close(ctx context.Context) error {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	if !p.over {
		p.over = true
		close(p.closed)
	}
	p.mu.Unlock()
	for _, thing := range idle {
		p.free(thing)
	}
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
			p.leave(taken)
			return ctx.Err()
		}
	}
	p.leave(p.config.Size)
	return nil
}

// leave gives back the slots that Close took.
func (p *Pool[T]) leave(n int) {
	for range n {
		<-p.slots
	}
}
