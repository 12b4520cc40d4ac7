package fs

import (
	iofs "io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Dir is an open directory as a guest sees it: the top of a tree, or a
// directory of it. Names are relative to it and separated by slashes; "." is the
// Dir itself. A name with a trailing slash means a directory (ENOTDIR for
// anything else). A Dir stays the same directory when that is moved.
//
// An empty name is ENOENT, one with a NUL EINVAL, one that leads out of the
// Dir EPERM.
type Dir struct {
	tree *tree
	name string
	root func() (*os.Root, error)

	// Of what OpenDir returned; own is nil for the top of a tree.
	own    *os.Root
	inode  *inode // nil exactly where the tree has no ledger
	closed atomic.Bool
}

// A tree is what the directories of one tree have in common. Names can be moved
// within a tree only.
type tree struct {
	readOnly bool
	ledger   *ledger // nil where nothing is counted
	shared   Shared
}

// ReadOnly returns the tree at root, of which nothing can be changed: not
// through names and not through open files (EROFS). The caller keeps root, and
// closes it when the Dir and its files are no longer used.
func ReadOnly(root *os.Root, shared Shared) *Dir {
	return &Dir{tree: &tree{readOnly: true, shared: shared}, name: ".", root: lent(root)}
}

// ReadWrite returns the tree at root, writable and without a quota. The caller
// keeps root, and closes it when the Dir and its files are no longer used.
func ReadWrite(root *os.Root, shared Shared) *Dir {
	return &Dir{tree: &tree{shared: shared}, name: ".", root: lent(root)}
}

func lent(root *os.Root) func() (*os.Root, error) {
	return func() (*os.Root, error) { return root, nil }
}

// ReadOnly tells whether nothing in the tree can be changed.
func (d *Dir) ReadOnly() bool { return d.tree.readOnly }

// Owned tells whether the tree belongs to one execution alone, as a [Tmp] does.
func (d *Dir) Owned() bool { return d.tree.ledger != nil }

// enter checks name and returns the root to look it up in.
func (d *Dir) enter(name string) (*os.Root, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return d.root()
}

// Stat describes the file called name, following links. Its Sys is a
// [*syscall.Stat_t] with the host's numbers.
func (d *Dir) Stat(name string) (iofs.FileInfo, error) {
	root, err := d.enter(name)
	if err != nil {
		return nil, fault("stat", name, err)
	}
	info, err := root.Stat(name)
	return info, fault("stat", name, err)
}

// Lstat is [Dir.Stat], but describes a link instead of following it.
func (d *Dir) Lstat(name string) (iofs.FileInfo, error) {
	root, err := d.enter(name)
	if err != nil {
		return nil, fault("lstat", name, err)
	}
	info, err := root.Lstat(name)
	return info, fault("lstat", name, err)
}

// Readlink returns the target of the symbolic link called name (EINVAL if it
// is something else).
func (d *Dir) Readlink(name string) (string, error) {
	root, err := d.enter(name)
	if err != nil {
		return "", fault("readlink", name, err)
	}
	target, err := root.Readlink(name)
	return target, fault("readlink", name, err)
}

// Mkdir makes a directory. Its owner can always read, write and enter it,
// whatever perm says: guests have no chmod to get at it again.
func (d *Dir) Mkdir(name string, perm iofs.FileMode) error {
	e, err := d.entry(name, syscall.EEXIST)
	if err != nil {
		return fault("mkdir", name, err)
	}
	defer e.close()
	return fault("mkdir", name, d.tree.ledger.mkdir(e, func() error {
		return retry(func() error {
			return unix.Mkdirat(e.fd(), e.base, uint32(perm.Perm()|0o700))
		})
	}))
}

// Symlink makes name a symbolic link to target, which is not resolved. An
// absolute target is EPERM: it would mean another file to the guest than to
// the host.
func (d *Dir) Symlink(target, name string) error {
	e, err := d.entry(name, syscall.EEXIST)
	if err != nil {
		return fault("symlink", name, err)
	}
	defer e.close()
	return fault("symlink", name, d.symlink(target, e))
}

func (d *Dir) symlink(target string, e entry) error {
	if err := checkName(target); err != nil {
		return err
	}
	if strings.HasPrefix(target, "/") {
		return syscall.EPERM
	}
	if err := e.needNew(); err != nil {
		return err
	}
	return d.tree.ledger.symlink(e, func() error {
		return retry(func() error { return unix.Symlinkat(target, e.fd(), e.base) })
	})
}

// Rmdir removes an empty directory (ENOTDIR on anything else).
func (d *Dir) Rmdir(name string) error {
	e, err := d.entry(name, syscall.EINVAL)
	if err != nil {
		return fault("rmdir", name, err)
	}
	defer e.close()
	return fault("rmdir", name, d.tree.ledger.remove(e, func() error {
		return e.unlink(unix.AT_REMOVEDIR)
	}))
}

// Unlink removes a name that is no directory (EISDIR). A link is removed, not
// followed.
func (d *Dir) Unlink(name string) error {
	e, err := d.entry(name, syscall.EISDIR)
	if err != nil {
		return fault("unlink", name, err)
	}
	defer e.close()
	return fault("unlink", name, d.tree.ledger.remove(e, func() error {
		if e.slash {
			if err := e.needDir(); err != nil {
				return err
			}
		}
		return e.unlink(0)
	}))
}

// Rename moves from to the name to in target, which it replaces as POSIX says: a
// file replaces a file, a directory an empty directory. Links are moved, not
// followed. Between two trees it is EXDEV.
func (d *Dir) Rename(from string, target *Dir, to string) error {
	err := d.withTwo(from, target, to, syscall.EBUSY, syscall.EBUSY, func(old, fresh entry) error {
		if old.slash || fresh.slash {
			if err := old.needDir(); err != nil {
				return err
			}
		}
		return d.tree.ledger.rename(old, fresh, func() error {
			return retry(func() error {
				return unix.Renameat(old.fd(), old.base, fresh.fd(), fresh.base)
			})
		})
	})
	return fault("rename", from, err)
}

// Link gives the file called from the further name to in target. Directories are
// EPERM; a symbolic link is linked itself, not what it points to. Between two
// trees it is EXDEV, so that no file of one can be changed through another.
func (d *Dir) Link(from string, target *Dir, to string) error {
	err := d.withTwo(from, target, to, syscall.EPERM, syscall.EEXIST, func(old, fresh entry) error {
		if old.slash {
			if err := old.needDir(); err != nil {
				return err
			}
		}
		if err := fresh.needNew(); err != nil {
			return err
		}
		return d.tree.ledger.link(old, fresh, func() error {
			return retry(func() error {
				return unix.Linkat(old.fd(), old.base, fresh.fd(), fresh.base, 0)
			})
		})
	})
	return fault("link", from, err)
}

// withTwo runs do with the entries of two names of one tree, each with its error
// for a name that ends in dots.
func (d *Dir) withTwo(from string, target *Dir, to string, fromDots, toDots syscall.Errno, do func(old, fresh entry) error) error {
	if d.tree != target.tree {
		return syscall.EXDEV
	}
	old, err := d.entry(from, fromDots)
	if err != nil {
		return err
	}
	defer old.close()
	fresh, err := target.entry(to, toDots)
	if err != nil {
		return err
	}
	defer fresh.close()
	return do(old, fresh)
}

// Chtimes sets the times of last access and modification. The zero Time leaves
// a time as it is. Without follow, the times of a link itself are set.
func (d *Dir) Chtimes(name string, atime, mtime time.Time, follow bool) error {
	return fault("chtimes", name, d.chtimes(name, atime, mtime, follow))
}

func (d *Dir) chtimes(name string, atime, mtime time.Time, follow bool) error {
	root, err := d.enter(name)
	if err != nil {
		return err
	}
	if d.tree.readOnly {
		return syscall.EROFS
	}
	// What os.Root would have to resolve further is not a link itself.
	if follow || strings.HasSuffix(name, "/") || isDots(name) {
		return root.Chtimes(name, atime, mtime)
	}
	e, err := d.entry(name, syscall.EINVAL)
	if err != nil {
		return err
	}
	defer e.close()
	return e.chtimes(atime, mtime)
}
