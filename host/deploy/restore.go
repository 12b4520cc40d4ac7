package deploy

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// Restore publishes every app's active revision, as after a start. What is prepared is
// published asleep, without a look at what it needs. An app that cannot run is
// published as failed, with the reason. One that this version of the engine has not
// prepared yet, as after an upgrade, is published as wanting that, which
// [Deployer.Prepare] does.
func (d *Deployer) Restore(ctx context.Context) error {
	deployments, err := d.config.Store.Active(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, deployment := range deployments {
		group.Go(func() error {
			deployment, err := d.open(deployment)
			if err != nil {
				d.config.Registry.Publish(d.failed(deployment, err))
				return nil
			}
			if d.canSleep(deployment) {
				d.config.Registry.Publish(d.asleep(deployment))
				return nil
			}
			app, err := d.restore(ctx, deployment, (*wasi.Engine).Load, (*wasi.Module).LoadSnapshot)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, wasi.ErrUnprepared):
				d.config.Logger.Info("app is to be prepared", "app", deployment.App.Name, "reason", err)
				d.owe(deployment)
				return nil
			case err != nil:
				app = d.failed(deployment, err)
			}
			d.config.Registry.Publish(app)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	d.restored.Store(true)
	d.oweSweep() // of code and snapshots that nobody has any more
	d.sweepOwed()
	return nil
}

// failed is an app that cannot run.
func (d *Deployer) failed(deployment store.Deployment, err error) *registry.App {
	d.config.Logger.Error("app cannot run", "app", deployment.App.Name, "error", err)
	return &registry.App{App: deployment.App, Revision: deployment.Revision, Failed: whyNot(err)}
}

// whyNot words for an owner why a stored revision does not run.
func whyNot(err error) string {
	if errors.Is(err, wasi.ErrInterrupted) {
		return wasi.ErrInterrupted.Error()
	}
	if refused, ok := errors.AsType[*space.Error](err); ok && refused.Code == space.CodeRefused {
		return refused.Message
	}
	return "the stored revision cannot run any more: push the app again"
}

// A stored revision is restored by what is prepared, in milliseconds, or by
// preparing it.
type (
	getModule   func(*wasi.Engine, context.Context, []byte) (*wasi.Module, error)
	getSnapshot func(*wasi.Module, context.Context, wasi.Initialisation) (*wasi.Snapshot, error)
)

// restore makes a live app of a stored revision.
func (d *Deployer) restore(
	ctx context.Context, deployment store.Deployment, module getModule, snapshot getSnapshot,
) (*registry.App, error) {
	var parts []part
	for _, micro := range deployment.Revision.Micros {
		p, err := d.restoreMicro(ctx, micro, module)
		if err == nil {
			parts = append(parts, p)
			last := &parts[len(parts)-1]
			get := func(ctx context.Context, i wasi.Initialisation) (*wasi.Snapshot, error) {
				return snapshot(p.Module, ctx, i)
			}
			err = d.snapshot(ctx, get, deployment, last)
		}
		if err != nil {
			closeAll(ctx, parts)
			return nil, fmt.Errorf("micro %s: %w", micro.Name, err)
		}
	}
	return d.assemble(deployment, parts), nil
}

func (d *Deployer) restoreMicro(ctx context.Context, micro space.Micro, module getModule) (part, error) {
	bundle, err := d.openBundle(micro)
	if err != nil {
		return part{}, err
	}
	if micro.IsStatic() { // which opens it when somebody asks
		return part{micro: micro}, bundle.Close()
	}
	code, err := bundle.ReadFile(micro.Run[0])
	if err != nil {
		return part{}, errors.Join(fmt.Errorf("read module: %w", err), bundle.Close())
	}
	get := func(ctx context.Context, code []byte) (*wasi.Module, error) {
		return module(d.config.Engine, ctx, code)
	}
	m, err := d.compile(ctx, get, code, micro.Run[0], micro)
	if err != nil {
		return part{}, errors.Join(err, bundle.Close())
	}
	micro.Module = m.Digest()
	micro.MemoryBytes = int64(m.Report().MemoryMin)
	return part{micro: micro, file: micro.Run[0], Awake: runner.Awake{Module: m, Bundle: bundle}}, nil
}
