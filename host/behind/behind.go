// Package behind does small work in batches, a moment later and behind those who have it
// done: what they give waits for others, and all of it is done at a time.
package behind

import (
	"context"
	"sync"
	"time"
)

// kept is how many values a queue keeps room for that waits for the next.
const kept = 1024

// Queue is work that waits to be done. It is safe for concurrent use.
type Queue[T any] struct {
	gather time.Duration
	do     func([]T) error
	wake   chan struct{} // of one place: something waits

	doing sync.Mutex // held while work is done; taken before mu
	spare []T        // room for what comes next

	mu      sync.Mutex
	running bool
	waiting []T
}

// New returns a queue that hands what waits, for so long at the most while somebody runs it,
// to do: one batch after the other, each in the order of [Queue.Put]. The batch is the queue's.
func New[T any](gather time.Duration, do func([]T) error) *Queue[T] {
	return &Queue[T]{gather: gather, do: do, wake: make(chan struct{}, 1)}
}

// Put has a value wait, unless there are so many already and somebody will see to them; room
// tells whether it waits. While nobody is running the queue, who has put something calls Flush.
func (q *Queue[T]) Put(value T, most int) (room, running bool) {
	q.mu.Lock()
	running = q.running
	if room = !running || len(q.waiting) < most; room {
		q.waiting = append(q.waiting, value)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // it is awake
	}
	return room, running
}

// Flush does what waits, now. The error is that of doing it; what there was to do is gone.
func (q *Queue[T]) Flush() error {
	q.doing.Lock()
	defer q.doing.Unlock()
	batch := q.take()
	defer q.reuse(batch)
	if len(batch) == 0 {
		return nil
	}
	return q.do(batch)
}

// Run does what waits until ctx ends; what comes later is for who gives it to do. It returns
// nil: errors of doing it are for who does it to tell.
func (q *Queue[T]) Run(ctx context.Context) error {
	q.run(true)
	for {
		select {
		case <-ctx.Done():
			q.run(false)
			_ = q.Flush()
			return nil
		case <-q.wake:
		}
		select {
		case <-ctx.Done():
		case <-time.After(q.gather):
		}
		_ = q.Flush()
	}
}

func (q *Queue[T]) run(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = on
}

// take empties the queue. doing is held.
func (q *Queue[T]) take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.waiting
	q.waiting, q.spare = q.spare, nil
	return batch
}

// reuse takes the room of what has been done, unless it is that of a flood. doing is held.
func (q *Queue[T]) reuse(batch []T) {
	clear(batch)
	if cap(batch) <= kept {
		q.spare = batch[:0]
	}
}
