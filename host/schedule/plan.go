package schedule

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// late is by how much a fire may come late and still runs; later it counts as missed. A
// server that is back within it has missed nothing.
const late = 30 * time.Second

// rule says when an action fires. It is a pure function of times.
type rule struct {
	interval  space.Interval
	installed time.Time
	// spread is by how much fires are put off at most; seed makes it another for each
	// action.
	spread time.Duration
	seed   uint64
	// once has one run stand for all fires that were missed.
	once bool
}

// verdict is what an action owes at a time.
type verdict struct {
	// missed are the first and the last fire that will not run; zero for none.
	missed [2]time.Time
	// fire is the one that is to run, zero for none, and first the earliest that it
	// stands for.
	fire, first time.Time
}

// due is when a fire is to begin: the same after a restart, and before the next fire,
// which would else have this one count as missed.
func (r *rule) due(fire time.Time) time.Time {
	if r.spread <= 0 {
		return fire
	}
	spread := r.spread
	if following := r.after(fire); !following.IsZero() {
		spread = min(spread, following.Sub(fire))
	}
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, [2]uint64{r.seed, uint64(fire.Unix())}) // never fails
	mixed := h.Sum64()
	mixed ^= mixed >> 29 // the low bits of FNV are the good ones
	return fire.Add(time.Duration(mixed % uint64(spread)))
}

// after is the first fire after a time, zero for none.
func (r *rule) after(t time.Time) time.Time { return r.interval.Next(r.installed, t).UTC() }

// next is when the fire after last is due, zero for never.
func (r *rule) next(last time.Time) time.Time {
	fire := r.after(last)
	if fire.IsZero() {
		return fire
	}
	return r.due(fire)
}

// plan says what is owed now, if last is the newest fire that is accounted for. A clock
// that went back owes nothing until it has caught up; one that leapt, one verdict.
func (r *rule) plan(last, now time.Time) verdict {
	first := r.after(last)
	if first.IsZero() || r.due(first).After(now) {
		return verdict{}
	}
	newest := r.newest(first, now)
	inTime := now.Sub(r.due(newest)) <= late
	switch {
	case inTime && (r.once || newest.Equal(first)), !inTime && r.once:
		return verdict{fire: newest, first: first}
	case inTime:
		return verdict{missed: [2]time.Time{first, r.latest(first, newest.Add(-time.Second))}, fire: newest, first: newest}
	}
	return verdict{missed: [2]time.Time{first, newest}}
}

// newest is the last fire that is due, of which first is one.
func (r *rule) newest(first, now time.Time) time.Time {
	fire := first
	if sure := now.Add(-r.spread); sure.After(first) {
		fire = r.latest(first, sure)
	}
	for {
		following := r.after(fire)
		if following.IsZero() || r.due(following).After(now) {
			return fire
		}
		fire = following
	}
}

// latest is the last fire up to a time, of which first is one. It halves the time between
// them, as there may be years of minutes.
func (r *rule) latest(first, until time.Time) time.Time {
	low, high := first.Add(-time.Second), until
	for high.Sub(low) > time.Second {
		middle := low.Add(high.Sub(low) / 2)
		if fire := r.after(middle); fire.IsZero() || fire.After(until) {
			high = middle
		} else {
			low = middle
		}
	}
	fire := r.after(low)
	if fire.IsZero() || fire.After(until) {
		return first
	}
	return fire
}

// backoff is how long a run that failed waits for its next attempt: twice as long each
// time, up to four minutes, as there are [space.MaxRetries].
func backoff(attempt int) time.Duration { return 15 * time.Second << (attempt - 1) }
