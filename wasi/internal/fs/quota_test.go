package fs_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

func wantWrite(t *testing.T, what string, n int, err error, want int, errno syscall.Errno) {
	t.Helper()
	wantErrno(t, what, err, errno)
	if n != want {
		t.Errorf("%s: wrote %d bytes, want %d", what, n, want)
	}
}

func TestQuotaOfWrites(t *testing.T) {
	tmp := newTmp(t, fs.Quota{Bytes: 10, Inodes: 10})
	d := tmp.Dir()
	f := mustOpen(t, d, "f", os.O_RDWR|os.O_CREATE)
	n, err := f.Write([]byte("12345678"))
	wantWrite(t, "write", n, err, 8, 0)
	n, err = f.Write([]byte("9abc"))
	wantWrite(t, "what partly fits", n, err, 2, syscall.ENOSPC)
	n, err = f.Write([]byte("b"))
	wantWrite(t, "what does not fit", n, err, 0, syscall.ENOSPC)
	n, err = f.Write(nil)
	wantWrite(t, "nothing", n, err, 0, 0)
	n, err = f.WriteAt([]byte("ABC"), 3)
	wantWrite(t, "in place", n, err, 3, 0)
	n, err = f.WriteAt([]byte("XYZ"), 8)
	wantWrite(t, "half in place", n, err, 2, syscall.ENOSPC)
	wantContent(t, d, "f", "123ABC78XY")
	wantUsage(t, tmp, "full", 10, 1)

	wantErrno(t, "truncate up", f.Truncate(11), syscall.ENOSPC)
	wantErrno(t, "truncate down", f.Truncate(2), 0)
	wantUsage(t, tmp, "truncated", 2, 1)
	n, err = f.WriteAt([]byte("z"), 9)
	wantWrite(t, "past a hole", n, err, 1, 0)
	wantUsage(t, tmp, "with a hole", 10, 1)
	wantErrno(t, "truncate down", f.Truncate(0), 0)
	n, err = f.WriteAt([]byte("z"), 10)
	wantWrite(t, "past too large a hole", n, err, 0, syscall.ENOSPC)
	n, err = f.WriteAt([]byte("z"), 1<<62)
	wantWrite(t, "far out", n, err, 0, syscall.ENOSPC)
	wantErrno(t, "truncate far up", f.Truncate(1<<62), syscall.ENOSPC)
	wantErrno(t, "truncate up", f.Truncate(10), 0)
	wantUsage(t, tmp, "sparse", 10, 1)

	again := mustOpen(t, d, "f", os.O_RDWR|os.O_TRUNC)
	wantUsage(t, tmp, "truncated on open", 0, 1)
	again.SetAppend(true)
	n, err = again.Write([]byte(strings.Repeat("x", 11)))
	wantWrite(t, "append", n, err, 10, syscall.ENOSPC)
	if pos, err := again.Seek(0, io.SeekCurrent); pos != 10 || err != nil {
		t.Errorf("position after appending is %d, %v", pos, err)
	}
}

