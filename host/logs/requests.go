package logs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// requestsSuffix is what the folder of an app's requests has after the app's name. No app's name has a plus sign.
	requestsSuffix = "+requests"
	// maxWaiting bounds the requests that are to be stored, in number.
	maxWaiting = 8192
	// gather is how long a request waits for others, to be stored with them in one write.
	gather = 20 * time.Millisecond
)

// requests are those that have been answered and are to be stored: who serves them never waits for the disk.
type requests struct {
	wake chan struct{} // of one place: something waits

	mu      sync.Mutex
	waiting []noted
	spare   []noted        // room for those that wait
	dropped map[string]int // by app, for want of room
}

type noted struct {
	app   string
	entry Entry
}

// Note takes the entry of a request that has been answered, whose Time is when that was. It never waits: [Store.Run]
// stores it a moment later. What comes faster than that is dropped, and the log says how many were.
func (s *Store) Note(app string, e Entry) {
	e.Source = SourceRequest
	q := &s.requests
	q.mu.Lock()
	if len(q.waiting) >= maxWaiting {
		if q.dropped == nil {
			q.dropped = map[string]int{}
		}
		q.dropped[app]++
	} else {
		q.waiting = append(q.waiting, noted{app, e})
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // it is awake
	}
}

// write stores requests until ctx ends. What comes later is stored by [Store.Close].
func (s *Store) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.requests.wake:
		}
		select {
		case <-ctx.Done():
		case <-time.After(gather):
		}
		s.flush()
	}
}

// take empties the queue.
func (q *requests) take() (waiting []noted, dropped map[string]int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, dropped = q.waiting, q.dropped
	q.waiting, q.dropped, q.spare = q.spare, nil, nil
	return waiting, dropped
}

// reuse takes the room of requests that are stored, unless it is that of a flood.
func (q *requests) reuse(waiting []noted) {
	clear(waiting)
	q.mu.Lock()
	defer q.mu.Unlock()
	if cap(waiting) <= maxWaiting/8 {
		q.spare = waiting[:0]
	}
}

// flush stores the requests that wait, each app's in one write.
func (s *Store) flush() {
	waiting, dropped := s.requests.take()
	defer s.requests.reuse(waiting)
	lines := map[string][][]byte{}
	for _, n := range waiting {
		if s.outlived(n) {
			continue
		}
		if line, err := n.entry.encode(s.config.MaxLine); err == nil {
			lines[n.app] = append(lines[n.app], line)
		}
	}
	for app, count := range dropped {
		e := Entry{Source: SourceRequest, Message: fmt.Sprintf("%d requests are not listed: they came faster than they could be written", count)}
		if line, err := e.encode(s.config.MaxLine); err == nil {
			lines[app] = append(lines[app], line)
		}
	}
	for _, app := range slices.Sorted(maps.Keys(lines)) {
		j, err := s.journal(app + requestsSuffix)
		if err == nil {
			err = s.append(j, lines[app])
			j.rest()
		}
		if !errors.Is(err, errRemoved) {
			s.report(err)
		}
	}
}

// rest closes the file: every app that was ever asked would else keep one open.
func (j *journal) rest() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closeFile()
}

// outlived tells whether a request is one of an app that was removed meanwhile: the next app of the name must not find
// it.
func (s *Store) outlived(n noted) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.removed[n.app]
	return ok && !n.entry.began().After(at)
}

// began is when the request of an entry came.
func (e Entry) began() time.Time {
	if e.HTTP == nil {
		return e.Time
	}
	return e.Time.Add(-time.Duration(e.HTTP.TookMS * float64(time.Millisecond)))
}
