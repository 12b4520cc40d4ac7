package schedule

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// pruneEvery is after how many runs of an action the old ones are dropped.
const pruneEvery = 16

// step is a run that is to be recorded, and what is done then.
type step struct {
	entry *entry
	run   *space.Run
	begin bool // it has a place
}

// round is what one transaction records.
type round struct {
	now   time.Time
	steps []step
	woken []*entry
	undo  []func()
}

// fire records what is due, at most a burst of it, and has run what has a place. It tells
// whether there is more.
func (s *Scheduler) fire(ctx context.Context) (more bool, err error) {
	r := &round{now: s.now()}
	line := slices.Clone(s.line)
	for len(r.steps) < burst && s.seat(r) {
		continue
	}
	for !s.config.ByHand && len(r.woken) < burst && len(s.clock) > 0 && !s.clock[0].wake.After(r.now) {
		e := s.clock[0]
		s.clock.set(e, time.Time{})
		r.woken = append(r.woken, e)
		s.wake(r, e)
	}
	changes := make([]store.RunChange, len(r.steps))
	for i, step := range r.steps {
		changes[i] = store.RunChange{Run: step.run, AppKey: step.entry.app.live.App.Key, Prune: step.run.ID == 0 && step.entry.prunes()}
	}
	if err := s.record(ctx, changes); err != nil {
		for _, undo := range slices.Backward(r.undo) {
			undo()
		}
		s.line = line
		for _, e := range r.woken {
			s.clock.set(e, r.now)
		}
		return false, err
	}
	for _, step := range r.steps {
		s.apply(ctx, step)
	}
	for _, e := range r.woken {
		s.clock.set(e, e.nextWake())
	}
	return len(r.woken) == burst || len(r.steps) >= burst, nil
}

// prunes counts the new runs of an action. The first since the start is one that prunes:
// a server may be restarted more often than an action runs.
func (e *entry) prunes() bool {
	e.fires++
	return e.fires%pruneEvery == 1
}

// wake works out what an action owes.
func (s *Scheduler) wake(r *round, e *entry) {
	last := e.kept.Last
	r.undo = append(r.undo, func() { e.kept.Last = last })
	if !e.kept.Paused && !e.broken {
		s.wakePlan(r, e, e.rule.plan(last, r.now))
	}
	if len(e.waiting) > 0 && !e.running && !e.ready && !e.waiting[0].Due.After(r.now) {
		s.queue(r, e)
		s.seat(r)
	}
}

// wakePlan has an action owe what its rule says.
func (s *Scheduler) wakePlan(r *round, e *entry, v verdict) {
	if !v.missed[1].IsZero() {
		r.steps = append(r.steps, step{entry: e, run: e.newRun(v.missed[1], v.missed[0], space.RunMissed, r.now)})
		e.kept.Last = v.missed[1]
	}
	if v.fire.IsZero() {
		return
	}
	e.kept.Last = v.fire
	run := e.newRun(v.fire, v.first, space.RunWaiting, r.now)
	switch {
	case !e.busy() && len(s.line) == 0 && s.hasPlace(e.app):
		s.take(r, e)
		run.State, run.Started = space.RunRunning, r.now
		r.steps = append(r.steps, step{entry: e, run: run, begin: true})
	case !e.busy() || (e.queues() && len(e.waiting) < maxWaiting):
		r.steps = append(r.steps, step{entry: e, run: run})
		e.waiting = append(e.waiting, run)
		r.undo = append(r.undo, func() { e.waiting = e.waiting[:len(e.waiting)-1] })
	default:
		run.State, run.Ended = space.RunSkipped, r.now
		r.steps = append(r.steps, step{entry: e, run: run})
	}
}

// newRun is the first attempt at a fire.
func (e *entry) newRun(fire, first time.Time, state space.RunState, now time.Time) *space.Run {
	run := &space.Run{
		Action: e.kept.Key, Trigger: space.TriggerSchedule, Fire: fire, First: first, Attempt: 1, State: state,
		Due: e.rule.due(fire), Request: space.NewRequestID(),
	}
	if state == space.RunMissed {
		run.Ended = now
	}
	return run
}

// hasPlace tells whether a fire of an app may run: one app leaves places for others.
func (s *Scheduler) hasPlace(app *appEntry) bool {
	return s.running < s.config.Places && app.running < max(1, s.config.Places/2)
}

