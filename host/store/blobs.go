package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

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
	return &Blobs{dir: dir, root: root, listings: listings}, nil
}

func openFolder(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

func (b *Blobs) close() error { return errors.Join(b.root.Close(), b.listings.Close()) }

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
// Nothing may be staged meanwhile.
func (b *Blobs) Sweep(keep map[space.Digest]int64) error {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return fmt.Errorf("sweep blobs: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if _, needed := keep[space.Digest(entry.Name())]; !needed {
			errs = append(errs, b.root.RemoveAll(entry.Name()))
		}
	}
	return errors.Join(append(errs, b.sweepListings(keep))...)
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
	dir, err := os.MkdirTemp(b.dir, stagePrefix)
	if err != nil {
		return nil, fmt.Errorf("make staging folder: %w", err)
	}
	s := &Staging{blobs: b, name: filepath.Base(dir)}
	if err := b.root.Mkdir(s.name+"/files", 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make staging folder: %w", err), s.Close())
	}
	if s.files, err = b.root.OpenRoot(s.name + "/files"); err != nil {
		return nil, errors.Join(fmt.Errorf("open staging folder: %w", err), s.Close())
	}
	return s, nil
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

// fill puts the staged files of dir into the tree, and writes its listing, which
// covers names, sizes and contents, in the order of the names.
func (s *Staging) fill(tree, dir string, listing io.Writer) (space.Digest, error) {
	sum := sha256.New()
	text := bufio.NewWriter(io.MultiWriter(sum, listing))
	err := fs.WalkDir(s.files.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		return s.add(text, tree, name, strings.TrimPrefix(name, strings.TrimPrefix(dir+"/", "./")), entry)
	})
	if err := errors.Join(err, text.Flush()); err != nil {
		return "", err
	}
	return space.Digest(hex.EncodeToString(sum.Sum(nil))), nil
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

// add puts one file or folder into the tree, and a line about it into the listing.
func (s *Staging) add(listing io.Writer, tree, name, within string, entry fs.DirEntry) error {
	to := path.Join(tree, within)
	if entry.IsDir() {
		if _, err := fmt.Fprintf(listing, folderLine, within); err != nil {
			return err
		}
		return s.blobs.root.Mkdir(to, 0o755)
	}
	if !entry.Type().IsRegular() {
		return fmt.Errorf("%s is not a regular file", within)
	}
	file, err := s.files.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	content := sha256.New()
	size, err := io.Copy(content, file)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(listing, fileLine, within, size, content.Sum(nil)); err != nil {
		return err
	}
	return s.blobs.root.Link(s.name+"/files/"+name, to)
}

// Close removes what is left of the staging folder.
func (s *Staging) Close() error {
	var err error
	if s.files != nil {
		err = s.files.Close()
	}
	return errors.Join(err, s.blobs.root.RemoveAll(s.name))
}
