package schedule

import (
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Owed is what an action owes at a time.
type Owed struct{ MissedFirst, MissedLast, Fire, First time.Time }

// Plan is what an action owes now, if last is the newest fire that is accounted for, and
// when it owes more.
func Plan(interval space.Interval, installed, last, now time.Time, spread time.Duration, once bool) (Owed, time.Time) {
	r := rule{interval: interval, installed: installed, spread: spread, seed: 7, once: once}
	v := r.plan(last, now)
	return Owed{v.missed[0], v.missed[1], v.fire, v.first}, r.next(last)
}