// take takes a place for an action.
func (s *Scheduler) take(r *round, e *entry) {
	s.running++
	e.app.running++
	e.running = true
	r.undo = append(r.undo, func() { s.leave(e) })
}

// leave gives it back.
func (s *Scheduler) leave(e *entry) {
	s.running--
	e.app.running--
	e.running = false
}

// queue puts an action into the line.
func (s *Scheduler) queue(r *round, e *entry) {
	s.line = append(s.line, e)
	e.ready = true
	r.undo = append(r.undo, func() { e.ready = false })
}

// seat gives a place to the first in the line who may have one, and tells whether it did.
func (s *Scheduler) seat(r *round) bool {
	if s.running >= s.config.Places {
		return false
	}
	i := slices.IndexFunc(s.line, func(e *entry) bool { return s.hasPlace(e.app) && !e.running }) // by hand
	if i < 0 {
		return false
	}
	e := s.line[i]
	s.line = slices.Delete(s.line, i, i+1)
	e.ready = false
	waiting := e.waiting
	r.undo = append(r.undo, func() { e.ready, e.waiting = true, waiting })
	s.take(r, e)
	next := waiting[0]
	e.waiting = waiting[1:]
	run := *next // the one that waits stays as it is recorded until this is
	run.State, run.Started = space.RunRunning, r.now
	i = slices.IndexFunc(r.steps, func(other step) bool { return other.run == next })
	if i >= 0 { // it is due in this very round
		r.steps[i] = step{entry: e, run: &run, begin: true}
	} else {
		r.steps = append(r.steps, step{entry: e, run: &run, begin: true})
	}
	return true
}

// apply does what a recorded step is for.
func (s *Scheduler) apply(ctx context.Context, done step) {
	e, run := done.entry, done.run
	switch {
	case run.ID == 0: // recorded before, as a clock went back, or gone with its app
		e.waiting = slices.DeleteFunc(e.waiting, func(other *space.Run) bool { return other == run })
		if done.begin {
			s.leave(e)
		}
	case done.begin:
		if e.since.IsZero() {
			e.since = run.Started
		}
		s.start(ctx, e, *run, nil)
	case run.State == space.RunSkipped || run.State == space.RunMissed:
		s.log(e, run)
	}
}

// settle records how runs have ended, and what comes after them.
func (s *Scheduler) settle(ctx context.Context) error {
	if len(s.unsettled) == 0 {
		return nil
	}
	now := s.now()
	var changes []store.RunChange
	again := make([]*space.Run, len(s.unsettled))
	for i := range s.unsettled {
		r := &s.unsettled[i]
		r.close(now)
		changes = append(changes, store.RunChange{Run: &r.run})
		switch {
		case r.run.State == space.RunWaiting:
			run := r.run
			again[i] = &run
		case r.triesAgain():
			again[i] = next(r.run, now)
			changes = append(changes, store.RunChange{Run: again[i], AppKey: r.appKey, Prune: r.entry.prunes()})
		}
	}
	if err := s.record(ctx, changes); err != nil {
		return err
	}
	for i, r := range s.unsettled {
		s.settled(r, again[i])
	}
	s.unsettled = nil
	return nil
}

// settled lets go of a run that has ended, and has it run again where it is to.
func (s *Scheduler) settled(r result, again *space.Run) {
	e := r.entry
	if r.run.Trigger == space.TriggerSchedule {
		s.leave(e)
	} else {
		e.running = false
	}
	if again != nil && again.ID != 0 && r.run.ID != 0 { // else its app is gone
		e.waiting = slices.Insert(e.waiting, 0, again)
	}
	s.clock.set(e, e.nextWake())
	s.forget(e)
	if r.run.State != space.RunWaiting {
		e.since = time.Time{}
		s.log(e, &r.run)
		s.note(&r)
	}
	if r.reply != nil {
		r.reply <- r
	}
}

// log writes a run down for who runs the server, as the gateway does a request.
func (s *Scheduler) log(e *entry, run *space.Run) {
	if s.config.Ended != nil {
		s.config.Ended(*run)
	}
	s.config.Logger.Info("action", "method", http.MethodPost, "path", pathOf(e.action), "app", run.Action.App, "action", run.Action.String(), "trigger", run.Trigger, "fire", run.Fire,
		"attempt", run.Attempt, "state", run.State, "status", run.Status, "code", run.Code, "fuel", run.Fuel,
		"took", run.Took(), "request", run.Request)
}
