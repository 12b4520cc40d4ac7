package schedule

import (
	"container/heap"
	"hash/fnv"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// maxWaiting is how many fires of an action wait at most for the one that runs.
const maxWaiting = 8

// entry is an action in the scheduler.
type entry struct {
	kept   store.Action
	action space.Action
	app    *appEntry
	rule   rule
	// broken is an interval that this version does not understand.
	broken bool

	running bool
	waiting []*space.Run // recorded, the first is the next to run
	ready   bool         // stands in the line for a place
	since   time.Time    // when the run that has not reached the Micro yet began to try
	fires   int          // since the scheduler runs

	wake  time.Time // zero is never
	index int       // in the heap, -1 if not in it
}

// appEntry is an app with actions.
type appEntry struct {
	live    *registry.App
	entries map[space.ActionKey]*entry
	running int // of its scheduled runs
}

// seedOf is what makes the spread of an action another than that of others.
func seedOf(k space.ActionKey) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(string(k.App) + "\x00" + k.Micro + "\x00" + k.ID)) // never fails
	return h.Sum64()
}

// busy tells whether a fire of the action has not ended.
func (e *entry) busy() bool { return e.running || len(e.waiting) > 0 }

// queues tells whether its fires wait for each other.
func (e *entry) queues() bool { return e.action.Overlap == space.OverlapQueue }

// nextWake is when something is to be done about the action, zero for never.
func (e *entry) nextWake() time.Time {
	var wake time.Time
	if !e.kept.Paused && !e.broken {
		wake = e.rule.next(e.kept.Last)
	}
	if len(e.waiting) > 0 && !e.running && !e.ready {
		if due := e.waiting[0].Due; wake.IsZero() || due.Before(wake) {
			wake = due
		}
	}
	return wake
}

// clock is the entries by when they wake: one heap, whatever their number.
type clock []*entry

var _ heap.Interface = (*clock)(nil)

func (c clock) Len() int           { return len(c) }
func (c clock) Less(i, j int) bool { return c[i].wake.Before(c[j].wake) }
func (c clock) Swap(i, j int) {
	c[i], c[j] = c[j], c[i]
	c[i].index, c[j].index = i, j
}

// Push implements [heap.Interface].
func (c *clock) Push(x any) {
	e, ok := x.(*entry)
	if !ok {
		panic("schedule: the clock holds entries only")
	}
	e.index = len(*c)
	*c = append(*c, e)
}

// Pop implements [heap.Interface].
func (c *clock) Pop() any {
	last := len(*c) - 1
	e := (*c)[last]
	(*c)[last] = nil
	*c = (*c)[:last]
	e.index = -1
	return e
}

// set has an entry wake at a time, zero for never.
func (c *clock) set(e *entry, wake time.Time) {
	e.wake = wake
	switch {
	case wake.IsZero() && e.index >= 0:
		heap.Remove(c, e.index)
	case wake.IsZero():
	case e.index >= 0:
		heap.Fix(c, e.index)
	default:
		heap.Push(c, e)
	}
}

// first is when the first entry wakes, zero for never.
func (c clock) first() time.Time {
	if len(c) == 0 {
		return time.Time{}
	}
	return c[0].wake
}
