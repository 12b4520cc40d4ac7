package schedule

import (
	"context"
	"slices"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Status is an action as its owner sees it.
type Status struct {
	Key    space.ActionKey
	Action space.Action
	// Interval is the one that counts, Own whether it is its owner's.
	Interval string
	Own      bool
	Paused   bool
	// Next are the coming fires, the times at which they are due.
	Next []time.Time
	// Last is the newest run, nil if there is none.
	Last *space.Run
}

// maxNext bounds the coming fires that may be asked for.
const maxNext = 100

// Actions returns the actions of an app in the order of its Spacefile, each with as many
// of its coming fires.
func (s *Scheduler) Actions(ctx context.Context, name space.AppName, coming int) ([]Status, error) {
	live, err := s.live(name)
	if err != nil {
		return nil, err
	}
	known, err := s.config.Store.Actions(ctx, name)
	if err != nil {
		return nil, err
	}
	last, err := s.config.Store.LastRuns(ctx, name)
	if err != nil {
		return nil, err
	}
	now := s.now()
	all := []Status{}
	for _, micro := range live.Revision.Micros {
		for _, action := range micro.Actions {
			key := space.ActionKey{App: name, Micro: micro.Name, ID: action.ID}
			status := Status{Key: key, Action: action}
			kept := store.Action{Key: key, Installed: now, Last: now} // it is just being installed
			if i := slices.IndexFunc(known, func(a store.Action) bool { return a.Key == key }); i >= 0 {
				kept = known[i]
			}
			if i := slices.IndexFunc(last, func(r space.Run) bool { return r.Action == key }); i >= 0 {
				status.Last = &last[i]
			}
			most := min(coming, maxNext)
			if s.config.ByHand {
				most = 0
			}
			status.fill(kept, now, most)
			all = append(all, status)
		}
	}
	return all, nil
}

// fill works out what an action is up to.
func (s *Status) fill(kept store.Action, now time.Time, coming int) {
	s.Interval, s.Own, s.Paused = s.Action.DefaultInterval, kept.Interval != "", kept.Paused
	if s.Own {
		s.Interval = kept.Interval
	}
	interval, err := intervalOf(s.Action, kept.Interval, space.ParseZone)
	if err != nil || s.Paused {
		return
	}
	rule := ruleOf(s.Action, kept, interval)
	after := now.Add(-s.Action.Spread) // what is put off is still to come
	if kept.Last.After(after) {
		after = kept.Last
	}
	for len(s.Next) < coming {
		fire := rule.after(after)
		if fire.IsZero() {
			return
		}
		if due := rule.due(fire); due.After(now) {
			s.Next = append(s.Next, due)
		}
		after = fire
	}
}

// live is the app of a name.
func (s *Scheduler) live(name space.AppName) (*registry.App, error) {
	app, release, ok := s.config.Registry.Acquire(name)
	if !ok {
		return nil, space.Errorf(space.CodeNotFound, "there is no app %q", name)
	}
	release() // what it says of itself stays
	return app, nil
}

// Find returns the key of an action of an app; without a Micro's name, of the one with
// the id.
func (s *Scheduler) Find(name space.AppName, micro, id string) (space.ActionKey, error) {
	live, err := s.live(name)
	if err != nil {
		return space.ActionKey{}, err
	}
	for _, m := range live.Revision.Micros {
		for _, action := range m.Actions {
			if action.ID == id && (micro == "" || micro == m.Name) {
				return space.ActionKey{App: name, Micro: m.Name, ID: id}, nil
			}
		}
	}
	return space.ActionKey{}, noAction(space.ActionKey{App: name, Micro: micro, ID: id})
}

func noAction(k space.ActionKey) error {
	name := k.ID
	if k.Micro != "" {
		name = k.String()
	}
	return space.Errorf(space.CodeNotFound, "the app %q has no action %s", k.App, name)
}

// Runs returns runs of an app, the newest first.
func (s *Scheduler) Runs(ctx context.Context, q store.RunQuery) ([]space.Run, error) {
	if _, err := s.live(q.App); err != nil {
		return nil, err
	}
	return s.config.Store.Runs(ctx, q)
}

// Report is how a manual run has ended.
type Report struct {
	Run     space.Run
	Message string // of the platform's error
	// Body is the beginning of what the Micro has answered, Cut whether there was more.
	Body []byte
	Cut  bool
}

// RunNow runs an action, and waits for its end. If ctx ends before, it goes on.
func (s *Scheduler) RunNow(ctx context.Context, key space.ActionKey) (Report, error) {
	reply := make(chan result, 1)
	if err := s.do(ctx, func(ctx context.Context) error { return s.runNow(ctx, key, reply) }); err != nil {
		return Report{}, err
	}
	select {
	case r := <-reply:
		return r.report()
	case <-s.stopped: // perhaps without having been able to write it down
		select {
		case r := <-reply:
			return r.report()
		default:
			return Report{}, errStopped
		}
	case <-ctx.Done():
		return Report{}, &space.Error{Code: space.CodeClientGone, Message: "the client left while the action ran", Err: ctx.Err()}
	}
}

// report is what its owner learns of a manual run.
func (r *result) report() (Report, error) {
	if r.unstarted {
		return Report{}, errStopped
	}
	return Report{Run: r.run, Message: r.message, Body: r.body, Cut: r.cut}, nil
}

// entry is an action that the scheduler has.
func (s *Scheduler) entry(ctx context.Context, key space.ActionKey) (*entry, error) {
	err := s.open(ctx)
	if err == nil {
		err = s.sync(ctx) // it may be of a push that has just been answered
	}
	if err != nil {
		return nil, store.Explain(err)
	}
	if app := s.apps[key.App]; app != nil {
		if e := app.entries[key]; e != nil && e.kept.Dropped.IsZero() {
			return e, nil
		}
	}
	return nil, noAction(key)
}

// runNow begins a manual run. It needs no place of the fires': its owner waits for it.
func (s *Scheduler) runNow(ctx context.Context, key space.ActionKey, reply chan<- result) error {
	e, err := s.entry(ctx, key)
	if err != nil {
		return err
	}
	if e.running {
		return space.Errorf(space.CodeQueueFull, "the action %s runs already: try again when it has ended", key)
	}
	now := s.now()
	run := &space.Run{
		Action: key, Trigger: space.TriggerManual, Fire: now, First: now, Attempt: 1, State: space.RunRunning, Due: now, Started: now,
		Request: space.NewRequestID(),
	}
	if err := s.record(ctx, []store.RunChange{{Run: run, AppKey: e.app.live.App.Key, Prune: e.prunes()}}); err != nil {
		return store.Explain(err)
	}
	if run.ID == 0 {
		return noAction(key) // its app has just been removed
	}
	e.running = true
	s.start(ctx, e, *run, reply)
	return nil
}

// Change is what an owner changes of an action; nil stays.
type Change struct {
	Paused *bool
	// Interval is the owner's own, "" for the author's again.
	Interval *string
}

// Change changes an action. What was before is not made up for: it goes on from now.
func (s *Scheduler) Change(ctx context.Context, key space.ActionKey, c Change) error {
	return s.do(ctx, func(ctx context.Context) error { return s.change(ctx, key, c) })
}

func (s *Scheduler) change(ctx context.Context, key space.ActionKey, c Change) error {
	e, err := s.entry(ctx, key)
	if err != nil {
		return err
	}
	now := s.now()
	kept := e.kept
	if c.Interval != nil {
		if kept.Interval, err = ownInterval(e.action, *c.Interval); err != nil {
			return err
		}
	}
	if spec := specOf(e.action, kept.Interval); spec != kept.Spec {
		kept.Installed, kept.Spec, kept.Last = now, spec, now
	}
	if c.Paused != nil && *c.Paused != kept.Paused {
		kept.Paused, kept.Last = *c.Paused, now
	}
	if kept == e.kept {
		return nil
	}
	ends := &changes{now: now}
	if kept.Paused {
		s.skipWaiting(ends, e)
	}
	if kept.Last != e.kept.Last {
		s.letGo(ends, e)
	}
	if err = s.record(ctx, ends.runs); err == nil {
		err = s.config.Store.SaveActions(ctx, []store.Action{kept})
	}
	if err != nil {
		return store.Explain(err)
	}
	if kept.Paused {
		s.retire(e)
	}
	e.kept = kept
	s.arm(e)
	return nil
}

// ownInterval checks an owner's interval. The author's own is none.
func ownInterval(action space.Action, text string) (string, error) {
	if text == "" || text == action.DefaultInterval {
		return "", nil
	}
	interval, err := intervalOf(action, text, space.ParseZone)
	if err != nil {
		return "", space.Errorf(space.CodeRefused, "interval: %v", err)
	}
	return interval.String(), nil // without the line breaks that may stand between its words
}
