package stockfs

import (
	"errors"
	iofs "io/fs"
	"syscall"

	expsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

var _ expsys.File = (*file)(nil)

type file struct {
	expsys.UnimplementedFile
	f *fs.File
}

func (f *file) Stat() (sys.Stat_t, expsys.Errno) { return stat(f.f.Stat()) }

func (f *file) Dev() (uint64, expsys.Errno) {
	st, errno := f.Stat()
	return st.Dev, errno
}

func (f *file) Ino() (sys.Inode, expsys.Errno) {
	st, errno := f.Stat()
	return st.Ino, errno
}

func (f *file) IsDir() (bool, expsys.Errno) { return f.f.IsDir(), 0 }

func (f *file) IsAppend() bool { return f.f.IsAppend() }

func (f *file) SetAppend(on bool) expsys.Errno {
	f.f.SetAppend(on)
	return 0
}

func (f *file) Read(p []byte) (int, expsys.Errno) {
	n, err := f.f.Read(p)
	return n, errno(err)
}

func (f *file) Pread(p []byte, off int64) (int, expsys.Errno) {
	n, err := f.f.ReadAt(p, off)
	return n, errno(err)
}

func (f *file) Write(p []byte) (int, expsys.Errno) { return written(f.f.Write(p)) }

func (f *file) Pwrite(p []byte, off int64) (int, expsys.Errno) {
	return written(f.f.WriteAt(p, off))
}

// written reports a part that fitted as a success, as POSIX does: preview 1
// passes on a count or an error, and the next write meets the error again.
func written(n int, err error) (int, expsys.Errno) {
	if n > 0 && errors.Is(err, syscall.ENOSPC) {
		return n, 0
	}
	return n, errno(err)
}

// position is int64. wazero's Seek returns no error; under this name go vet does
// not take it for a broken io.Seeker.
type position = int64

func (f *file) Seek(offset position, whence int) (int64, expsys.Errno) {
	pos, err := f.f.Seek(offset, whence)
	return pos, errno(err)
}

func (f *file) Readdir(n int) ([]expsys.Dirent, expsys.Errno) {
	entries, err := f.f.ReadDir(n)
	dirents := make([]expsys.Dirent, 0, len(entries))
	for _, entry := range entries {
		dirents = append(dirents, expsys.Dirent{
			Name: entry.Name(),
			Type: entry.Type(),
			Ino:  inode(entry),
		})
	}
	return dirents, errno(err)
}

// inode returns 0, which means unknown, for an entry that has just gone.
func inode(entry iofs.DirEntry) sys.Inode {
	info, err := entry.Info()
	if err != nil {
		return 0
	}
	return sys.NewStat_t(info).Ino
}

func (f *file) Truncate(size int64) expsys.Errno { return errno(f.f.Truncate(size)) }

func (f *file) Sync() expsys.Errno { return errno(f.f.Sync()) }

func (f *file) Datasync() expsys.Errno { return errno(f.f.Sync()) }

func (f *file) Utimens(atim, mtim int64) expsys.Errno {
	return errno(f.f.Chtimes(fromNanos(atim), fromNanos(mtim)))
}

func (f *file) Close() expsys.Errno { return errno(f.f.Close()) }
