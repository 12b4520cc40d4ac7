package deploy

import (
	"context"
	"io"

	"github.com/spacewasm/spacewasm/host/space"
)

// intake is one upload's part of what all uploads of the node share.
type intake struct {
	deployer *Deployer
	taken    int64 // bytes
}

// admit lets an upload begin, before anything of it is read, and refuses it where
// there are too many or no room. The intake is to be ended once nothing of the
// upload is left beside its bundles.
func (d *Deployer) admit(ctx context.Context, app space.AppName) (*intake, error) {
	if !d.room(0) {
		return nil, errReserve()
	}
	if err := d.fits(ctx, app, nil); err != nil {
		return nil, err
	}
	if !d.uploads.Take(1) {
		return nil, d.tooManyUploads()
	}
	return &intake{deployer: d}, nil
}

func (d *Deployer) tooManyUploads() error {
	return space.Errorf(space.CodeNodeFull, "%d uploads are under way, as many as this server takes at a time: push again in a moment", d.uploads.Limit())
}

// end gives back what the upload took.
func (i *intake) end() {
	i.deployer.staged.Give(i.taken)
	i.deployer.uploads.Give(1)
}

// take lets the upload put n more bytes on the disk.
func (i *intake) take(n int64) error {
	d := i.deployer
	if !d.room(n) {
		return errReserve()
	}
	if !d.staged.Take(n) {
		return space.Errorf(space.CodeNodeFull,
			"the uploads under way have %d bytes, as much as this server takes at a time: push again in a moment, or raise --upload-budget", d.staged.Limit())
	}
	i.taken += n
	return nil
}

// room asks whether n more bytes leave the disk's reserve alone.
func (d *Deployer) room(n int64) bool {
	return d.config.Room == nil || d.config.Room(n)
}

func errReserve() error {
	return space.Errorf(space.CodeStorage,
		"the server's disk is nearly full, and what is left is kept for its own records: remove apps, free room on it, or lower --disk-reserve")
}

// fits holds the limit of all bundles together, once an app has a revision of these
// Micros.
func (d *Deployer) fits(ctx context.Context, app space.AppName, micros []space.Micro) error {
	limit := d.config.BlobBytes
	if limit == 0 {
		return nil
	}
	bundles, err := d.config.Store.BundlesAfter(ctx, app)
	if err != nil {
		return err
	}
	for _, m := range micros {
		bundles[m.Bundle] = m.BundleBytes
	}
	var total int64
	for _, size := range bundles {
		total += size
	}
	if total > limit || (micros == nil && total == limit) { // of none there would be no room
		return space.Errorf(space.CodeStorage,
			"the bundles of all apps would have %d bytes with this one; the limit is %d: remove apps, or raise --blob-budget", total, limit)
	}
	return nil
}

// metered is a file that asks before each write.
type metered struct {
	w    io.Writer
	take func(n int64) error
}

func (m *metered) Write(p []byte) (int, error) {
	if err := m.take(int64(len(p))); err != nil {
		return 0, err
	}
	return m.w.Write(p)
}