func TestQuotaOfNames(t *testing.T) {
	tmp := newTmp(t, fs.Quota{Bytes: 100, Inodes: 10})
	d := tmp.Dir()
	wantErrno(t, "write", write(d, "a", "12345"), 0)
	wantErrno(t, "write", write(d, "b", "1234567"), 0)
	wantUsage(t, tmp, "two files", 12, 2)
	wantErrno(t, "rename over", d.Rename("a", d, "b"), 0)
	wantUsage(t, tmp, "renamed over", 5, 1)

	wantErrno(t, "link", d.Link("b", d, "c"), 0)
	wantUsage(t, tmp, "linked", 5, 1)
	wantErrno(t, "rename onto itself", d.Rename("b", d, "c"), 0)
	wantErrno(t, "both stay", d.Unlink("b"), 0)
	wantUsage(t, tmp, "one name left", 5, 1)

	f := mustOpen(t, d, "c", os.O_RDWR)
	wantErrno(t, "unlink", d.Unlink("c"), 0)
	wantUsage(t, tmp, "unlinked while open", 5, 1)
	n, err := f.WriteAt([]byte("x"), 9)
	wantWrite(t, "write to what has no name", n, err, 1, 0)
	wantUsage(t, tmp, "and written", 10, 1)
	wantErrno(t, "close", f.Close(), 0)
	wantUsage(t, tmp, "closed", 0, 0)

	wantErrno(t, "write", write(d, "a", "1"), 0)
	over := mustOpen(t, d, "a", os.O_RDONLY)
	wantErrno(t, "write", write(d, "b", "22"), 0)
	wantErrno(t, "rename over what is open", d.Rename("b", d, "a"), 0)
	wantUsage(t, tmp, "renamed over what is open", 3, 2)
	wantErrno(t, "close", over.Close(), 0)
	wantUsage(t, tmp, "closed", 2, 1)
	if _, err := d.OpenFile("dir", os.O_RDONLY, 0); !errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
	wantErrno(t, "mkdir", d.Mkdir("dir", 0o755), 0)
	wantErrno(t, "mkdir", d.Mkdir("empty", 0o755), 0)
	wantErrno(t, "rename dir over dir", d.Rename("dir", d, "empty"), 0)
	wantUsage(t, tmp, "renamed dir over dir", 2, 2)
}

func TestQuotaOfInodes(t *testing.T) {
	tmp := newTmp(t, fs.Quota{Bytes: 100, Inodes: 3})
	d := tmp.Dir()
	wantErrno(t, "file", write(d, "file", "x"), 0)
	wantErrno(t, "dir", d.Mkdir("dir", 0o755), 0)
	wantErrno(t, "symlink", d.Symlink("file", "link"), 0)
	wantUsage(t, tmp, "full", 1, 3)
	wantErrno(t, "create", write(d, "new", ""), syscall.ENOSPC)
	_, err := d.OpenFile("new", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	wantErrno(t, "create exclusively", err, syscall.ENOSPC)
	wantErrno(t, "mkdir", d.Mkdir("new", 0o755), syscall.ENOSPC)
	wantErrno(t, "symlink", d.Symlink("x", "new"), syscall.ENOSPC)
	wantErrno(t, "one more name", d.Link("file", d, "new"), syscall.ENOSPC)
	wantErrno(t, "mkdir what exists", d.Mkdir("dir", 0o755), syscall.EEXIST)
	wantErrno(t, "link what exists", d.Link("file", d, "link"), syscall.EEXIST)
	wantErrno(t, "create what exists", write(d, "link", "yy"), 0)
	wantUsage(t, tmp, "still full", 2, 3)
	wantErrno(t, "unlink", d.Unlink("link"), 0)
	wantErrno(t, "now one more name", d.Link("file", d, "new"), 0)
	wantUsage(t, tmp, "two names", 2, 2)
	wantErrno(t, "which count too", d.Mkdir("new2", 0o755), syscall.ENOSPC)
	dir := mustOpenDir(t, d, "dir")
	wantErrno(t, "rmdir while open", d.Rmdir("dir"), 0)
	wantUsage(t, tmp, "removed while open", 2, 2)
	wantErrno(t, "close", dir.Close(), 0)
	wantUsage(t, tmp, "closed", 2, 1)
	wantErrno(t, "now a directory", d.Mkdir("dir", 0o755), 0)
}

func TestQuotaOfNothing(t *testing.T) {
	d := newTmp(t, fs.Quota{}).Dir()
	wantErrno(t, "create", write(d, "x", ""), syscall.ENOSPC)
	_, err := d.Stat(".")
	wantErrno(t, "stat", err, 0)
	_, err = d.Stat("x")
	wantErrno(t, "stat", err, syscall.ENOENT)
}
