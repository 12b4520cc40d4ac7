package schedule

import (
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// result is how a run has ended.
type result struct {
	entry *entry
	run   space.Run
	// appKey is the key of the app for which the run is: another may have its name by then.
	appKey string
	path   string // where its call goes, as far as is known before
	// unstarted has not reached the Micro: there was no room, or the server stops.
	unstarted bool
	message   string // of the platform's error
	visit     *Visit // the last call, nil for none
	body      []byte
	cut       bool // the body was longer
	reply     chan<- result
}

// goesOn tells whether the action is still there and on.
func (r *result) goesOn() bool { return !r.entry.broken && !r.entry.kept.Paused }

// close makes of the run what is to be recorded. One that has not reached its Micro waits
// again, unless it has done so for too long. It may be called again if that fails.
func (r *result) close(now time.Time) {
	run := &r.run
	run.Ended = now
	switch {
	case !r.unstarted || run.Trigger == space.TriggerManual:
	case !r.goesOn():
		run.State, run.Code = space.RunSkipped, ""
	case now.Sub(r.entry.since) < patience:
		run.State, run.Started, run.Ended, run.Due, run.Code = space.RunWaiting, time.Time{}, time.Time{}, now.Add(hold), ""
	}
}

// triesAgain tells whether another attempt is owed.
func (r *result) triesAgain() bool {
	return r.run.State == space.RunFailed && r.run.Trigger == space.TriggerSchedule &&
		r.run.Attempt <= r.entry.action.Retries && r.goesOn()
}

// next is the attempt after a run.
func next(run space.Run, now time.Time) *space.Run {
	return &space.Run{
		Action: run.Action, Trigger: run.Trigger, Fire: run.Fire, First: run.First, Attempt: run.Attempt + 1,
		State: space.RunWaiting, Due: now.Add(backoff(run.Attempt)), Request: space.NewRequestID(),
	}
}
