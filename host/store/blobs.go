package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"github.com/spacewasm/spacewasm/host/space"
)

// stagePrefix begins the names of folders that are being made; a crash leaves
// them for the next start to remove.
const stagePrefix = ".stage-"

// Blobs keeps file trees, each in a folder named by the digest of its content,
// written once and published by rename.
type Blobs struct {
	dir      string
	root     *os.Root
	listings *os.Root // what the trees hold

	mu     sync.Mutex
	staged map[string]bool // the names of staging folders that are in use
}

// openBlobs opens the folders of the trees and of their listings, beside each other.
func openBlobs(data string) (*Blobs, error) {
	dir := filepath.Join(data, "blobs")
	root, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	listings, err := openFolder(filepath.Join(data, "listings"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the directory of listings: %w", err), root.Close())
	}
	return &Blobs{dir: dir, root: root, listings: listings, staged: map[string]bool{}}, nil
}

func openFolder(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

func (b *Blobs) close() error {
	if b.listings == nil { // those of a copy
		return b.root.Close()
	}
	return errors.Join(b.root.Close(), b.listings.Close())
}

// holder is the lock of all trees: shared by who reads them all, whole for who
// removes some. It is the folder's own, so that there is no file of which some user
// is the owner.
func (b *Blobs) holder() *flock.Flock { return flock.New(b.dir, flock.SetFlag(os.O_RDONLY)) }

// Open opens a tree, which the caller closes and nobody changes.
func (b *Blobs) Open(digest space.Digest) (*os.Root, error) {
	root, err := b.root.OpenRoot(string(digest))
	if err != nil {
		return nil, fmt.Errorf("open bundle %s: %w", digest, err)
	}
	return root, nil
}

// Sweep removes the trees that are not in keep, and what crashes have left.
// Trees are at most 64 folders deep, so that a removal that holds a descriptor
// for each will do.
// Nothing may be published meanwhile; staging folders that are in use stay. While somebody holds the trees (see [OpenCopy])
// all of them stay, for a later sweep.
func (b *Blobs) Sweep(keep map[space.Digest]int64) error {
	hold := b.holder()
	free, err := hold.TryLock()
	if err != nil {
		return fmt.Errorf("sweep blobs: %w", err)
	}
	defer func() { _ = hold.Close() }()
	entries, staged, err := b.entries()
	if err != nil {
		return fmt.Errorf("sweep blobs: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		_, needed := keep[space.Digest(entry.Name())]
		if !needed && !staged[entry.Name()] && (free || strings.HasPrefix(entry.Name(), stagePrefix)) {
			errs = append(errs, b.root.RemoveAll(entry.Name()))
		}
	}
	return errors.Join(append(errs, b.sweepListings(keep))...)
}

// entries returns what there is, and which staging folders of that are in use.
func (b *Blobs) entries() ([]os.DirEntry, map[string]bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries, err := os.ReadDir(b.dir)
	return entries, maps.Clone(b.staged), err
}

// Staging is a private folder in which trees are put together. It is used by one
// goroutine at a time.
type Staging struct {
	blobs *Blobs
	name  string
	files *os.Root
	trees int
}

// Stage makes a staging folder, which is to be closed.
func (b *Blobs) Stage() (*Staging, error) {
	name, err := b.makeStage()
	if err != nil {
		return nil, fmt.Errorf("make staging folder: %w", err)
	}
	s := &Staging{blobs: b, name: name}
	if err := b.root.Mkdir(s.name+"/files", 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make staging folder: %w", err), s.Close())
	}
	if s.files, err = b.root.OpenRoot(s.name + "/files"); err != nil {
		return nil, errors.Join(fmt.Errorf("open staging folder: %w", err), s.Close())
	}
	return s, nil
}

// makeStage makes a folder that no sweep takes.
func (b *Blobs) makeStage() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	dir, err := os.MkdirTemp(b.dir, stagePrefix)
	if err != nil {
		return "", err
	}
	name := filepath.Base(dir)
	b.staged[name] = true
	return name, nil
}

// Files is the folder to put files into, regular ones and folders only.
func (s *Staging) Files() *os.Root { return s.files }

// Spool makes an empty file that goes with the staging folder. The caller closes
// it.
func (s *Staging) Spool() (*os.File, error) {
	return s.blobs.root.OpenFile(s.name+"/spool", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Publish makes the folder dir of the staged files a tree of its own. The files
// stay, so that folders of two trees may lie within each other.
func (s *Staging) Publish(dir string) (space.Digest, error) {
	digest, err := s.publish(dir)
	if err != nil {
		return "", fmt.Errorf("store bundle %s: %w", dir, err)
	}
	return digest, nil
}

func (s *Staging) publish(dir string) (space.Digest, error) {
	tree := fmt.Sprintf("%s/tree-%d", s.name, s.trees)
	s.trees++
	if err := s.blobs.root.Mkdir(tree, 0o755); err != nil {
		return "", err
	}
	listing, err := os.CreateTemp(s.blobs.listings.Name(), stagePrefix)
	if err != nil {
		return "", err
	}
	digest, err := s.fill(tree, dir, listing)
	if err == nil {
		err = s.place(tree, digest)
	}
	if err == nil {
		err = s.blobs.keepListing(listing, digest)
	}
	if err != nil {
		return "", errors.Join(err, dropFile(listing))
	}
	return digest, nil
}

// fill puts the staged files of dir into the tree, and writes its listing.
func (s *Staging) fill(tree, dir string, listing io.Writer) (space.Digest, error) {
	text := bufio.NewWriter(listing)
	digest, err := readTree(s.files, dir, newListing(text), linker{s.blobs.root, path.Join(s.name, "files", dir), tree})
	if err := errors.Join(err, text.Flush()); err != nil {
		return "", err
	}
	return digest, nil
}

// place brings the tree to the disk and gives it its name.
func (s *Staging) place(tree string, digest space.Digest) error {
	if err := syncTree(filepath.Join(s.blobs.dir, tree)); err != nil {
		return err
	}
	if _, err := s.blobs.root.Stat(string(digest)); err == nil {
		return nil
	}
	if err := s.blobs.root.Rename(tree, string(digest)); err != nil {
		if _, gone := s.blobs.root.Stat(string(digest)); gone != nil {
			return err
		}
		// Another has just published the same.
	}
	return syncFile(s.blobs.dir)
}

// dropFile removes a file that has not become anything.
func dropFile(f *os.File) error {
	_ = f.Close() // it may have been
	return os.Remove(f.Name())
}

// syncFile brings a file, or the names in a folder, to the disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// linker is the [Sink] that makes a tree of files that are there.
type linker struct {
	root       *os.Root
	from, tree string
}

func (l linker) Folder(name string) error { return l.root.Mkdir(path.Join(l.tree, name), 0o755) }

func (l linker) File(name string, _ int64, r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil { // for its digest
		return err
	}
	return l.root.Link(path.Join(l.from, name), path.Join(l.tree, name))
}

// Close removes what is left of the staging folder.
func (s *Staging) Close() error {
	var err error
	if s.files != nil {
		err = s.files.Close()
	}
	err = errors.Join(err, s.blobs.root.RemoveAll(s.name))
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	delete(s.blobs.staged, s.name) // a later sweep takes what is left
	return err
}
