package fs

import (
	iofs "io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// OpenDir opens the directory called name, ENOTDIR for anything else. Of flag
// only O_NOFOLLOW counts (ELOOP for a link). The caller closes the Dir.
func (d *Dir) OpenDir(name string, flag int) (*Dir, error) {
	sub, err := d.openDir(name, flag)
	return sub, fault("open", name, err)
}

func (d *Dir) openDir(name string, flag int) (*Dir, error) {
	root, err := d.enter(name)
	if err != nil {
		return nil, err
	}
	// Looking first costs a call, but os.Root's own errors have no errno here.
	look := root.Stat
	if flag&unix.O_NOFOLLOW != 0 {
		look = root.Lstat
	}
	switch info, err := look(name); {
	case err != nil:
		return nil, err
	case info.Mode()&iofs.ModeSymlink != 0:
		return nil, syscall.ELOOP
	case !info.IsDir():
		return nil, syscall.ENOTDIR
	}
	if err := d.tree.shared.reserve(); err != nil {
		return nil, err
	}
	own, err := root.OpenRoot(name)
	if err == nil {
		sub := &Dir{tree: d.tree, name: name, root: lent(own), own: own}
		if err = sub.tree.ledger.holdDir(sub); err == nil {
			return sub, nil
		}
		_ = own.Close()
	}
	d.tree.shared.release()
	return nil, err
}

// Close closes a directory that [Dir.OpenDir] returned; the top of a tree stays
// open. Closing it again does nothing.
func (d *Dir) Close() error {
	if d.own == nil || d.closed.Swap(true) {
		return nil
	}
	err := d.own.Close()
	d.tree.ledger.release(d, d.inode)
	d.tree.shared.release()
	return fault("close", d.name, err)
}

// statOf describes an open directory to the ledger.
func statOf(root *os.Root) (unix.Stat_t, error) {
	dir, err := root.OpenFile(".", unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return unix.Stat_t{}, err
	}
	defer func() { _ = dir.Close() }()
	return entry{dir: dir}.fstat()
}
