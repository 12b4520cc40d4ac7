package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spacewasm/spacewasm/host/store"
)

// Config says what is backed up.
type Config struct {
	Data    string // the data directory; a server may run there
	Version string // of the program
	Logs    bool   // with the Micros' logs
	KeyFile string // where the server's key is, "" for the data directory
	// Begin is told what there is to do; Add of each piece of content. Both may be nil.
	Begin func(Manifest)
	Add   func(n int)
}

// Write writes what the data directory holds at this moment to w, without secrets of
// the server. It takes a constant amount of memory, and room in the folder for
// temporary files for a copy of the database.
//
// A bundle that is missing or damaged is an error; what has been written then is no
// backup, and [Restore] refuses it.
func Write(ctx context.Context, c Config, w io.Writer) (m Manifest, err error) {
	from, err := store.OpenCopy(ctx, c.Data)
	if err != nil {
		return Manifest{}, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	bundles, err := from.Bundles(ctx)
	if err != nil {
		return Manifest{}, err
	}
	if m, err = c.describe(ctx, from, bundles); err != nil {
		return Manifest{}, err
	}
	if c.Begin != nil {
		c.Begin(m)
	}
	return m, c.write(ctx, w, m, from, bundles)
}

// describe makes the manifest.
func (c Config) describe(ctx context.Context, from *store.Copy, bundles []store.Bundle) (Manifest, error) {
	m := Manifest{
		Format: format, Kind: kindData, Spacewasm: c.Version, Created: time.Now().UTC().Truncate(time.Second),
		Schema: from.Schema, Logs: c.Logs, Bundles: len(bundles),
	}
	content := store.NewDigesting(from.Database)
	if _, err := io.Copy(io.Discard, content); err != nil {
		return m, fmt.Errorf("read the copy of the database: %w", err)
	}
	if _, err := from.Database.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	m.Bytes, m.Database = content.Size(), hex.EncodeToString(content.Sum())
	for _, b := range bundles {
		m.Bytes += b.Bytes
	}
	var err error
	m.Apps, err = from.Apps(ctx)
	return m, err
}

func (c Config) write(ctx context.Context, w io.Writer, m Manifest, from *store.Copy, bundles []store.Bundle) error {
	a, err := newWriter(ctx, w, m, c.Add)
	if err != nil {
		return err
	}
	if err := a.open(databaseName, from.Database); err != nil {
		return fmt.Errorf("back up the database: %w", err)
	}
	for _, b := range bundles {
		if err := a.bundle(from.Blobs(), b); err != nil {
			return err
		}
	}
	if c.Logs {
		if err := a.logs(filepath.Join(c.Data, logsName)); err != nil {
			return fmt.Errorf("back up the logs: %w", err)
		}
	}
	return a.finish()
}

// bundle adds a tree, in a folder of its digest.
func (a *writer) bundle(blobs *store.Blobs, b store.Bundle) error {
	a.prefix = ""
	if err := a.Folder(blobsName + "/" + string(b.Digest)); err != nil {
		return err
	}
	a.prefix = blobsName + "/" + string(b.Digest) + "/"
	defer func() { a.prefix = "" }()
	err := blobs.Read(b.Digest, a)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &LostError{Bundle: b, Err: fmt.Errorf("files are missing: %w", err)}
	case errors.Is(err, store.ErrDamaged):
		return &LostError{Bundle: b, Err: err}
	case err != nil:
		return fmt.Errorf("back up revision %d of %s: %w", b.Revision, b.App, err)
	}
	return nil
}

// LostError says that a data directory does not have any more what a revision needs.
type LostError struct {
	Bundle store.Bundle
	Err    error
}

// Error implements error.
func (e *LostError) Error() string {
	return fmt.Sprintf("revision %d of %s is damaged in the data directory: %v", e.Bundle.Revision, e.Bundle.App, e.Err)
}

// Unwrap returns the cause.
func (e *LostError) Unwrap() error { return e.Err }

func (a *writer) copyFile(name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return a.open(name, f)
}

// open adds a file that is open.
func (a *writer) open(name string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return a.File(name, info.Size(), f)
}

// logs adds the files of logs as they are: the server appends to them and removes
// them meanwhile.
func (a *writer) logs(dir string) error {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // none yet
	}
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return a.Folder(filepath.ToSlash(filepath.Join(logsName, name)))
		case !entry.Type().IsRegular():
			return nil
		}
		f, err := root.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		return a.File(logsName+"/"+name, info.Size(), io.LimitReader(f, info.Size()))
	})
}
