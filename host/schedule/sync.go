package schedule

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// few is how many apps are asked for one by one.
const few = 4

// sync takes over what the registry has now: new apps, new revisions, removals.
func (s *Scheduler) sync(ctx context.Context) error {
	live := s.config.Registry.Apps()
	names := make(map[space.AppName]bool, len(live))
	var changed []*registry.App
	for _, app := range live {
		names[app.App.Name] = true
		if old := s.apps[app.App.Name]; old == nil || old.live != app {
			changed = append(changed, app)
		}
	}
	for name, app := range s.apps {
		if !names[name] {
			s.discard(app)
		}
	}
	kept, err := s.kept(ctx, changed)
	if err != nil {
		return err
	}
	c := &changes{now: s.now()}
	for _, app := range changed {
		s.adopt(c, app, kept[app.App.Name])
	}
	if err := s.config.Store.SaveActions(ctx, c.saves); err != nil {
		return err
	}
	if err := s.record(ctx, c.runs); err != nil {
		return err
	}
	for _, apply := range c.apply {
		apply()
	}
	s.owed = false
	return nil
}

// changes are what is to be recorded, and done once it is.
type changes struct {
	now   time.Time
	saves []store.Action
	runs  []store.RunChange
	apply []func()
}

// keptActions are actions by app.
type keptActions map[space.AppName]map[space.ActionKey]store.Action

