package deploy

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// backlog is the stored revisions that are to be prepared: first those that somebody
// waits for, in the order in which they were asked for, then those of apps that were
// last asked for, then the newest. It is safe for concurrent use.
type backlog struct {
	mu      sync.Mutex
	waiting []*owed
	asked   int
	more    chan struct{} // holds a token when there may be something to do
}

// owed is a revision that is to be prepared.
type owed struct {
	store.Deployment
	asked int // when somebody asked for it first, 0 if nobody has
	tries int // that failed, and not for good
}

func newBacklog() *backlog { return &backlog{more: make(chan struct{}, 1)} }

// add takes a revision.
func (b *backlog) add(o *owed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, o)
	b.wake()
}

// want says that somebody waits for a revision, which may be in the backlog, on its
// way there, or being prepared.
func (b *backlog) want(o *owed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o.asked == 0 {
		b.asked++
		o.asked = b.asked
	}
}

func (b *backlog) wake() {
	select {
	case b.more <- struct{}{}:
	default: // somebody will look anyway
	}
}

// take returns what is to be prepared next, when there is something.
func (b *backlog) take(ctx context.Context) (*owed, error) {
	for {
		if o, ok := b.first(); ok {
			return o, nil
		}
		select {
		case <-b.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (b *backlog) first() (*owed, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return nil, false
	}
	best := slices.MinFunc(b.waiting, func(x, y *owed) int {
		switch {
		case (x.asked > 0) != (y.asked > 0):
			return y.asked - x.asked
		case x.asked != y.asked:
			return x.asked - y.asked
		}
		return cmp.Or(y.Used.Compare(x.Used), y.Revision.Created.Compare(x.Revision.Created))
	})
	b.waiting = slices.DeleteFunc(b.waiting, func(o *owed) bool { return o == best })
	if len(b.waiting) > 0 {
		b.wake() // for another
	}
	return best, true
}

// owe publishes an app whose revision is prepared later, by [Deployer.Prepare].
func (d *Deployer) owe(deployment store.Deployment) {
	o := &owed{Deployment: deployment}
	d.config.Registry.Publish(d.wanted(o))
	d.backlog.add(o) // when the table has what it is to take the place of
}

// wanted is an app that waits for being prepared.
func (d *Deployer) wanted(o *owed) *registry.App {
	return &registry.App{App: o.App, Revision: o.Revision, Wanted: func() { d.backlog.want(o) }}
}

// Prepare prepares the apps that [Deployer.Restore] has found unprepared, until ctx
// ends: two at a time, those first that somebody waits for.
func (d *Deployer) Prepare(ctx context.Context) error {
	const atOnce = 2
	group, ctx := errgroup.WithContext(ctx)
	for range atOnce {
		group.Go(func() error {
			for {
				o, err := d.backlog.take(ctx)
				if err != nil {
					return nil //nolint:nilerr // it was asked to end
				}
				d.prepare(ctx, o)
			}
		})
	}
	return group.Wait()
}

// prepare prepares a revision and publishes it, or why it cannot run. What may be
// the trouble of a moment is tried again, later each time.
func (d *Deployer) prepare(ctx context.Context, o *owed) {
	const tries, pause = 6, 2 * time.Second
	began := time.Now()
	app, err := d.restore(ctx, o.Deployment, (*wasi.Engine).Compile, (*wasi.Module).Initialise)
	switch refused, ok := errors.AsType[*space.Error](err); {
	case err == nil:
		d.config.Logger.Info("app is prepared", "app", o.App.Name, "took", time.Since(began))
	case ctx.Err() != nil:
		return
	case ok && refused.Code == space.CodeRefused, o.tries == tries, errors.Is(err, errNoBundle):
		app = d.failed(o.Deployment, err)
	default:
		again := pause << o.tries
		d.config.Logger.Warn("app could not be prepared; it is tried again", "app", o.App.Name, "in", again, "error", err)
		o.tries++
		time.AfterFunc(again, func() { d.backlog.add(o) })
		return
	}
	d.replace(app)
	d.oweSweep() // of what it had before, or of what nobody needs
	d.sweepOwed()
}

// replace publishes an app in the place of the same revision, which was waiting for
// it. If that is not there any more, the app is closed.
func (d *Deployer) replace(app *registry.App) {
	if d.supersede(app, func(now *registry.App) bool { return now.Wanted != nil }) {
		return
	}
	d.discard(app)
}

// discard closes an app that was not published.
func (d *Deployer) discard(app *registry.App) {
	for _, route := range app.Routes {
		if err := route.Server.Close(context.Background()); err != nil {
			d.config.Logger.Warn("cannot close an app that is not needed any more", "app", app.App.Name, "error", err)
		}
	}
}

// Prepared is what came of preparing an app ahead of a server's start.
type Prepared struct {
	App  space.AppName
	Took time.Duration
	// Failed says why it cannot run, "" if it can.
	Failed string
}

// PrepareAll prepares the active revisions of all apps, one after the other, and
// says of each what came of it. Nothing is published.
func (d *Deployer) PrepareAll(ctx context.Context, done func(Prepared)) error {
	deployments, err := d.config.Store.Active(ctx)
	if err != nil {
		return err
	}
	for _, deployment := range deployments {
		began := time.Now()
		deployment, err := d.open(deployment)
		var app *registry.App
		if err == nil {
			app, err = d.restore(ctx, deployment, (*wasi.Engine).Compile, (*wasi.Module).Initialise)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := Prepared{App: deployment.App.Name}
		if err != nil {
			p.Failed = d.failed(deployment, err).Failed
		} else {
			for _, route := range app.Routes {
				err = errors.Join(err, route.Server.Close(ctx))
			}
			if err != nil {
				return err
			}
		}
		p.Took = time.Since(began)
		done(p)
	}
	return nil
}
