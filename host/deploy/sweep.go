package deploy

import (
	"context"
	"errors"
	"slices"

	"github.com/spacewasm/spacewasm/host/registry"
)

// oweSweep notes that a bundle may have been stored in vain.
func (d *Deployer) oweSweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owed = true
}

// sweepOwed wakes the sweeper, if there is something for it to do.
func (d *Deployer) sweepOwed() {
	d.mu.Lock()
	owed := d.owed
	d.mu.Unlock()
	if !owed {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default: // it has been told already
	}
}

// drain keeps what an app needs that has just been replaced or removed, for the
// requests that it still has, and owes a sweep for when they have ended. Their deadline
// bounds that. The caller holds bundles, so that no sweep comes in between, unless the
// new one is of the same revision.
func (d *Deployer) drain(drain registry.Drain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owed = true
	d.draining = slices.DeleteFunc(d.draining, drained) // which the sweep that is owed will see
	if drain.App != nil {
		d.draining = append(d.draining, drain)
	}
}

func drained(drain registry.Drain) bool {
	select {
	case <-drain.Done:
		return true
	default:
		return false
	}
}

// undrained returns the apps that still drain, and forgets the others.
func (d *Deployer) undrained() []*registry.App {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.draining = slices.DeleteFunc(d.draining, drained)
	var apps []*registry.App
	for _, drain := range d.draining {
		apps = append(apps, drain.App)
	}
	return apps
}

// nextDrained is closed when the app has drained that has done so for longest; nil is
// none.
func (d *Deployer) nextDrained() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.draining) == 0 {
		return nil
	}
	return d.draining[0].Done
}

// Run sweeps what no revision needs: at first, after a change, and once what was
// replaced or removed has drained, until ctx ends.
func (d *Deployer) Run(ctx context.Context) error {
	for {
		if err := d.sweep(ctx); err != nil && ctx.Err() == nil {
			d.config.Logger.Warn("cannot sweep bundles", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-d.nextDrained():
		}
	}
}

// sweep removes unneeded bundles, snapshots and code, unless a push runs: then a later
// sweep does it. It waits for no push, as a slow upload would make all others wait for
// it. What drains keeps what it may still read.
func (d *Deployer) sweep(ctx context.Context) error {
	if !d.bundles.TryLock() {
		d.oweSweep()
		d.undrained() // so that Run does not come back for them at once
		return nil    // the push wakes the sweeper when it ends
	}
	defer d.bundles.Unlock()
	d.mu.Lock()
	d.owed = false
	d.mu.Unlock()
	draining := d.undrained()
	needed, err := d.config.Store.Bundles(ctx)
	if err != nil {
		return err
	}
	for _, app := range draining {
		for _, micro := range app.Revision.Micros {
			needed[micro.Bundle] = micro.BundleBytes
		}
	}
	return errors.Join(d.config.Store.Blobs().Sweep(needed), d.sweepSnapshots(ctx, draining), d.sweepCode(ctx, draining))
}

// sweepSnapshots removes the snapshots of revisions that do not answer any more, and
// those of values that variables had before (T9).
func (d *Deployer) sweepSnapshots(ctx context.Context, draining []*registry.App) error {
	deployments, err := d.config.Store.Active(ctx)
	if err != nil {
		return err
	}
	var owners []string
	for _, app := range draining {
		owners = append(owners, app.Snapshots...)
	}
	for _, deployment := range deployments {
		if deployment, err = d.open(deployment); err != nil {
			continue // and what it has cannot be opened either
		}
		owners = append(owners, d.live(deployment).Snapshots...)
	}
	return d.config.Engine.KeepSnapshots(owners)
}

// sweepCode removes the machine code that no live app runs, and none would after a
// rollback by one revision. While an app is being prepared its code stays, which the
// registry does not know of yet.
func (d *Deployer) sweepCode(ctx context.Context, draining []*registry.App) error {
	if !d.restored.Load() {
		return nil
	}
	digests, err := d.config.Store.Spare(ctx)
	if err != nil {
		return err
	}
	for _, app := range draining {
		for _, micro := range app.Revision.Micros {
			digests = append(digests, micro.Module)
		}
	}
	for _, app := range d.config.Registry.Apps() {
		if app.Wanted != nil {
			return nil
		}
		for _, route := range app.Routes {
			digests = append(digests, route.Micro.Module)
		}
	}
	return d.config.Engine.KeepCode(digests)
}
