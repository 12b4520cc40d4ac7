package host

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/gateway"
)

const (
	// maxVisits bounds the requests that wait to be written down, in number: of who comes
	// then it is done at once.
	maxVisits = 1024
	// gather is for how long they wait.
	gather = 10 * time.Millisecond
)

// visits are requests that have been answered, and are written down a moment later, in
// their order: nobody's request waits for that. While nobody runs it, it is done at once.
type visits struct {
	write func(*gateway.Visit)
	wake  chan struct{} // of one place: something waits

	writing sync.Mutex // held while they are written down; taken before mu
	spare   []gateway.Visit

	mu      sync.Mutex
	running bool
	waiting []gateway.Visit
}

var _ gateway.Journal = (*visits)(nil)

func newVisits(write func(*gateway.Visit)) *visits {
	return &visits{write: write, wake: make(chan struct{}, 1)}
}

// Answered implements [gateway.Journal].
func (q *visits) Answered(v gateway.Visit) {
	if v.Err == nil && v.Status < http.StatusInternalServerError {
		v.Inner, v.Usage.Words = nil, nil // which hold much, and are for reports
	}
	if !q.put(v) {
		q.flush()
	}
}

// put has a visit wait, and tells whether there is somebody, and time, for what waits.
func (q *visits) put(v gateway.Visit) bool {
	q.mu.Lock()
	q.waiting = append(q.waiting, v)
	ok := q.running && len(q.waiting) < maxVisits
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // it is awake
	}
	return ok
}

// run writes down what waits until ctx ends. It returns nil.
func (q *visits) run(ctx context.Context) error {
	q.turn(true)
	for {
		select {
		case <-ctx.Done():
			q.turn(false)
			q.flush()
			return nil
		case <-q.wake:
		}
		select {
		case <-ctx.Done():
		case <-time.After(gather):
		}
		q.flush()
	}
}

func (q *visits) turn(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running = on
}

func (q *visits) flush() {
	q.writing.Lock()
	defer q.writing.Unlock()
	waiting := q.take()
	for i := range waiting {
		q.write(&waiting[i])
	}
	clear(waiting)
	q.spare = waiting[:0]
}

// take empties the queue. writing is held.
func (q *visits) take() []gateway.Visit {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting
	q.waiting, q.spare = q.spare, nil
	return waiting
}
