package deploy

import (
	"context"
	"io"

	"github.com/spacewasm/spacewasm/host/space"
)

// Receive unpacks a bundle and forgets it, for the fuzz target: without compiling and recording it.
func (d *Deployer) Receive(ctx context.Context, media string, body io.Reader, look func(dir string)) (*space.Spacefile, error) {
	upload, err := d.admit(ctx)
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
