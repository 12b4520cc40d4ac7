package fs

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// unlink removes the name; flags are those of unlinkat.
func (e entry) unlink(flags int) error {
	return retry(func() error { return unix.Unlinkat(e.fd(), e.base, flags) })
}

// mkdir makes a directory by create, if there is room and the tree does not
// get too deep.
func (l *ledger) mkdir(e entry, create func() error) error {
	if l == nil {
		return create()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	parent, err := l.begin(e)
	if err != nil {
		return err
	}
	if parent.depth() >= maxDepth {
		return refuse(e, syscall.ENAMETOOLONG)
	}
	return l.create(e, parent, create)
}

// symlink makes a link by create, if there is room.
func (l *ledger) symlink(e entry, create func() error) error {
	if l == nil {
		return create()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.begin(e); err != nil {
		return err
	}
	return l.create(e, nil, create)
}

// create makes a new inode at e and enters it.
func (l *ledger) create(e entry, parent *inode, create func() error) error {
	if l.full() {
		return refuse(e, syscall.ENOSPC)
	}
	if err := create(); err != nil {
		return err
	}
	st, err := e.lstat()
	if err != nil {
		return err
	}
	l.add(st, parent)
	return nil
}

// remove takes away the name e by unlink.
func (l *ledger) remove(e entry, unlink func() error) error {
	if l == nil {
		return unlink()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.begin(e); err != nil {
		return err
	}
	n, err := l.lookup(e.lstat())
	if err != nil {
		return err
	}
	if err := unlink(); err != nil {
		return err
	}
	l.drop(n)
	return nil
}

// link gives the inode of old the further name fresh by link.
func (l *ledger) link(old, fresh entry, link func() error) error {
	if l == nil {
		return link()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.begin(fresh); err != nil {
		return err
	}
	n, err := l.lookup(old.lstat())
	if err != nil {
		return err
	}
	if l.names >= l.limit.Inodes {
		return refuse(fresh, syscall.ENOSPC)
	}
	if err := link(); err != nil {
		return err
	}
	n.links++
	l.names++
	return nil
}

// rename moves old to fresh by rename, and drops what was called fresh.
func (l *ledger) rename(old, fresh entry, rename func() error) error {
	if l == nil {
		return rename()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	parent, err := l.begin(fresh)
	if err != nil {
		return err
	}
	n, err := l.lookup(old.lstat())
	if err != nil {
		return err
	}
	over, err := l.lookup(fresh.lstat())
	if err != nil && !errors.Is(err, syscall.ENOENT) {
		return err
	}
	dir := n.parent != nil
	if dir && parent.depth()+n.height() > maxDepth {
		return syscall.ENAMETOOLONG
	}
	if err := rename(); err != nil {
		return err
	}
	// Two names of one file both stay, says POSIX.
	if over != nil && over != n {
		l.drop(over)
	}
	if dir {
		n.moveTo(parent)
	}
	return nil
}