// kept is what the store knows of the actions of apps that the scheduler does not know as
// they are.
func (s *Scheduler) kept(ctx context.Context, apps []*registry.App) (keptActions, error) {
	names := []space.AppName{""}
	if len(apps) <= few {
		names = nil
		for _, app := range apps {
			names = append(names, app.App.Name)
		}
	}
	kept := keptActions{}
	for _, name := range names {
		actions, err := s.config.Store.Actions(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, a := range actions {
			if kept[a.Key.App] == nil {
				kept[a.Key.App] = map[space.ActionKey]store.Action{}
			}
			kept[a.Key.App][a.Key] = a
		}
	}
	return kept, nil
}

// discard forgets an app that is removed, as the store has.
func (s *Scheduler) discard(app *appEntry) {
	for _, e := range app.entries {
		s.retire(e)
	}
	delete(s.apps, app.live.App.Name)
}

// retire takes an entry out; what runs of it goes on.
func (s *Scheduler) retire(e *entry) {
	s.clock.set(e, time.Time{})
	e.waiting = nil
	e.broken = true
	if !e.running {
		e.since = time.Time{} // the next fire has its own patience
	}
	if e.ready {
		s.line = slices.DeleteFunc(s.line, func(other *entry) bool { return other == e })
		e.ready = false
	}
}

// adopt plans what an app that is new, or has another revision, changes.
func (s *Scheduler) adopt(c *changes, live *registry.App, kept map[space.ActionKey]store.Action) {
	old := s.apps[live.App.Name]
	if old != nil && old.live.App.Key != live.App.Key { // another app's name
		s.discard(old)
		old = nil
	}
	app := &appEntry{live: live, entries: map[space.ActionKey]*entry{}}
	if old != nil {
		app = old
	}
	there := map[space.ActionKey]bool{}
	for _, micro := range live.Revision.Micros {
		for _, action := range micro.Actions {
			key := space.ActionKey{App: live.App.Name, Micro: micro.Name, ID: action.ID}
			there[key] = true
			s.install(c, app, key, action, kept)
		}
	}
	for key, known := range kept {
		if !there[key] && known.Dropped.IsZero() {
			s.drop(c, app, key, known)
		}
	}
	c.apply = append(c.apply, func() {
		app.live = live
		s.apps[live.App.Name] = app
	})
}

// install plans an action that a revision has.
func (s *Scheduler) install(c *changes, app *appEntry, key space.ActionKey, action space.Action, all map[space.ActionKey]store.Action) {
	e := app.entries[key]
	kept, known := all[key]
	if e != nil { // which knows better than the store
		kept = e.kept
	}
	was := kept
	spec := specOf(action, kept.Interval)
	if !known || !kept.Dropped.IsZero() || kept.Spec != spec {
		if e != nil {
			s.letGo(c, e)
		}
		kept.Key, kept.Installed, kept.Spec, kept.Dropped = key, c.now, spec, time.Time{}
		if c.now.After(kept.Last) {
			kept.Last = c.now // what was before is not missed
		}
	}
	if kept != was {
		c.saves = append(c.saves, kept)
	}
	c.apply = append(c.apply, func() {
		if e == nil {
			e = &entry{index: -1, app: app}
			app.entries[key] = e
		}
		e.kept, e.action = kept, action
		s.arm(e)
	})
}

// specOf is the interval that counts, and where.
func specOf(action space.Action, own string) string {
	own = cmp.Or(own, action.DefaultInterval)
	if action.Timezone != "" {
		own += " " + action.Timezone
	}
	return own
}

// arm works out when an entry wakes.
func (s *Scheduler) arm(e *entry) {
	interval, err := intervalOf(e.action, e.kept.Interval, s.zone)
	e.broken = err != nil
	if err != nil {
		s.config.Logger.Error("an action does not run", "app", e.kept.Key.App, "action", e.kept.Key.String(), "error", err)
	}
	e.rule = ruleOf(e.action, e.kept, interval)
	s.clock.set(e, e.nextWake())
}

// intervalOf parses the interval that counts.
func intervalOf(action space.Action, own string, find func(string) (*time.Location, error)) (space.Interval, error) {
	zone, err := find(action.Timezone)
	if err != nil {
		return space.Interval{}, err
	}
	return space.ParseInterval(cmp.Or(own, action.DefaultInterval), zone)
}

// zone finds a time zone, and keeps it: finding one reads a file.
func (s *Scheduler) zone(name string) (*time.Location, error) {
	if zone := s.zones[name]; zone != nil {
		return zone, nil
	}
	zone, err := space.ParseZone(name)
	if err == nil {
		s.zones[name] = zone
	}
	return zone, err
}

func ruleOf(action space.Action, kept store.Action, interval space.Interval) rule {
	return rule{
		interval: interval, installed: kept.Installed, spread: action.Spread, seed: seedOf(kept.Key),
		once: action.Missed == space.MissedOnce,
	}
}

// drop plans the end of an action that the revision does not have any more. Its history
// stays.
func (s *Scheduler) drop(c *changes, app *appEntry, key space.ActionKey, kept store.Action) {
	e := app.entries[key]
	if e != nil {
		kept = e.kept
		s.skipWaiting(c, e)
		s.letGo(c, e)
	}
	kept.Dropped = c.now
	c.saves = append(c.saves, kept)
	c.apply = append(c.apply, func() {
		if e != nil {
			s.retire(e)
			e.kept = kept
			s.forget(e)
		}
	})
}

// forget takes out an entry that a revision has dropped, once nothing of it runs: it may
// come back before.
func (s *Scheduler) forget(e *entry) {
	if !e.kept.Dropped.IsZero() && !e.running && e.app.entries[e.kept.Key] == e {
		delete(e.app.entries, e.kept.Key)
	}
}

// letGo plans the record of what an action owes and will not run, as it changes now.
func (s *Scheduler) letGo(c *changes, e *entry) {
	if s.config.ByHand || e.kept.Paused || e.broken {
		return
	}
	v := e.rule.plan(e.kept.Last, c.now)
	first, last := v.missed[0], v.missed[1]
	if !v.fire.IsZero() {
		last = v.fire
		if first.IsZero() {
			first = v.first
		}
	}
	if last.IsZero() {
		return
	}
	run := e.newRun(last, first, space.RunSkipped, c.now)
	run.Ended = c.now
	c.runs = append(c.runs, store.RunChange{Run: run, AppKey: e.app.live.App.Key})
}

// skipWaiting plans the end of the runs that wait.
func (s *Scheduler) skipWaiting(c *changes, e *entry) {
	for _, run := range e.waiting {
		skipped := *run
		skipped.State, skipped.Ended = space.RunSkipped, c.now
		c.runs = append(c.runs, store.RunChange{Run: &skipped})
	}
}

// resume takes up the runs that waited when the server stopped. Those that come too late
// are missed, unless their action makes up for that.
func (s *Scheduler) resume(ctx context.Context, waiting []space.Run) error {
	now := s.now()
	var ends []store.RunChange
	goesOn := map[*space.Run]*entry{}
	for i := range waiting {
		run := &waiting[i]
		var e *entry
		if app := s.apps[run.Action.App]; app != nil {
			e = app.entries[run.Action]
		}
		switch {
		case e == nil || e.kept.Paused:
			run.State, run.Ended = space.RunSkipped, now
			ends = append(ends, store.RunChange{Run: run})
		case !e.rule.once && now.Sub(run.Due) > late:
			run.State, run.Ended = space.RunMissed, now
			ends = append(ends, store.RunChange{Run: run})
		default:
			goesOn[run] = e
		}
	}
	if err := s.record(ctx, ends); err != nil {
		return err
	}
	for i := range waiting {
		if e := goesOn[&waiting[i]]; e != nil {
			e.waiting = append(e.waiting, &waiting[i])
			s.clock.set(e, e.nextWake())
		}
	}
	return nil
}
