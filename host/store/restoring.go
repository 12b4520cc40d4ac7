package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/spacewasm/spacewasm/host/disk"
)

// restorePrefix begins the name of the folder, within a data directory, in which
// this is put together. While it is there no server starts.
const restorePrefix = ".restore-"

// Restoring is a data directory that is being put together from elsewhere.
type Restoring struct {
	dir, stage string
	made       bool     // the directory was not there before
	moved      []string // what is in place
	done       bool     // all is
	lock       *flock.Flock
}

// BeginRestore takes a directory that is empty, or not there yet, for what comes.
func BeginRestore(ctx context.Context, dir string) (*Restoring, error) {
	r := &Restoring{dir: dir}
	if err := r.begin(ctx); err != nil {
		return nil, errors.Join(Explain(err), r.Close())
	}
	return r, nil
}

func (r *Restoring) begin(ctx context.Context) error {
	switch _, err := os.Lstat(r.dir); {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(r.dir, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		r.made = true
	case err != nil:
		return fmt.Errorf("find data directory: %w", err)
	}
	if err := disk.CheckLocal(r.dir); err != nil {
		return err
	}
	// First what is there, as a lock would be added to it.
	if err := r.empty(); err != nil {
		return err
	}
	var err error
	if r.lock, err = hold(ctx, r.dir); err != nil {
		return err
	}
	if err := r.empty(); err != nil { // what another has done before we had it
		return err
	}
	if r.stage, err = os.MkdirTemp(r.dir, restorePrefix); err != nil {
		return fmt.Errorf("make staging folder: %w", err)
	}
	return nil
}

// empty refuses a directory in which something is that we would mix with.
func (r *Restoring) empty() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("read data directory: %w", err)
	}
	if err := unfinished(r.dir); err != nil {
		return err
	}
	for _, entry := range entries {
		// A lock is left by who was here before us, lost+found by the file system.
		if name := entry.Name(); name != "lock" && name != "lost+found" {
			return fmt.Errorf("%s is not empty (there is %q): restore into a directory that is empty or not there yet, "+
				"and move what is here away if you do not need it", r.dir, name)
		}
	}
	return nil
}

// unfinished refuses a data directory in which a restore was cut off.
func unfinished(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read data directory: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), restorePrefix) {
			return fmt.Errorf("%s is what an interrupted restore has left (there is %s): remove all that is in it, and restore again",
				dir, entry.Name())
		}
	}
	return nil
}

// Dir is the folder to put together what is to be the data directory.
func (r *Restoring) Dir() string { return r.stage }

// Commit makes what is in the folder the data directory, once it is on the disk.
// Nobody may have it open.
func (r *Restoring) Commit() error {
	if err := Explain(r.commit()); err != nil {
		return fmt.Errorf("put the restored data in place: %w", err)
	}
	return nil
}

func (r *Restoring) commit() error {
	if err := inherit(r.dir, r.stage); err != nil {
		return err
	}
	if err := syncTree(r.stage); err != nil {
		return err
	}
	entries, err := os.ReadDir(r.stage)
	if err != nil {
		return err
	}
	// The database comes last: where it is, all is.
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return rank(a) - rank(b) })
	for _, entry := range entries {
		if entry.Name() == "lock" { // that of the folder
			continue
		}
		place := filepath.Join(r.dir, entry.Name())
		if err := os.Rename(filepath.Join(r.stage, entry.Name()), place); err != nil {
			return err
		}
		r.moved = append(r.moved, place)
	}
	if err := syncFile(r.dir); err != nil {
		return err
	}
	r.done = true
	if err := os.RemoveAll(r.stage); err != nil {
		return err
	}
	return errors.Join(syncFile(r.dir), syncFile(filepath.Dir(r.dir)))
}

func rank(entry fs.DirEntry) int {
	if entry.Name() == databaseName {
		return 1
	}
	return 0
}

// Close lets go of the directory, and leaves nothing in it unless all was put in
// place. It is idempotent.
func (r *Restoring) Close() error {
	var errs []error
	if !r.done {
		errs = r.undo()
	}
	if r.lock != nil {
		errs = append(errs, r.lock.Close())
	}
	*r = Restoring{done: true}
	return errors.Join(errs...)
}

// undo removes what was made.
func (r *Restoring) undo() []error {
	var errs []error
	for _, place := range r.moved {
		errs = append(errs, os.RemoveAll(place))
	}
	if r.stage != "" {
		errs = append(errs, os.RemoveAll(r.stage))
	}
	if r.made && r.lock != nil {
		errs = append(errs, os.Remove(r.lock.Path()))
	}
	if r.made {
		errs = append(errs, os.Remove(r.dir))
	}
	return errs
}
