package deploy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

// Revisions returns the kept revisions of an app, the newest first.
func (d *Deployer) Revisions(ctx context.Context, name space.AppName) ([]store.Deployment, error) {
	all, err := d.config.Store.Revisions(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, noApp(name)
	}
	return all, store.Explain(err)
}

// Rollback makes a kept revision of an app the one that answers, prepared anew where
// what it needs is gone. Number 0 is the one before that which answers. If it fails,
// what ran goes on. The revision that answers already may be asked for.
func (d *Deployer) Rollback(ctx context.Context, name space.AppName, number int) (*registry.App, error) {
	d.bundles.RLock()
	defer d.sweepOwed()
	defer d.bundles.RUnlock()
	for try := 1; ; try++ {
		planned, err := d.choose(ctx, name, number)
		if err != nil {
			return nil, err
		}
		number = planned.Revision.Number // what was asked for stays so, whatever others do
		app, err := d.rollback(ctx, planned)
		switch {
		case errors.Is(err, store.ErrOvertaken) && try < tries:
			continue
		case errors.Is(err, store.ErrOvertaken):
			err = overtaken(err)
		}
		return app, store.Explain(err)
	}
}

// choose finds the revision with the number, or the one before the active one.
func (d *Deployer) choose(ctx context.Context, name space.AppName, number int) (store.Deployment, error) {
	all, err := d.Revisions(ctx, name)
	if err != nil {
		return store.Deployment{}, err
	}
	kept := make([]string, len(all))
	for i, one := range all {
		n := one.Revision.Number
		if n == number || (number == 0 && n < one.App.Active) {
			return one, nil
		}
		kept[len(all)-1-i] = strconv.Itoa(n)
	}
	if number == 0 {
		return store.Deployment{}, space.Errorf(space.CodeNotFound,
			"there is no revision of %q before %d, which answers; it has %s", name, all[0].App.Active, strings.Join(kept, ", "))
	}
	return store.Deployment{}, space.Errorf(space.CodeNotFound, "there is no revision %d of %q; it has %s", number, name, strings.Join(kept, ", "))
}

// rollback prepares a revision and has it answer.
func (d *Deployer) rollback(ctx context.Context, planned store.Deployment) (*registry.App, error) {
	if planned.App.Active == planned.Revision.Number {
		return d.active(planned)
	}
	target, err := d.open(planned)
	if err != nil {
		return nil, err
	}
	target.App.Active = planned.Revision.Number
	app, err := d.restore(ctx, target, (*wasi.Engine).Compile, (*wasi.Module).Initialise)
	d.oweSweep() // of what was prepared in vain, or of what the revision before had
	if errors.Is(err, errNoBundle) {
		refused := space.Refuse(space.Fault{Message: fmt.Sprintf("the files of revision %d are gone: push it again", planned.Revision.Number)})
		refused.Err = err
		return nil, refused
	}
	if err != nil {
		return nil, err
	}
	if err := d.reactivate(ctx, planned, app); err != nil {
		d.discard(app)
		return nil, err
	}
	return app, nil
}

// active returns a revision that answers already.
func (d *Deployer) active(planned store.Deployment) (*registry.App, error) {
	d.order.Lock()
	defer d.order.Unlock()
	app, release, ok := d.config.Registry.Acquire(planned.App.Name)
	if !ok {
		return nil, noApp(planned.App.Name)
	}
	release()
	if app.Revision.Number != planned.Revision.Number {
		return nil, store.ErrOvertaken
	}
	return app, nil
}

// reactivate records that a revision is the one that answers, and publishes it.
func (d *Deployer) reactivate(ctx context.Context, planned store.Deployment, app *registry.App) error {
	d.order.Lock()
	defer d.order.Unlock()
	if err := d.config.Store.Reactivate(ctx, planned); err != nil {
		return err
	}
	d.drain(d.config.Registry.Publish(app))
	return nil
}

func noApp(name space.AppName) error {
	return space.Errorf(space.CodeNotFound, "there is no app %q", name)
}
