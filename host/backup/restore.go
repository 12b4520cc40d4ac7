package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spacewasm/spacewasm/host/disk"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// RestoreConfig says where a backup goes.
type RestoreConfig struct {
	Data string // the data directory to make: empty, or not there yet
	// Begin is told what is in the backup; Add of each piece of it. Both may be nil.
	Begin func(Manifest)
	Add   func(n int)
}

const (
	// maxEntries of a bundle are more than a push may have.
	maxEntries = 100_000
	// maxLogs are more files than logs of a hundred thousand apps have.
	maxLogs = 4_000_000
	// block is what a name costs on the disk at least, in bytes.
	block = 4096
)

// Restore makes a data directory of what [Write] has written; keys is what
// [WriteKeys] has, or nil. Either all of it is in place when it returns, or nothing.
// Both may be anybody's: what is not a backup is refused.
func Restore(ctx context.Context, c RestoreConfig, data, keys io.Reader) (m Manifest, err error) {
	into, err := store.BeginRestore(ctx, c.Data)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	if keys != nil { // first, as they are small
		if err := restoreKeys(ctx, into.Dir(), keys); err != nil {
			return m, err
		}
	}
	if m, err = unpack(ctx, c, into.Dir(), data); err != nil {
		return m, err
	}
	return m, into.Commit()
}

// unpacking puts the entries of an archive into a folder.
type unpacking struct {
	ctx     context.Context //nolint:containedctx // of one call of Restore
	dir     string
	root    *os.Root
	reserve *disk.Reserve
	m       Manifest
	store   *store.Store           // open once the database is there
	left    map[space.Digest]int64 // bundles that are still to come
	digest  space.Digest           // of the bundle that comes in
	arrival *store.Arrival
	entries int // of the bundle
	logs    int
}

func unpack(ctx context.Context, c RestoreConfig, dir string, r io.Reader) (m Manifest, err error) {
	u := &unpacking{ctx: ctx, dir: dir}
	if u.reserve, err = disk.Open(dir, disk.Auto); err != nil {
		return m, err
	}
	if u.root, err = os.OpenRoot(dir); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, u.close()) }()
	add := c.Add
	if add == nil {
		add = func(int) {}
	}
	begin := func(m Manifest) error {
		u.m = m
		if c.Begin != nil {
			c.Begin(m)
		}
		return nil
	}
	m, err = readArchive(ctx, r, kindData, begin, func(e entry) error {
		e.Reader = &paced{ctx: ctx, r: e.Reader, add: add}
		return u.take(e)
	})
	if err == nil {
		err = u.finish()
	}
	if err != nil {
		return m, fmt.Errorf("read the backup: %w", err)
	}
	return m, nil
}

func (u *unpacking) take(e entry) error {
	if e.size > 1<<62 || !u.reserve.Take(e.size+block) {
		return space.Errorf(space.CodeStorage, "the disk has no room for what is in the backup: free some, or restore to another disk")
	}
	first, rest, _ := strings.Cut(e.name, "/")
	switch {
	case e.name == databaseName && !e.folder && u.store == nil:
		return u.database(e)
	case u.store == nil:
		return damaged("it begins with %.200q, not with the database", e.name)
	case first == blobsName && u.logs == 0:
		return u.blob(rest, e)
	case first == logsName && u.m.Logs:
		return u.log(e)
	}
	return damaged("%.200q has no place in a backup", e.name)
}

// database unpacks the database, and opens it as the server will.
func (u *unpacking) database(e entry) error {
	content := store.NewDigesting(e)
	e.Reader = content
	if err := writeFile(u.root, databaseName, e); err != nil {
		return err
	}
	if hex.EncodeToString(content.Sum()) != u.m.Database {
		return damaged("its database is not the one that was backed up")
	}
	var err error
	if u.store, err = store.Open(u.ctx, u.dir); err != nil {
		return fmt.Errorf("open the database in the backup: %w", err)
	}
	u.left, err = u.store.Bundles(u.ctx)
	return err
}

// blob takes a file or folder of a bundle. Bundles come one after the other.
func (u *unpacking) blob(name string, e entry) error {
	digest, within, inside := strings.Cut(name, "/")
	if !inside {
		return u.bundle(space.Digest(digest), e)
	}
	if u.arrival == nil || space.Digest(digest) != u.digest {
		return damaged("%.200q belongs to another bundle than the one before it", e.name)
	}
	if u.entries++; u.entries > maxEntries {
		return damaged("bundle %s has more than %d files and folders", u.digest, maxEntries)
	}
	if e.folder {
		return clash(e.name, u.arrival.Folder(within))
	}
	return clash(e.name, u.arrival.File(within, e.size, e))
}

// clash blames the archive for names that contradict each other.
func clash(name string, err error) error {
	if errors.Is(err, os.ErrExist) || errors.Is(err, os.ErrNotExist) || (err != nil && strings.Contains(err.Error(), "not a directory")) {
		return damaged("%.200q contradicts what came before it", name)
	}
	return err
}

// bundle begins the next bundle, after the one before.
func (u *unpacking) bundle(digest space.Digest, e entry) error {
	if err := u.publish(); err != nil {
		return err
	}
	// Only what the database names: a name from there is no path of the archive's.
	if _, needed := u.left[digest]; !needed || !e.folder {
		return damaged("its database does not need %.200q, or it comes twice", e.name)
	}
	if !isDigest(digest) {
		return damaged("its database wants %.200q for a bundle", digest)
	}
	delete(u.left, digest)
	var err error
	u.digest, u.entries = digest, 0
	u.arrival, err = u.store.Blobs().Receive()
	return err
}

func isDigest(d space.Digest) bool {
	return len(d) == 64 && strings.Trim(string(d), "0123456789abcdef") == ""
}

// publish ends the bundle that came in, if there is one.
func (u *unpacking) publish() error {
	if u.arrival == nil {
		return nil
	}
	err := u.arrival.Publish(u.digest)
	if errors.Is(err, store.ErrDamaged) {
		err = damaged("%v", err)
	}
	closed := u.arrival.Close()
	u.arrival = nil
	return errors.Join(err, closed)
}

// log takes a file or folder of the logs.
func (u *unpacking) log(e entry) error {
	if u.logs++; u.logs > maxLogs {
		return damaged("it has more than %d logs", maxLogs)
	}
	if e.folder {
		return clash(e.name, u.root.Mkdir(e.name, 0o700))
	}
	return clash(e.name, writeFile(u.root, e.name, e))
}

// finish looks for what has not come, and closes the store.
func (u *unpacking) finish() error {
	if u.store == nil {
		return damaged("there is no database in it")
	}
	if err := u.publish(); err != nil {
		return err
	}
	for digest := range u.left {
		return damaged("it lacks %d bundles that its database needs, %.200q for one", len(u.left), digest)
	}
	return u.close()
}

func (u *unpacking) close() error {
	var errs []error
	if u.arrival != nil {
		errs = append(errs, u.arrival.Close())
		u.arrival = nil
	}
	if u.store != nil {
		errs = append(errs, u.store.Close())
	}
	return errors.Join(append(errs, u.root.Close())...)
}

// writeFile makes a file of an entry, for its owner only.
func writeFile(root *os.Root, name string, e entry) error {
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, e)
	return errors.Join(err, f.Close())
}
