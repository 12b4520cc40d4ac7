package deploy

import (
	"context"
	"errors"
	"io"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Receive unpacks a bundle and forgets it, for the fuzz target: without compiling and recording it.
func (d *Deployer) Receive(ctx context.Context, media string, body io.Reader, look func(dir string)) (*space.Spacefile, error) {
	upload, err := d.admit(ctx, "app")
	if err != nil {
		return nil, err
	}
	defer upload.end()
	staging, err := d.config.Store.Blobs().Stage()
	if err != nil {
		return nil, err
	}
	defer func() { _ = staging.Close() }()
	file, err := d.receive(ctx, "fuzz", media, body, staging, upload.take)
	look(staging.Files().Name())
	return file, err
}

// BacklogOrder is the order in which the backlog gives revisions out, of which some
// are wanted, by number.
func BacklogOrder(ctx context.Context, deployments []store.Deployment, wanted ...int) ([]space.AppName, error) {
	b := newBacklog()
	var all []*owed
	for _, d := range deployments {
		all = append(all, &owed{Deployment: d})
		b.add(all[len(all)-1])
	}
	for _, i := range wanted {
		b.want(all[i])
	}
	var order []space.AppName
	for range deployments {
		d, err := b.take(ctx)
		if err != nil {
			return order, err
		}
		order = append(order, d.App.Name)
	}
	if _, more := b.first(); more {
		return order, errors.New("there is more than was put in")
	}
	return order, nil
}

// Stored is an app as it is stored, with its variables opened.
func (d *Deployer) Stored(ctx context.Context, name space.AppName) (store.Deployment, error) {
	deployment, err := d.current(ctx, name)
	if err != nil {
		return deployment, err
	}
	return d.open(deployment)
}

// OweAgain is what a Micro does that finds nothing to wake with.
func (d *Deployer) OweAgain(deployment store.Deployment) { d.oweAgain(deployment) }
