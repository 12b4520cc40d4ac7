package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// A listing is the text whose SHA-256 names a tree: a line for each file and
// folder. It is kept under that name, so that it is known what a tree holds without
// reading it, and proves itself: one that was cut short is not of its name.

const (
	fileLine   = "file %q %d %x\n"
	folderLine = "folder %q\n"
)

// List calls found with the path and the content of each file of a tree, until
// found returns false. Of a tree without a listing, as older servers have made them,
// nothing is known.
func (b *Blobs) List(tree space.Digest, found func(path string, content space.Content) bool) error {
	err := b.list(tree, found)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list bundle %s: %w", tree, err)
	}
	return nil
}

func (b *Blobs) list(tree space.Digest, found func(string, space.Content) bool) error {
	file, err := b.listings.Open(string(tree))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != string(tree) {
		return nil // a crash has left it
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		path, content, err := parseLine(lines.Text())
		if err != nil {
			return err
		}
		if path != "" && !found(path, content) {
			return nil
		}
	}
	return lines.Err()
}

// parseLine reads a line of a listing; the path is "" for a folder.
func parseLine(line string) (path string, content space.Content, err error) {
	rest, isFile := strings.CutPrefix(line, "file ")
	if !isFile {
		return "", content, nil
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", content, err
	}
	if path, err = strconv.Unquote(quoted); err != nil {
		return "", content, err
	}
	size, sum, _ := strings.Cut(strings.TrimPrefix(rest[len(quoted):], " "), " ")
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return "", content, err
	}
	content, err = space.ParseContent(sum, n)
	return path, content, err
}

// keepListing gives a listing the name of its tree.
func (b *Blobs) keepListing(written *os.File, tree space.Digest) error {
	if err := written.Close(); err != nil {
		return err
	}
	return os.Rename(written.Name(), filepath.Join(b.listings.Name(), string(tree)))
}

// sweepListings removes those of trees that are not in keep.
func (b *Blobs) sweepListings(keep map[space.Digest]int64) error {
	entries, err := fs.ReadDir(b.listings.FS(), ".")
	if err != nil {
		return fmt.Errorf("sweep listings: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if _, needed := keep[space.Digest(entry.Name())]; !needed {
			errs = append(errs, b.listings.RemoveAll(entry.Name()))
		}
	}
	return errors.Join(errs...)
}

// Link puts a file of a published tree among the staged ones, under another name and
// without a copy.
func (s *Staging) Link(tree space.Digest, path, name string) error {
	return s.blobs.root.Link(string(tree)+"/"+path, s.name+"/files/"+name)
}

// BundlesOf returns the digests of the bundles that the revisions of an app need, those
// of the newest first.
func (s *Store) BundlesOf(ctx context.Context, app space.AppName) ([]space.Digest, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT micro.value ->> 'bundle' FROM revisions, json_each(revisions.micros) AS micro
		 WHERE revisions.app = ? GROUP BY 1 ORDER BY MAX(revisions.number) DESC`, app)
	if err != nil {
		return nil, fmt.Errorf("list bundles of %s: %w", app, err)
	}
	defer func() { _ = rows.Close() }()
	var all []space.Digest
	for rows.Next() {
		var digest space.Digest
		if err := rows.Scan(&digest); err != nil {
			return nil, fmt.Errorf("list bundles of %s: %w", app, err)
		}
		all = append(all, digest)
	}
	return all, rows.Err()
}
