package fs

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// A Tmp is a private, bounded directory tree: the /tmp of one execution. It
// costs nothing until it is first used.
type Tmp struct {
	parent string
	ledger *ledger
	dir    *Dir

	// Guarded by the ledger's mutex; zero until the first use.
	root *os.Root
	path string
}

// NewTmp returns an empty Tmp whose directory will be made in the host's
// directory parent, mode 0700, when a guest first uses it. The caller closes
// it.
func NewTmp(parent string, quota Quota, shared Shared) *Tmp {
	t := &Tmp{parent: parent, ledger: &ledger{
		limit:  quota,
		shared: shared,
		inodes: make(map[ID]*inode),
		open:   make(map[io.Closer]struct{}),
	}}
	t.dir = &Dir{tree: &tree{ledger: t.ledger, shared: shared}, name: ".", root: t.open}
	return t
}

// Dir returns the top of the tree. More than quota allows is ENOSPC; more than
// 64 levels of directories are ENAMETOOLONG. After [Tmp.Close] all is EBADF.
func (t *Tmp) Dir() *Dir {
	return t.dir
}

// Usage returns what the tree holds now.
func (t *Tmp) Usage() Quota {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	return t.ledger.used
}

// open makes the directory at the first call.
func (t *Tmp) open() (*os.Root, error) {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	if t.ledger.closed {
		return nil, os.ErrClosed
	}
	if t.root == nil {
		if err := t.make(); err != nil {
			return nil, &hostError{fmt.Errorf("make a temporary directory: %w", err)}
		}
	}
	return t.root, nil
}

func (t *Tmp) make() error {
	path, err := os.MkdirTemp(t.parent, "tmp-")
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		_ = os.Remove(path)
		return err
	}
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(path, &st) }); err != nil {
		_ = root.Close()
		_ = os.Remove(path)
		return err
	}
	// The top belongs to the host: it is known, but not counted.
	t.ledger.inodes[idOf(st)] = &inode{id: idOf(st), links: 1}
	t.root, t.path = root, path
	return nil
}

// Close closes the files that are still open and removes everything. Closing a
// Tmp again does nothing.
func (t *Tmp) Close() error {
	if !t.shut() {
		return nil
	}
	return t.clear()
}

// Reset empties the tree as Close does, and leaves it as [NewTmp] made it. After
// an error it is closed.
func (t *Tmp) Reset() error {
	if t.shut() {
		if err := t.clear(); err != nil {
			return err
		}
	}
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	clear(t.ledger.inodes)
	t.root, t.path, t.ledger.closed = nil, "", false
	return nil
}

// clear closes the files that are still open and removes everything. Nothing
// begins meanwhile.
func (t *Tmp) clear() error {
	// From here on nothing is added to files, and nothing but Close of the
	// files themselves, which locks for itself, takes from it.
	for _, f := range t.stillOpen() {
		_ = f.Close()
	}
	if t.root == nil {
		return nil
	}
	_ = t.root.Close()
	if err := RemoveTree(t.path); err != nil {
		return err
	}
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	t.ledger.shared.giveBytes(t.ledger.used.Bytes)
	t.ledger.used, t.ledger.names = Quota{}, 0
	return nil
}

// shut lets no further change begin; false if an earlier call did.
func (t *Tmp) shut() bool {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	was := t.ledger.closed
	t.ledger.closed = true
	return !was
}

func (t *Tmp) stillOpen() []io.Closer {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	return slices.Collect(maps.Keys(t.ledger.open))
}
