package runner

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Sleep says when Micros sleep. What nobody asks for is freed in two steps, as a clone
// costs a fraction of a millisecond, and code from the disk a hundred times that.
type Sleep struct {
	// Instances is how long a Micro keeps idle ones.
	Instances time.Duration
	// Code is how long it keeps its code and its snapshot.
	Code time.Duration
}

// DefaultSleep is a minute for instances, and a quarter of an hour for code.
func DefaultSleep() Sleep { return Sleep{Instances: time.Minute, Code: 15 * time.Minute} }

// Sleeper puts the Micros of a node to sleep: those that have been idle for long, and
// those that have been idle longest when others need their memory. It is safe for
// concurrent use; nil puts none to sleep.
type Sleeper struct {
	config Sleep

	mu    sync.Mutex
	awake map[*Micro]struct{}
}

// NewSleeper returns a sleeper, which [Sleeper.Run] has look at the time.
func NewSleeper(config Sleep) *Sleeper {
	return &Sleeper{config: config, awake: map[*Micro]struct{}{}}
}

func (s *Sleeper) add(m *Micro) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awake[m] = struct{}{}
}

func (s *Sleeper) remove(m *Micro) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.awake, m)
}

// all returns the Micros that are awake.
func (s *Sleeper) all() []*Micro {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Micro, 0, len(s.awake))
	for m := range s.awake {
		all = append(all, m)
	}
	return all
}

// Run puts Micros to sleep when it is time, until ctx ends.
func (s *Sleeper) Run(ctx context.Context) error {
	const looks = 10 // in the time that a Micro may be idle
	shorter := min(s.config.Instances, s.config.Code)
	ticker := time.NewTicker(max(shorter/looks, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			s.look(now)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Sleeper) look(now time.Time) {
	for _, m := range s.all() {
		switch idle := now.Sub(m.lastUsed()); {
		case idle >= s.config.Code:
			m.Sleep()
		case idle >= s.config.Instances:
			m.Doze()
		}
	}
}

// reclaim puts the Micro to sleep that has been idle longest, of those where it is of
// use, and tells whether there was one.
func (s *Sleeper) reclaim(useful func(*Micro) bool) bool {
	return first(slices.DeleteFunc(s.all(), func(m *Micro) bool { return !useful(m) }), (*Micro).Sleep)
}

// disconnect closes the idle connections of the Micro that has been idle longest, of those
// that have any, and tells whether there was one. Some may be of one that is busy.
func (s *Sleeper) disconnect() bool { return first(s.all(), (*Micro).disconnect) }

// first does something to the Micro that has been idle longest, of those where it can be
// done, and tells whether there was one.
func first(all []*Micro, do func(*Micro) bool) bool {
	for len(all) > 0 {
		first := 0
		for i, m := range all {
			if m.lastUsed().Before(all[first].lastUsed()) {
				first = i
			}
		}
		if do(all[first]) {
			return true
		}
		all[first] = all[len(all)-1]
		all = all[:len(all)-1]
	}
	return false
}
