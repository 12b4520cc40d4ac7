package deploy

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// canSleep tells whether all that a revision needs is there, unless it is damaged, so
// that it can be live without having been read.
func (d *Deployer) canSleep(deployment store.Deployment) bool {
	return !slices.ContainsFunc(deployment.Revision.Micros, func(micro space.Micro) bool {
		return !d.microCanSleep(deployment, micro)
	})
}

// microCanSleep is canSleep of one Micro.
func (d *Deployer) microCanSleep(deployment store.Deployment, micro space.Micro) bool {
	if !micro.IsStatic() && !d.canWake(deployment, micro) {
		return false
	}
	bundle, err := d.config.Store.Blobs().Open(micro.Bundle)
	return err == nil && bundle.Close() == nil
}

// canWake tells whether what a Micro has beside its files is there.
func (d *Deployer) canWake(deployment store.Deployment, micro space.Micro) bool {
	if !d.config.Engine.Prepared(micro.Module) || micro.MemoryBytes > d.config.Limits.Within(micro.Limits).Memory {
		return false
	}
	config := d.initialisation(deployment, micro, &runner.Awake{})
	return micro.SnapshotBytes == 0 || d.config.Engine.HasSnapshot(micro.Module, config)
}

// asleep makes a live app of a stored revision, without what it needs to run.
func (d *Deployer) asleep(deployment store.Deployment) *registry.App {
	app := d.live(deployment)
	for _, micro := range deployment.Revision.Micros {
		app.Routes = append(app.Routes, d.route(deployment, micro, nil))
	}
	return app
}

// waker returns what gets a Micro what it needs when somebody asks for it. Should that
// be gone, or damaged, the app is prepared again.
func (d *Deployer) waker(deployment store.Deployment, micro space.Micro) func(context.Context) (*runner.Awake, error) {
	return func(ctx context.Context) (*runner.Awake, error) {
		awake, err := d.load(ctx, deployment, micro)
		refused, told := errors.AsType[*space.Error](err)
		switch {
		case err == nil:
			return awake, nil
		case errors.Is(err, wasi.ErrUnprepared):
			d.config.Logger.Warn("app is to be prepared again", "app", deployment.App.Name, "reason", err)
			d.oweAgain(deployment)
			return nil, &space.Error{
				Code: space.CodePreparing, Message: "what the app needs to run was lost and is being made again; try again in a moment", Err: err,
			}
		case told && refused.Code == space.CodeRefused, errors.Is(err, errNoBundle):
			d.supersede(d.failed(deployment, err), isLive)
			return nil, &space.Error{Code: space.CodePreparing, Message: "the app does not run; `spacewasm ls` tells its owner why", Err: err}
		}
		return nil, err
	}
}

// load gets what a Micro needs of what has been prepared.
func (d *Deployer) load(ctx context.Context, deployment store.Deployment, micro space.Micro) (*runner.Awake, error) {
	bundle, err := d.openBundle(micro)
	if err != nil {
		return nil, err
	}
	awake := &runner.Awake{Bundle: bundle}
	if !d.config.Engine.Prepared(micro.Module) { // though others may have it in memory
		return nil, errors.Join(wasi.ErrUnprepared, bundle.Close())
	}
	awake.Module, err = d.config.Engine.Wake(ctx, micro.Module, func() ([]byte, error) { return bundle.ReadFile(micro.Run[0]) })
	if err != nil {
		return nil, errors.Join(err, bundle.Close())
	}
	err = awake.Module.Report().Fits(uint64(d.config.Limits.Within(micro.Limits).Memory))
	if err == nil {
		awake.Snapshot, err = awake.Module.LoadSnapshot(ctx, d.initialisation(deployment, micro, awake))
	}
	if err == nil && awake.Snapshot.Starved() {
		err = wasi.ErrNoMemory // rather wait than run the initialiser for each request
	}
	if err != nil {
		return nil, errors.Join(refusal(err, micro.Run[0]), awake.Close(ctx))
	}
	return awake, nil
}

// errNoBundle says that a stored revision has no files any more.
var errNoBundle = errors.New("the Micro's files are gone")

// openBundle opens a Micro's files.
func (d *Deployer) openBundle(micro space.Micro) (*os.Root, error) {
	bundle, err := d.config.Store.Blobs().Open(micro.Bundle)
	if errors.Is(err, os.ErrNotExist) {
		err = errors.Join(errNoBundle, err)
	}
	return bundle, err
}

// oweAgain has a live app prepared again.
func (d *Deployer) oweAgain(deployment store.Deployment) {
	o := &owed{Deployment: deployment}
	d.backlog.want(o)
	if d.supersede(d.wanted(o), isLive) {
		d.backlog.add(o)
	}
}

// isLive tells whether an app has Micros that answer.
func isLive(app *registry.App) bool { return app.Routes != nil }

// supersede publishes an app in the place of the same revision with the same variables,
// if that is as it should be, and tells whether it was.
func (d *Deployer) supersede(app *registry.App, should func(now *registry.App) bool) bool {
	d.order.Lock()
	defer d.order.Unlock()
	now, release, ok := d.config.Registry.Acquire(app.App.Name)
	if !ok {
		return false
	}
	defer release()
	if !should(now) || now.App.Key != app.App.Key || now.App.Settings != app.App.Settings || now.Revision.Number != app.Revision.Number {
		return false
	}
	d.drain(d.config.Registry.Publish(app))
	return true
}
