package deploy

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Restore publishes every app's active revision, as after a start. An app that
// cannot run is published as failed, with the reason.
func (d *Deployer) Restore(ctx context.Context) error {
	deployments, err := d.config.Store.Active(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, deployment := range deployments {
		group.Go(func() error {
			app, err := d.restore(ctx, deployment)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				d.config.Logger.Error("app cannot run", "app", deployment.App.Name, "error", err)
				app = &registry.App{
					App: deployment.App, Revision: deployment.Revision,
					Failed: whyNot(err),
				}
			}
			d.config.Registry.Publish(app)
			return nil
		})
	}
	return group.Wait()
}

// whyNot words for an owner why a stored revision does not run.
func whyNot(err error) string {
	if refused, ok := errors.AsType[*space.Error](err); ok && refused.Code == space.CodeRefused {
		return refused.Message
	}
	return "the stored revision cannot run any more: push the app again"
}

// restore compiles the Micros of a stored revision, which the code cache makes
// a matter of milliseconds.
func (d *Deployer) restore(ctx context.Context, deployment store.Deployment) (*registry.App, error) {
	var parts []part
	for _, micro := range deployment.Revision.Micros {
		p, err := d.restoreMicro(ctx, micro)
		if err != nil {
			closeAll(ctx, parts)
			return nil, fmt.Errorf("micro %s: %w", micro.Name, err)
		}
		parts = append(parts, p)
	}
	return d.assemble(deployment, parts), nil
}

func (d *Deployer) restoreMicro(ctx context.Context, micro space.Micro) (part, error) {
	bundle, err := d.config.Store.Blobs().Open(micro.Bundle)
	if err != nil {
		return part{}, err
	}
	code, err := bundle.ReadFile(micro.Run[0])
	if err != nil {
		return part{}, errors.Join(fmt.Errorf("read module: %w", err), bundle.Close())
	}
	module, err := d.compile(ctx, code, micro.Run[0])
	if err != nil {
		return part{}, errors.Join(err, bundle.Close())
	}
	return part{micro: micro, module: module, bundle: bundle}, nil
}
