package deploy

import (
	"context"
	"errors"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// ChangeEnv changes an app's variables, and returns the Micros that have initialised
// themselves again for it. The code stays what it is. If one fails with the new values,
// the change is refused, and what ran goes on.
func (d *Deployer) ChangeEnv(ctx context.Context, name space.AppName, change EnvChange) ([]string, error) {
	d.bundles.RLock()
	defer d.sweepOwed()
	defer d.bundles.RUnlock()
	renewed, err := d.changeEnv(ctx, name, change)
	return renewed, store.Explain(err)
}

// changeEnv begins again, as [Deployer.settle] does, if others have changed the app
// meanwhile.
func (d *Deployer) changeEnv(ctx context.Context, name space.AppName, change EnvChange) ([]string, error) {
	for try := 1; ; try++ {
		was, err := d.current(ctx, name)
		if err != nil {
			return nil, err
		}
		next, record, err := d.plan(was, change)
		if err != nil {
			return nil, err
		}
		if len(record.Set)+len(record.Unset) == 0 {
			return nil, nil
		}
		d.oweSweep() // of the snapshots of one side or the other
		renewed, err := d.apply(ctx, was, next, record)
		if errors.Is(err, store.ErrOvertaken) && try < tries {
			continue
		}
		if errors.Is(err, store.ErrOvertaken) {
			return nil, overtaken(err)
		}
		return renewed, err
	}
}

// apply makes an app what it is to be next: first the Micros, then the record, then
// they answer. An app with variables that do not open has none that could.
func (d *Deployer) apply(ctx context.Context, was, next store.Deployment, record store.Change) ([]string, error) {
	next, closed := d.open(next)
	if err := checkBounds(next); err != nil {
		return nil, err
	}
	made := &renewal{parts: map[string]*part{}}
	if closed == nil {
		if err := d.renew(ctx, was, next, made); err != nil {
			made.close(ctx)
			return nil, err
		}
	}
	if err := d.record(ctx, was, next, record, made, closed); err != nil {
		made.close(ctx)
		return nil, err
	}
	for _, p := range made.parts {
		d.logInitialisers(next.App.Name, []part{*p})
	}
	return made.snapshots, nil
}

// renewal is the Micros that a change has made ready, by name, and those of them that
// have a new snapshot.
type renewal struct {
	parts     map[string]*part
	snapshots []string
}

// close gives back what did not become an app.
func (r *renewal) close(ctx context.Context) {
	for _, p := range r.parts {
		closeAll(ctx, []part{*p})
	}
}

// record records a change, and publishes what it makes of the app. The parts become the
// app's.
func (d *Deployer) record(
	ctx context.Context, was, next store.Deployment, record store.Change, made *renewal, closed error,
) error {
	d.order.Lock()
	defer d.order.Unlock()
	if err := d.config.Store.Change(ctx, was, record); err != nil {
		return err
	}
	if closed != nil {
		d.drain(d.config.Registry.Publish(d.failed(next, closed)))
		return nil
	}
	app := d.live(next)
	for _, micro := range next.Revision.Micros {
		var awake *runner.Awake
		if p := made.parts[micro.Name]; p != nil {
			micro, awake = p.micro, &p.Awake
		}
		app.Routes = append(app.Routes, d.route(next, micro, awake))
	}
	d.drain(d.config.Registry.Publish(app))
	return nil
}

// renew makes ready the Micros that a change of variables means something to, and
// collects the faults of all of them. The others find what they need when they are
// asked.
func (d *Deployer) renew(ctx context.Context, was, next store.Deployment, made *renewal) error {
	was, closed := d.open(was)
	var refused refusals
	for _, micro := range next.Revision.Micros {
		same := closed == nil && d.owner(was, micro) == d.owner(next, micro)
		if micro.IsStatic() || same && d.microCanSleep(next, micro) {
			continue
		}
		p, err := d.rouse(ctx, next, micro)
		if err != nil && !refused.add(err) {
			return err
		}
		if err != nil {
			continue
		}
		made.parts[micro.Name] = p
		if !same && p.Snapshot.Taken() {
			made.snapshots = append(made.snapshots, micro.Name)
		}
	}
	return refused.err()
}

// rouse gets a Micro of a stored revision what it needs, as it is in memory or was
// prepared, and has it initialise itself, unless it has so before.
func (d *Deployer) rouse(ctx context.Context, next store.Deployment, micro space.Micro) (*part, error) {
	p, err := d.restoreMicro(ctx, micro, (*wasi.Engine).Compile)
	if errors.Is(err, errNoBundle) {
		return nil, &space.Error{Code: space.CodeRefused, Message: whyNot(err), Faults: []space.Fault{{Message: whyNot(err)}}, Err: err}
	}
	if err != nil {
		return nil, err
	}
	p.file = micro.Name + ": " + p.file
	if err := d.snapshot(ctx, p.Module.Initialise, next, &p); err != nil {
		closeAll(ctx, []part{p})
		return nil, err
	}
	return &p, nil
}
