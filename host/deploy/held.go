package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// An app holds the files that are in a bundle of one of its kept revisions. They need
// not be sent again: an entry of an archive refers to one by what it holds. Whether
// other apps hold it is never looked at, so that nobody learns of, or gets, what is
// another's.

const (
	// maxHeld bounds what is remembered of an app's files, in bytes. What does not
	// fit counts as not there; the newest revisions come first.
	maxHeld = 8 << 20
	// heldCost is what a file costs of that, beside its path.
	heldCost = 128
	// maxLinks is how many files of one upload may be another name of the same file.
	// File systems bound them, some at 65,000 over all revisions; more are copied.
	maxLinks = 100
)

// place is where a file is.
type place struct {
	tree space.Digest
	path string
}

// held finds the files that an app holds.
func (d *Deployer) held(ctx context.Context, app space.AppName) (map[space.Content]place, error) {
	trees, err := d.config.Store.BundlesOf(ctx, app)
	if err != nil {
		return nil, err
	}
	files, left := map[space.Content]place{}, maxHeld
	for _, tree := range trees {
		err := d.config.Store.Blobs().List(tree, func(path string, content space.Content) bool {
			if _, known := files[content]; known {
				return true
			}
			left -= len(path) + heldCost
			if left < 0 {
				return false
			}
			files[content] = place{tree, path}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Missing returns which of the files a push to the app has to send, because it does
// not hold them.
func (d *Deployer) Missing(ctx context.Context, app space.AppName, wanted []space.Content) ([]space.Content, error) {
	if !d.uploads.Take(1) {
		return nil, d.tooManyUploads()
	}
	defer d.uploads.Give(1)
	d.bundles.RLock()
	defer d.sweepOwed()
	defer d.bundles.RUnlock()
	files, err := d.held(ctx, app)
	if err != nil {
		return nil, store.Explain(err)
	}
	missing := []space.Content{}
	for _, content := range wanted {
		if _, ok := files[content]; !ok {
			missing = append(missing, content)
		}
	}
	return missing, nil
}

// referrer puts files that the app holds into an upload. Those that a sweep takes
// meanwhile are not held any more.
type referrer struct {
	load    func() (map[space.Content]place, error)
	staging *store.Staging
	blobs   *store.Blobs
	files   map[space.Content]place // nil before the first reference
	links   map[space.Content]int
}

func (d *Deployer) referrer(ctx context.Context, app space.AppName, staging *store.Staging) *referrer {
	return &referrer{
		load:    func() (map[space.Content]place, error) { return d.held(ctx, app) },
		staging: staging, blobs: d.config.Store.Blobs(), links: map[space.Content]int{},
	}
}

// find returns where the app has such a file. The error does not tell one that another
// app has from one that nobody has.
func (r *referrer) find(name string, content space.Content) (place, error) {
	if r.files == nil {
		files, err := r.load()
		if err != nil {
			return place{}, err
		}
		r.files = files
	}
	at, ok := r.files[content]
	if !ok {
		return at, errNotHeld(name)
	}
	return at, nil
}

func errNotHeld(name string) error {
	return space.Errorf(space.CodeNotHeld, "%.200q was not sent, as if the app had it already, which it has not: push all files", name)
}

// put makes the file with the name one that holds the content. Where that takes a copy,
// write makes it.
func (r *referrer) put(name string, content space.Content, write func(io.Reader) error) error {
	at, err := r.find(name, content)
	if err != nil {
		return err
	}
	if r.links[content]++; r.links[content] <= maxLinks {
		err := r.staging.Link(at.tree, at.path, name)
		if errors.Is(err, fs.ErrNotExist) { // the tree is lost
			return errNotHeld(name)
		}
		return err
	}
	tree, err := r.blobs.Open(at.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return errNotHeld(name)
	}
	if err != nil {
		return err
	}
	file, err := tree.Open(at.path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(errNotHeld(name), tree.Close())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("copy %s: %w", name, err), tree.Close())
	}
	return errors.Join(write(file), file.Close(), tree.Close())
}
