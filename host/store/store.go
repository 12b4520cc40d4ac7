// Package store is the durable truth: apps and revisions in SQLite, bundles as
// write-once trees named by digest.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver, by its name "sqlite"

	"github.com/spacewasm/spacewasm/host/disk"
)

// Store is an open data directory. It is safe for concurrent use.
type Store struct {
	db    *sql.DB
	lock  *flock.Flock
	blobs *Blobs
}

// ErrNotFound says that there is no such app, token or key.
var ErrNotFound = errors.New("not found")

// databaseName is the database's file.
const databaseName = "spacewasm.db"

// lockPatience is how long a lock is waited for.
const lockPatience = time.Second

// Open opens the data directory, making what is missing, and holds it against
// other servers until Close. Network file systems are refused.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if err := disk.CheckLocal(dir); err != nil {
		return nil, err
	}
	// Said here, as SQLite only says that it cannot open what it would write to.
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return nil, Explain(fmt.Errorf("open data directory %s: %w", dir, err))
	}
	lock, err := hold(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock}
	if err := unfinished(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.open(ctx, dir); err != nil {
		return nil, errors.Join(Explain(err), s.Close())
	}
	return s, nil
}

// InUseError says that another server has the data directory Dir.
type InUseError struct{ Dir string }

// Error implements error.
func (e *InUseError) Error() string {
	return fmt.Sprintf("data directory %s is in use by another server: stop that one, or give this one a --data of its own", e.Dir)
}

// hold takes the data directory for this process.
func hold(ctx context.Context, dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	// A child of a server that was killed holds the lock for the moment between its
	// fork and its exec.
	wait, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	switch held, err := lock.TryLockContext(wait, lockPatience/50); {
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, Explain(fmt.Errorf("lock data directory %s: %w", dir, err))
	case !held:
		return nil, &InUseError{dir}
	}
	return lock, nil
}

// databaseURL is how SQLite finds the database at path, which is absolute: in a URL, a
// relative path would begin with the name of a host.
func databaseURL(path string, settings url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String()
}

func (s *Store) open(ctx context.Context, dir string) error {
	path, err := filepath.Abs(filepath.Join(dir, databaseName))
	if err != nil {
		return fmt.Errorf("find data directory: %w", err)
	}
	// SQLite gives its log the same mode; the data directory may be older than us,
	// and open to others.
	if err := makePrivate(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", databaseURL(path, url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "foreign_keys(1)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}))
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.db = db
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := migrate(ctx, db, path, files); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.blobs, err = openBlobs(dir)
	return err
}

// makePrivate makes the file for its owner only, if there is none. What is there
// keeps its mode and may be read-only: the database says so better.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	return f.Close()
}

// Blobs is where the bundles are kept. It is closed with the store.
func (s *Store) Blobs() *Blobs { return s.blobs }

// Close gives the data directory back. It is idempotent.
func (s *Store) Close() error {
	var errs []error
	if s.blobs != nil {
		errs = append(errs, s.blobs.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(append(errs, s.lock.Unlock())...)
}
