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

	"github.com/gofrs/flock"

	"github.com/spacewasm/spacewasm/host/space"
)

// Copy is what a data directory holds at one moment: a copy of its database, and
// the trees that this needs. A server may go on in the directory.
type Copy struct {
	// Schema is how many migrations the database has seen.
	Schema int
	// Database is the copy, a file without a name, read by its user from where it is.
	Database *os.File

	db    *sql.DB
	blobs *Blobs
	hold  *flock.Flock
}

// AppContent is what a data directory holds of an app.
type AppContent struct {
	Name      space.AppName `json:"name"`
	Active    int           `json:"active"`
	Revisions int           `json:"revisions"`
	Bytes     int64         `json:"bytes"` // of the bundles that are its own or shared
}

// OpenCopy copies the database of a data directory, to where temporary files go.
// Until the copy is closed no server sweeps the directory's trees.
func OpenCopy(ctx context.Context, dir string) (*Copy, error) {
	c := &Copy{}
	if err := c.open(ctx, dir); err != nil {
		return nil, errors.Join(Explain(err), c.Close())
	}
	return c, nil
}

func (c *Copy) open(ctx context.Context, dir string) error {
	source, err := filepath.Abs(filepath.Join(dir, databaseName))
	if err != nil {
		return fmt.Errorf("find data directory: %w", err)
	}
	if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there are no apps in %s: name the server's data directory with --data", dir)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "blobs"))
	if err != nil {
		return fmt.Errorf("open blob directory: %w", err)
	}
	c.blobs = &Blobs{dir: root.Name(), root: root}
	// Before the copy: what a sweep has taken until then, the copy does not need.
	c.hold = c.blobs.holder()
	if _, err := c.hold.TryRLockContext(ctx, lockPatience/50); err != nil {
		return fmt.Errorf("hold blob directory: %w", err)
	}
	if err := c.copy(ctx, source); err != nil {
		return fmt.Errorf("copy %s: %w", source, err)
	}
	if c.Schema == 0 {
		return fmt.Errorf("%s is empty: a server that starts there fills it", source)
	}
	return nil
}

// copy makes the copy and opens it. Then its name goes, so that nothing is left of it
// however we end: it holds the apps' keys.
func (c *Copy) copy(ctx context.Context, source string) (err error) {
	scratch, err := os.MkdirTemp("", "spacewasm-backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	path, err := filepath.Abs(filepath.Join(scratch, databaseName))
	if err != nil {
		return err
	}
	if err := vacuumInto(ctx, source, path); err != nil {
		return err
	}
	if c.Database, err = os.Open(path); err != nil {
		return err
	}
	if c.db, err = sql.Open("sqlite", databaseURL(path, url.Values{"mode": {"ro"}})); err != nil {
		return err
	}
	c.db.SetMaxOpenConns(1) // there will be no name to open another
	known, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	c.Schema, err = schema(ctx, c.db, len(known))
	return err
}

// vacuumInto copies a database that others may write to.
func vacuumInto(ctx context.Context, source, path string) error {
	if err := makePrivate(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", databaseURL(source, url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)"}}))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return errors.Join(err, db.Close())
}

// Bundles lists the trees that the copy needs, by digest.
func (c *Copy) Bundles(ctx context.Context) ([]Bundle, error) { return bundles(ctx, c.db) }

// Blobs is where they are.
func (c *Copy) Blobs() *Blobs { return c.blobs }

// Apps lists the apps, by name.
func (c *Copy) Apps(ctx context.Context) ([]AppContent, error) {
	rows, err := c.db.QueryContext(ctx, `SELECT name, active,
		(SELECT COUNT(*) FROM revisions WHERE app = apps.name),
		(SELECT COALESCE(SUM(bytes), 0) FROM (
			SELECT MAX(COALESCE(micro.value ->> 'bundle_bytes', micro.value ->> 'wasm_bytes')) AS bytes
			FROM revisions, json_each(revisions.micros) AS micro WHERE app = apps.name GROUP BY micro.value ->> 'bundle'))
		FROM apps ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	defer func() { _ = rows.Close() }()
	all := []AppContent{}
	for rows.Next() {
		var a AppContent
		if err := rows.Scan(&a.Name, &a.Active, &a.Revisions, &a.Bytes); err != nil {
			return nil, fmt.Errorf("list apps: %w", err)
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// Close lets go of the data directory and of the copy.
func (c *Copy) Close() error {
	var errs []error
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	if c.Database != nil {
		errs = append(errs, c.Database.Close())
	}
	if c.hold != nil {
		errs = append(errs, c.hold.Close())
	}
	if c.blobs != nil {
		errs = append(errs, c.blobs.close())
	}
	return errors.Join(errs...)
}
