// Package schedule runs Scheduled Actions: it watches the registry, and sends the fires
// that are due through the same door as requests. What has become of each is in the store.
//
// All its state belongs to one goroutine, which takes turns: it closes the runs that have
// ended, works out what is due, records that in one transaction, and only then has it run.
package schedule

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

const (
	// heartbeat is how often the scheduler looks by itself: who sets the clock does not
	// ring the alarm.
	heartbeat = 15 * time.Second
	// mend is how long it waits after the store has failed.
	mend = time.Second
	// burst is how many actions one transaction is for at most.
	burst = 500
)

// Config is what a scheduler is made of; all of it stays the caller's.
type Config struct {
	Store    *store.Store
	Registry *registry.Registry
	// Hostname returns an app's host as its visitors type it.
	Hostname func(space.AppName) string
	// Places is how many fires run at a time, at least 1. They also need a place of their
	// Micro's and the node's, as requests do.
	Places int
	// ByHand has actions run only when their owner says so.
	ByHand bool
	// Ended is told of each run that has ended, or that is none; nil is not.
	Ended func(space.Run)
	// Tracer follows calls; nil follows none.
	Tracer *telemetry.Tracer
	// Now is the time of day; nil is the system's.
	Now    func() time.Time
	Logger *slog.Logger
	// Journal is told of all calls, once they are recorded; it may be nil.
	Journal Journal
}

// Scheduler is safe for concurrent use. Run it once.
type Scheduler struct {
	config   Config
	commands chan func(context.Context)
	results  chan result
	stopping chan struct{} // closed when nothing more is to begin
	stopped  chan struct{} // closed when Run returns

	// What follows is of the goroutine of Run.

	opened    bool // what the store knows is taken up
	apps      map[space.AppName]*appEntry
	zones     map[string]*time.Location
	clock     clock
	line      []*entry // those that are due and have no place, first in, first out
	running   int      // fires that have a place
	unsettled []result // ended, and not recorded yet
	owed      bool     // the registry has changed
	failed    time.Time
	workers   sync.WaitGroup
}

// New returns a scheduler, which does nothing before [Scheduler.Run].
func New(config Config) *Scheduler {
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Places = max(config.Places, 1)
	return &Scheduler{
		config: config, commands: make(chan func(context.Context)), results: make(chan result, 64),
		stopping: make(chan struct{}), stopped: make(chan struct{}), apps: map[space.AppName]*appEntry{}, zones: map[string]*time.Location{},
	}
}

// now is the time of day, to the millisecond, as it is recorded.
func (s *Scheduler) now() time.Time { return s.config.Now().UTC().Truncate(time.Millisecond) }

// Run fires actions until ctx ends, and then waits for those that run. The registry knows
// all apps when it is called.
func (s *Scheduler) Run(ctx context.Context) error {
	defer close(s.stopped)
	rings, err := newAlarm(ctx)
	if err != nil {
		return err
	}
	defer rings.close()
	changed := s.config.Registry.Watch()
	s.owed = true // it may have changed since Open
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		s.turn(ctx)
		if err := s.sleep(rings); err != nil {
			s.config.Logger.Error("the scheduler's alarm fails", "error", err)
		}
		select {
		case <-changed:
			changed = s.config.Registry.Watch()
			s.owed = true
		case <-rings.rings:
			rings.rang()
		case <-beat.C:
		case command := <-s.commands:
			command(ctx)
		case r := <-s.results:
			s.unsettled = append(s.unsettled, r)
		case <-ctx.Done():
			return s.drain(ctx)
		}
		s.collect()
	}
}

// collect takes the results that have come meanwhile, for one transaction.
func (s *Scheduler) collect() {
	for len(s.unsettled) < burst {
		select {
		case r := <-s.results:
			s.unsettled = append(s.unsettled, r)
		default:
			return
		}
	}
}

// sleep sets the alarm for what is next.
func (s *Scheduler) sleep(rings *alarm) error {
	now := s.now()
	next := s.clock.first()
	if s.failed.After(now) {
		next = s.failed
	}
	if next.IsZero() || s.config.ByHand || next.Sub(now) > heartbeat {
		return nil // before then it looks again by itself
	}
	return rings.set(next, now)
}

// turn does what is owed now.
func (s *Scheduler) turn(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // what is begun is written down
	if now := s.now(); s.failed.After(now) && s.failed.Sub(now) <= mend {
		return
	}
	s.failed = time.Time{}
	err := s.open(ctx)
	if err == nil {
		err = s.settle(ctx)
	}
	if err == nil && s.owed {
		err = s.sync(ctx)
	}
	for more := true; err == nil && more; {
		more, err = s.fire(ctx)
	}
	if err != nil {
		s.config.Logger.Error("cannot record Scheduled Actions; trying again", "error", err)
		s.failed = s.now().Add(mend)
	}
}

// drain waits for the runs that have begun, and records how they end. Those that wait do
// so until the next start.
func (s *Scheduler) drain(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	close(s.stopping)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.workers.Wait()
	}()
	for {
		select {
		case r := <-s.results:
			s.unsettled = append(s.unsettled, r)
		case <-done:
			s.collect()
			return s.settle(ctx)
		}
		s.collect()
		if err := s.settle(ctx); err != nil {
			s.config.Logger.Error("cannot record how an action ended", "error", err)
		}
	}
}

// errStopped is the error of a command to a scheduler that does not run.
var errStopped = &space.Error{Code: space.CodePreparing, Message: "the server stops; try again in a moment"}

// do has the goroutine of Run call fn.
func (s *Scheduler) do(ctx context.Context, fn func(context.Context) error) error {
	done := make(chan error, 1)
	select {
	case s.commands <- func(ctx context.Context) { done <- fn(context.WithoutCancel(ctx)) }:
	case <-s.stopped:
		return errStopped
	case <-ctx.Done():
		return &space.Error{Code: space.CodeClientGone, Message: "the client left", Err: ctx.Err()}
	}
	return <-done
}

// record records runs.
func (s *Scheduler) record(ctx context.Context, changes []store.RunChange) error {
	if len(changes) == 0 {
		return nil
	}
	return s.config.Store.RecordRuns(ctx, changes)
}

// Open takes up what the store knows, so that nobody is told that what a killed server ran
// goes on. The registry knows all apps. It is to be called before [Scheduler.Run], which
// does it otherwise, or if it has failed.
func (s *Scheduler) Open(ctx context.Context) error { return s.open(ctx) }

// open takes up what the store knows, once. If that fails it is owed: who serves requests
// does so without actions.
func (s *Scheduler) open(ctx context.Context) error {
	if s.opened {
		return nil
	}
	waiting, err := s.config.Store.RecoverRuns(ctx, s.now())
	if err != nil {
		return err
	}
	if err := s.sync(ctx); err != nil {
		return err
	}
	if err := s.resume(ctx, waiting); err != nil {
		return err
	}
	s.opened = true
	return nil
}
