package fs

import (
	iofs "io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// hostFlags are the flags of a guest that reach the host. Truncation and
	// appending are ours, so that they are counted; os.Root follows links
	// whatever O_NOFOLLOW says; all others are none of a guest's business.
	hostFlags = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_SYNC

	// changeFlags are those that a read-only tree refuses.
	changeFlags = unix.O_ACCMODE | unix.O_CREAT | unix.O_TRUNC
)

// OpenFile opens the file called name; a directory is EISDIR, see [Dir.OpenDir].
// It understands the access modes and O_CREATE, O_EXCL, O_TRUNC, O_APPEND, O_SYNC
// and O_DSYNC of package os or unix, and O_NOFOLLOW (ELOOP for a link) of package
// unix; other flags are dropped. O_TRUNC needs write access (EINVAL).
//
// The owner can always read and write a file that it makes, whatever perm
// says. FIFOs, sockets and devices are refused (ENXIO), without blocking; FIFOs
// and character devices of a [ReadWrite] directory are not.
func (d *Dir) OpenFile(name string, flag int, perm iofs.FileMode) (*File, error) {
	f, err := d.openFile(name, flag, perm)
	return f, fault("open", name, err)
}

func (d *Dir) openFile(name string, flag int, perm iofs.FileMode) (*File, error) {
	root, err := d.enter(name)
	if err != nil {
		return nil, err
	}
	if err := d.checkFlags(flag); err != nil {
		return nil, err
	}
	if err := d.checkKind(root, name, flag); err != nil {
		return nil, err
	}
	if err := d.tree.shared.reserve(); err != nil {
		return nil, err
	}
	f, err := d.tree.ledger.openFile(flag, func(flag int) (*File, error) {
		return d.openHost(root, name, flag, perm)
	})
	if err != nil {
		d.tree.shared.release()
		return nil, err
	}
	if flag&unix.O_TRUNC != 0 && !f.stream {
		if err := f.Truncate(0); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	return f, nil
}

func (d *Dir) checkFlags(flag int) error {
	switch {
	case d.tree.readOnly && flag&changeFlags != 0:
		return syscall.EROFS
	case flag&unix.O_ACCMODE == unix.O_ACCMODE:
		return syscall.EINVAL
	case flag&unix.O_TRUNC != 0 && flag&unix.O_ACCMODE == unix.O_RDONLY:
		return syscall.EINVAL
	}
	return nil
}

// checkKind refuses what must not be opened before it is opened: opening alone
// can act on a device, or wake who waits at a FIFO. (That a host process may
// put one there just after is answered by openHost: it does not block.)
func (d *Dir) checkKind(root *os.Root, name string, flag int) error {
	if flag&unix.O_CREAT != 0 && flag&unix.O_EXCL != 0 {
		return nil // never opens what exists
	}
	look := root.Stat
	if flag&unix.O_NOFOLLOW != 0 {
		look = root.Lstat
	}
	info, err := look(name)
	if err != nil {
		return nil //nolint:nilerr // opening may yet make it, and else says why not
	}
	if info.Mode()&iofs.ModeSymlink != 0 {
		return syscall.ELOOP
	}
	return d.checkMode(info.Mode())
}

// checkMode refuses what is no file. Who lends a directory that has character
// devices, such as /dev/null, or FIFOs, lends these too.
func (d *Dir) checkMode(mode iofs.FileMode) error {
	lent := d.tree.ledger == nil && !d.tree.readOnly
	switch {
	case mode.IsRegular(), lent && mode&(iofs.ModeCharDevice|iofs.ModeNamedPipe) != 0:
		return nil
	case mode.IsDir():
		return syscall.EISDIR
	}
	return syscall.ENXIO
}

// openHost opens the host's file, whatever is counted.
func (d *Dir) openHost(root *os.Root, name string, flag int, perm iofs.FileMode) (*File, error) {
	pass := flag & hostFlags
	if d.tree.ledger != nil {
		pass &^= unix.O_SYNC // as File.Sync
	}
	host, err := root.OpenFile(name, pass|unix.O_NONBLOCK|unix.O_NOCTTY, perm.Perm()|0o600)
	if err != nil {
		return nil, err
	}
	info, err := host.Stat()
	if err == nil {
		err = d.checkMode(info.Mode())
	}
	if err != nil {
		_ = host.Close()
		return nil, err
	}
	return &File{
		name:     name,
		stream:   !info.Mode().IsRegular(),
		tree:     d.tree,
		writable: flag&unix.O_ACCMODE != unix.O_RDONLY,
		host:     host,
		append:   flag&unix.O_APPEND != 0,
	}, nil
}
