package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Output is a file that appears whole or not at all, mode 0600.
type Output struct {
	path  string
	force bool
	file  *os.File // nil once it is in its place, or given up
}

// Create begins a file beside path. A file that is there is an error, unless force
// says that it is to be replaced.
func Create(path string, force bool) (*Output, error) {
	o := &Output{path: path, force: force}
	if err := o.free(); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	o.file = file
	return o, nil
}

// free refuses to replace what is not to be replaced.
func (o *Output) free() error {
	switch info, err := os.Lstat(o.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file: use - for standard output", o.path)
	case !o.force:
		return fmt.Errorf("%s is there already: choose another name, or replace it with --force", o.path)
	}
	return nil
}

// Write implements [io.Writer].
func (o *Output) Write(p []byte) (int, error) { return o.file.Write(p) }

// Commit puts the file in its place, once it is on the disk.
func (o *Output) Commit() error {
	part := o.file.Name()
	if err := errors.Join(o.file.Sync(), o.file.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	o.file = nil
	if err := o.place(part); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	dir, err := os.Open(filepath.Dir(o.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (o *Output) place(part string) error {
	if o.force {
		return os.Rename(part, o.path)
	}
	// A link fails where another has made the file meanwhile, a rename would not.
	err := os.Link(part, o.path)
	switch {
	case err == nil:
		return os.Remove(part)
	case errors.Is(err, fs.ErrExist):
		return cmp.Or(o.free(), err)
	}
	if err := o.free(); err != nil { // on file systems that have no links
		return err
	}
	return os.Rename(part, o.path)
}

// Close gives the file up, unless it is in its place.
func (o *Output) Close() error {
	if o.file == nil {
		return nil
	}
	err := errors.Join(o.file.Close(), os.Remove(o.file.Name()))
	o.file = nil
	return err
}
