// Package stockfs shows a [fs.Dir] to wazero's own WASI preview 1, to be
// mounted with WithSysFSMount of wazero's experimental/sysfs.
//
// It is temporary: it goes when our own preview 1 replaces wazero's, whose
// list of errors lacks some that guests should see (ENOSPC, EXDEV).
package stockfs

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"syscall"
	"time"

	expsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// New returns dir as wazero wants it. The caller keeps dir.
func New(dir *fs.Dir) expsys.FS { return &tree{dir: dir} }

type tree struct {
	expsys.UnimplementedFS
	dir *fs.Dir
}

func (t *tree) OpenFile(name string, flag expsys.Oflag, perm iofs.FileMode) (expsys.File, expsys.Errno) {
	f, err := t.dir.OpenFile(name, hostFlags(flag), perm)
	if err != nil && name == "." {
		// wazero opens a mount at its first use, and panics on all but this.
		return nil, expsys.ENOENT
	}
	if err != nil {
		return nil, errno(err)
	}
	return &file{f: f}, 0
}

func (t *tree) Stat(name string) (sys.Stat_t, expsys.Errno) {
	return stat(t.dir.Stat(name))
}

func (t *tree) Lstat(name string) (sys.Stat_t, expsys.Errno) {
	return stat(t.dir.Lstat(name))
}

func (t *tree) Mkdir(name string, perm iofs.FileMode) expsys.Errno {
	return errno(t.dir.Mkdir(name, perm))
}

func (t *tree) Rename(from, to string) expsys.Errno { return errno(t.dir.Rename(from, to)) }

func (t *tree) Rmdir(name string) expsys.Errno { return errno(t.dir.Rmdir(name)) }

func (t *tree) Unlink(name string) expsys.Errno { return errno(t.dir.Unlink(name)) }

func (t *tree) Link(from, to string) expsys.Errno { return errno(t.dir.Link(from, to)) }

func (t *tree) Symlink(target, name string) expsys.Errno {
	return errno(t.dir.Symlink(target, name))
}

func (t *tree) Readlink(name string) (string, expsys.Errno) {
	target, err := t.dir.Readlink(name)
	return target, errno(err)
}

// Chmod is nothing that preview 1 can ask for.
func (t *tree) Chmod(string, iofs.FileMode) expsys.Errno { return expsys.ENOSYS }

// Utimens follows links, as wazero says it should.
func (t *tree) Utimens(name string, atim, mtim int64) expsys.Errno {
	return errno(t.dir.Chtimes(name, fromNanos(atim), fromNanos(mtim), true))
}

// hostFlags translates wazero's flags, which are not bits of one word only.
func hostFlags(flag expsys.Oflag) int {
	host := unix.O_RDONLY
	switch flag & (expsys.O_RDWR | expsys.O_WRONLY) {
	case expsys.O_RDWR:
		host = unix.O_RDWR
	case expsys.O_WRONLY:
		host = unix.O_WRONLY
	default: // reading, which is no bit
	}
	for _, f := range []struct {
		stock expsys.Oflag
		host  int
	}{
		{expsys.O_APPEND, unix.O_APPEND},
		{expsys.O_CREAT, unix.O_CREAT},
		{expsys.O_DIRECTORY, unix.O_DIRECTORY},
		{expsys.O_DSYNC, unix.O_DSYNC},
		{expsys.O_EXCL, unix.O_EXCL},
		{expsys.O_NOFOLLOW, unix.O_NOFOLLOW},
		{expsys.O_RSYNC, unix.O_SYNC},
		{expsys.O_SYNC, unix.O_SYNC},
		{expsys.O_TRUNC, unix.O_TRUNC},
	} {
		if flag&f.stock != 0 {
			host |= f.host
		}
	}
	return host
}

// errno translates err. What wazero's list does not have, ENOSPC above all,
// becomes EIO.
func errno(err error) expsys.Errno {
	var host syscall.Errno
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return 0
	case errors.As(err, &host):
		return expsys.UnwrapOSError(host)
	case errors.Is(err, os.ErrClosed):
		return expsys.EBADF
	}
	return expsys.EIO
}

// fromNanos translates a time; the zero Time is how [fs.Dir] is told to leave
// one as it is.
func fromNanos(nanos int64) time.Time {
	if nanos == expsys.UTIME_OMIT {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

func stat(info iofs.FileInfo, err error) (sys.Stat_t, expsys.Errno) {
	if err != nil {
		return sys.Stat_t{}, errno(err)
	}
	return sys.NewStat_t(info), 0
}
