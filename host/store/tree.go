package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// ErrDamaged says that a tree is not what its digest says.
var ErrDamaged = errors.New("its files are not those that were stored")

// Sum is the digest of files and folders in the order in which they come: it
// covers names, sizes and contents. It is that of a text, the tree's listing.
type Sum struct {
	hash hash.Hash
	text io.Writer // the hash, and where the listing goes, which keeps its errors to itself
}

// NewSum returns the sum of nothing.
func NewSum() Sum {
	h := sha256.New()
	return Sum{h, h}
}

// newListing is [NewSum] with the listing written to w.
func newListing(w *bufio.Writer) Sum {
	h := sha256.New()
	return Sum{h, io.MultiWriter(h, w)}
}

// Folder adds a folder.
func (s Sum) Folder(name string) { fmt.Fprintf(s.text, folderLine, name) }

// File adds a file, of which content is the SHA-256.
func (s Sum) File(name string, size int64, content []byte) {
	fmt.Fprintf(s.text, fileLine, name, size, content)
}

// Digest is the digest of all that was added.
func (s Sum) Digest() space.Digest { return space.Digest(hex.EncodeToString(s.hash.Sum(nil))) }

// Sink takes the files and folders of a tree in the order of their names, which
// are relative to the tree; a folder comes before what is in it.
type Sink interface {
	Folder(name string) error
	// File reads r, which has size bytes, to its end.
	File(name string, size int64, r io.Reader) error
}

// readTree hands the folder dir of files to a sink, and adds what it has read to the
// sum, which it returns the digest of.
func readTree(files *os.Root, dir string, sum Sum, to Sink) (space.Digest, error) {
	prefix := strings.TrimPrefix(dir+"/", "./")
	err := fs.WalkDir(files.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		within := strings.TrimPrefix(name, prefix)
		switch {
		case entry.IsDir():
			sum.Folder(within)
			return to.Folder(within)
		case entry.Type().IsRegular():
			return readFile(files, name, within, sum, to)
		default:
			return fmt.Errorf("%s is not a regular file", within)
		}
	})
	return sum.Digest(), err
}

func readFile(files *os.Root, name, within string, sum Sum, to Sink) error {
	file, err := files.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	content := NewDigesting(file)
	if err := to.File(within, info.Size(), content); err != nil {
		return err
	}
	if content.Size() != info.Size() {
		return fmt.Errorf("%s changed while it was read", within)
	}
	sum.File(within, content.Size(), content.Sum())
	return nil
}

// Digesting is a reader that knows what it has read.
type Digesting struct {
	r    io.Reader
	hash hash.Hash
	size int64
}

// NewDigesting reads from r.
func NewDigesting(r io.Reader) *Digesting { return &Digesting{r: r, hash: sha256.New()} }

// Read implements [io.Reader].
func (d *Digesting) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.hash.Write(p[:n])
	d.size += int64(n)
	return n, err
}

// Size is how many bytes were read.
func (d *Digesting) Size() int64 { return d.size }

// Sum is their SHA-256.
func (d *Digesting) Sum() []byte { return d.hash.Sum(nil) }

// Read hands a tree to a sink. If it is not what it was when it was stored, the
// error is [ErrDamaged], and the sink has got something else.
func (b *Blobs) Read(digest space.Digest, to Sink) error {
	root, err := b.Open(digest)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	found, err := readTree(root, ".", NewSum(), to)
	if err != nil {
		return fmt.Errorf("read bundle %s: %w", digest, err)
	}
	if found != digest {
		return fmt.Errorf("read bundle %s: %w", digest, ErrDamaged)
	}
	return nil
}

// Arrival is a tree that comes in from elsewhere, in the order of its names: a
// [Sink] that is used by one goroutine.
type Arrival struct {
	blobs   *Blobs
	name    string
	files   *os.Root
	listing *os.File
	text    *bufio.Writer // to the listing
	sum     Sum
}

// Receive makes an empty tree, which is to be closed.
func (b *Blobs) Receive() (*Arrival, error) {
	staging, err := b.Stage()
	if err != nil {
		return nil, err
	}
	a := &Arrival{blobs: b, name: staging.name, files: staging.files}
	if a.listing, err = os.CreateTemp(b.listings.Name(), stagePrefix); err != nil {
		return nil, errors.Join(err, staging.Close())
	}
	a.text = bufio.NewWriter(a.listing)
	a.sum = newListing(a.text)
	return a, nil
}

// Folder implements [Sink].
func (a *Arrival) Folder(name string) error {
	a.sum.Folder(name)
	return a.files.Mkdir(name, 0o755)
}

// File implements [Sink].
func (a *Arrival) File(name string, size int64, r io.Reader) error {
	file, err := a.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	content := NewDigesting(r)
	_, err = io.Copy(file, content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if content.Size() != size {
		return fmt.Errorf("%s has %d bytes, not %d", name, content.Size(), size)
	}
	a.sum.File(name, size, content.Sum())
	return nil
}

// Publish makes what has come the tree of that digest, or returns [ErrDamaged] if
// it is another. It is not on the disk yet when this returns.
func (a *Arrival) Publish(digest space.Digest) error {
	if a.sum.Digest() != digest {
		return fmt.Errorf("store bundle %s: %w", digest, ErrDamaged)
	}
	if err := a.blobs.root.Rename(a.name+"/files", string(digest)); err != nil {
		return fmt.Errorf("store bundle %s: %w", digest, err)
	}
	// Staged files are private, trees are as those of a push.
	if err := errors.Join(a.blobs.root.Chmod(string(digest), 0o755), a.text.Flush()); err != nil {
		return err
	}
	err := a.blobs.keepListing(a.listing, digest)
	a.listing = nil
	return err
}

// Close removes what has not been published.
func (a *Arrival) Close() error {
	err := errors.Join(a.files.Close(), a.blobs.root.RemoveAll(a.name))
	if a.listing != nil {
		err = errors.Join(err, dropFile(a.listing))
	}
	return err
}
