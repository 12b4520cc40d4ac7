package reports

import (
	"context"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxWaiting bounds the reports that are to be stored, in number.
const maxWaiting = 64

// kind is what failures have in common that are alike.
type kind struct {
	app      space.AppName
	micro    string
	revision int
	code     space.Code
}

// window is the time in which failures of a kind are counted for the one that a report is kept of.
type window struct {
	until  time.Time
	id     string // of the report; "" where none is kept
	count  int    // that have not been written down
	latest time.Time
}

// tally is what is to be written down of a window.
type tally struct {
	kind
	window
}

// inbox is what is to be stored. Who serves requests never waits for more than its lock.
type inbox struct {
	wake chan struct{} // of one place: something waits

	mu      sync.Mutex
	waiting []*Failure
	tallies []tally
	windows map[kind]*window
}

// Note takes a failure, which make describes if a report is to be kept of it. It never waits for the disk: [Store.Run]
// stores it a moment later. Failures that are nobody's program's are ignored, and those of a full queue or node only
// counted.
func (s *Store) Note(app space.AppName, micro string, revision int, code space.Code, describe func() *Failure) {
	keeps, counts := policy(code)
	if !keeps && !counts {
		return
	}
	k := kind{app, micro, revision, code}
	if !s.inbox.admit(k, keeps, time.Now(), s.config.Every) {
		return
	}
	f := describe()
	s.inbox.add(k, f)
}

// policy tells whether a report is kept of failures with a code, or whether they are counted.
func policy(code space.Code) (keeps, counts bool) {
	switch code {
	case space.CodeCrashed, space.CodeExited, space.CodeOutOfMemory, space.CodeBadResponse, space.CodeResponseTooLarge,
		space.CodeDeadline, space.CodeInternal, space.CodeAnswered:
		return true, true
	case space.CodeQueueFull, space.CodeNodeFull:
		return false, true
	default:
		return false, false
	}
}

// admit tells whether a failure is to be described, and counts it if not.
func (b *inbox) admit(k kind, keeps bool, now time.Time, every time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.notify()
	w := b.windows[k]
	if w == nil || !now.Before(w.until) {
		b.settle(k)
		w = &window{until: now.Add(every)}
		b.windows[k] = w
		if keeps && len(b.waiting) < maxWaiting {
			return true
		}
	}
	w.count++
	w.latest = now
	return false
}

// add takes a failure that was admitted.
func (b *inbox) add(k kind, f *Failure) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.notify()
	b.waiting = append(b.waiting, f)
	if w := b.windows[k]; w != nil && w.id == "" {
		w.id = string(f.ID)
	}
}

// settle takes what a window has counted. b.mu is held.
func (b *inbox) settle(k kind) {
	if w := b.windows[k]; w != nil && w.count > 0 {
		b.tallies = append(b.tallies, tally{k, *w})
		w.count = 0
	}
}

func (b *inbox) notify() {
	select {
	case b.wake <- struct{}{}:
	default: // it is awake
	}
}

// take empties the inbox but for the windows that are open still at that time, and tells whether there are some.
func (b *inbox) take(now time.Time) (waiting []*Failure, tallies []tally, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, w := range b.windows {
		if now.Before(w.until) {
			more = true
			continue
		}
		b.settle(k)
		delete(b.windows, k)
	}
	waiting, tallies = b.waiting, b.tallies
	b.waiting, b.tallies = nil, nil
	return waiting, tallies, more
}

// Run stores what [Store.Note] takes, and daily deletes what is old, until ctx ends. It returns nil: trouble goes to
// [Config.OnError].
func (s *Store) Run(ctx context.Context) error {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	s.prune()
	var over <-chan time.Time // when the windows are, that were open
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-daily.C:
			s.prune()
			continue
		case <-s.inbox.wake:
		case <-over:
		}
		over = nil
		if s.flush(time.Now()) {
			over = time.After(s.config.Every)
		}
		// Failures gather meanwhile: a node on which all fail writes now and then only.
		select {
		case <-ctx.Done():
		case <-time.After(s.config.Every / 10):
		}
	}
}

// flush stores what waits and is over at that time, and tells whether there is more.
func (s *Store) flush(now time.Time) bool {
	waiting, tallies, more := s.inbox.take(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	for _, f := range waiting {
		if at, ok := s.removed[f.App]; ok && !f.Began.After(at) {
			continue
		}
		s.tell(s.keep(f))
	}
	for _, t := range tallies {
		s.tell(s.count(t))
	}
	return more
}

// tell reports trouble.
func (s *Store) tell(err error) {
	if err != nil {
		s.config.OnError(err)
	}
}
