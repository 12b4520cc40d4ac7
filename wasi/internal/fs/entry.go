package fs

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxName bounds a name, in bytes, as Linux does for one system call. Without
// it, resolving "a/../a/../..." would be work without end.
const maxName = unix.PathMax - 1

// checkName refuses the names that no tree holds.
func checkName(name string) error {
	switch {
	case name == "":
		return syscall.ENOENT
	case len(name) > maxName:
		return syscall.ENAMETOOLONG
	case strings.IndexByte(name, 0) >= 0:
		return syscall.EINVAL
	}
	return nil
}

// An entry is a name in an open directory that may or may not exist: what is
// made, moved or removed. Its base is never "." or "..", and holds no slash,
// so that the *at system calls cannot leave the directory.
type entry struct {
	dir   *os.File
	base  string
	slash bool // the name ended in a slash: it means a directory
}

// entry opens the directory that name stands in, in order to change it. A name
// that ends in "." or ".." can be neither made nor removed; where the name
// resolves, the error is dots. The caller closes the entry.
func (d *Dir) entry(name string, dots syscall.Errno) (entry, error) {
	root, err := d.enter(name)
	if err != nil {
		return entry{}, err
	}
	if d.tree.readOnly {
		return entry{}, syscall.EROFS
	}
	trimmed := strings.TrimRight(name, "/")
	cut := strings.LastIndexByte(trimmed, '/') + 1
	base := trimmed[cut:]
	if base == "" || base == "." || base == ".." {
		if _, err := root.Stat(name); err != nil {
			return entry{}, err
		}
		return entry{}, dots
	}
	parent := "."
	if cut > 0 {
		parent = trimmed[:cut]
	}
	dir, err := root.OpenFile(parent, unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return entry{}, err
	}
	return entry{dir: dir, base: base, slash: len(trimmed) < len(name)}, nil
}

func (e entry) close() { _ = e.dir.Close() }

func (e entry) fd() int { return int(e.dir.Fd()) }

// lstat describes the entry itself, not what a link points to.
func (e entry) lstat() (unix.Stat_t, error) {
	var st unix.Stat_t
	err := retry(func() error {
		return unix.Fstatat(e.fd(), e.base, &st, unix.AT_SYMLINK_NOFOLLOW)
	})
	return st, err
}

// fstat describes the directory that the entry stands in.
func (e entry) fstat() (unix.Stat_t, error) {
	var st unix.Stat_t
	err := retry(func() error { return unix.Fstat(e.fd(), &st) })
	return st, err
}

// needDir fails unless the entry is a directory.
func (e entry) needDir() error {
	st, err := e.lstat()
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return syscall.ENOTDIR
	}
	return err
}

// needNew fails for a name with a trailing slash, which cannot name the link
// that is about to be made.
func (e entry) needNew() error {
	if !e.slash {
		return nil
	}
	if _, err := e.lstat(); err != nil {
		return err
	}
	return syscall.EEXIST
}
