package fs_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

func TestOpenFile(t *testing.T) {
	for _, test := range []struct {
		name string
		flag int
		want syscall.Errno
	}{
		{"file", os.O_RDONLY, 0},
		{"file", os.O_RDWR | os.O_CREATE | os.O_EXCL, syscall.EEXIST},
		{"file", os.O_RDONLY | os.O_TRUNC, syscall.EINVAL},
		{"file", os.O_WRONLY | os.O_RDWR, syscall.EINVAL},
		{"file", os.O_WRONLY | os.O_SYNC, 0},
		{"file", os.O_RDONLY | unix.O_PATH | unix.O_TMPFILE&^unix.O_DIRECTORY, 0},
		{"dir", os.O_RDONLY, syscall.EISDIR},
		{"dir", os.O_RDWR, syscall.EISDIR},
		{"dir", os.O_WRONLY | os.O_TRUNC, syscall.EISDIR},
		{"dirlink", os.O_RDONLY, syscall.EISDIR},
		{"dirlink", unix.O_NOFOLLOW, syscall.ELOOP},
		{"new", os.O_RDONLY, syscall.ENOENT},
		{"new", os.O_RDWR | os.O_CREATE | os.O_EXCL, 0},
		{"new", os.O_RDONLY | os.O_CREATE, 0},
		{"missing/new", os.O_RDWR | os.O_CREATE, syscall.ENOENT},
		{"link", os.O_RDONLY, 0},
		{"link", unix.O_NOFOLLOW, syscall.ELOOP},
		{"link", os.O_RDWR | os.O_CREATE | unix.O_NOFOLLOW, syscall.ELOOP},
		{"dangling", os.O_RDWR | os.O_CREATE | os.O_EXCL, syscall.EEXIST},
		{"dangling", os.O_RDWR | os.O_CREATE, 0},
		{"loop", os.O_RDONLY, syscall.ELOOP},
	} {
		for kind, d := range trees(t) {
			f, err := d.OpenFile(test.name, test.flag, 0)
			what := fmt.Sprintf("%s: open %s with %#x", kind, test.name, test.flag)
			wantErrno(t, what, err, test.want)
			if err == nil {
				wantErrno(t, what+", close", f.Close(), 0)
			}
		}
	}
}

func TestPositions(t *testing.T) {
	for kind, d := range trees(t) {
		f := mustOpen(t, d, "new", os.O_RDWR|os.O_CREATE)
		steps := []struct {
			what string
			do   func() (int64, error)
			want int64
			err  syscall.Errno
		}{
			{"write", count(f.Write([]byte("0123456789"))), 10, 0},
			{"tell", func() (int64, error) { return f.Seek(0, io.SeekCurrent) }, 10, 0},
			{"write at", count(f.WriteAt([]byte("AB"), 2)), 2, 0},
			{"tell again", func() (int64, error) { return f.Seek(0, io.SeekCurrent) }, 10, 0},
			{"back", func() (int64, error) { return f.Seek(-4, io.SeekEnd) }, 6, 0},
			{"before the start", func() (int64, error) { return f.Seek(-7, io.SeekCurrent) }, 0, syscall.EINVAL},
			{"overflow", func() (int64, error) { return f.Seek(math.MaxInt64, io.SeekCurrent) }, 0, syscall.EINVAL},
			{"lowest", func() (int64, error) { return f.Seek(math.MinInt64, io.SeekCurrent) }, 0, syscall.EINVAL},
			{"bad whence", func() (int64, error) { return f.Seek(0, 9) }, 0, syscall.EINVAL},
			{"read", func() (int64, error) { return count(f.Read(make([]byte, 3)))() }, 3, 0},
			{"bad offset", func() (int64, error) { return count(f.WriteAt([]byte("x"), -1))() }, 0, syscall.EINVAL},
			{"bad read offset", func() (int64, error) { return count(f.ReadAt([]byte("x"), -1))() }, 0, syscall.EINVAL},
			{"bad size", func() (int64, error) { return 0, f.Truncate(-1) }, 0, syscall.EINVAL},
		}
		for _, step := range steps {
			got, err := step.do()
			wantErrno(t, kind+": "+step.what, err, step.err)
			if err == nil && got != step.want {
				t.Errorf("%s: %s = %d, want %d", kind, step.what, got, step.want)
			}
		}
		wantContent(t, d, "new", "01AB456789")
	}
}

func count(n int, err error) func() (int64, error) {
	return func() (int64, error) { return int64(n), err }
}

func TestReadEndsWithEOF(t *testing.T) {
	for kind, d := range trees(t) {
		f := mustOpen(t, d, "file", os.O_RDONLY)
		got, err := io.ReadAll(f)
		if err != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
		if n, err := f.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: read at end = %d, %v", kind, n, err)
		}
		if n, err := f.ReadAt(make([]byte, 9), 2); n != 3 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: read at 2 = %d, %v", kind, n, err)
		}
		_, err = f.Write([]byte("x"))
		wantErrno(t, kind+": write to a file open for reading", err, syscall.EBADF)
		wantErrno(t, kind+": truncate it", f.Truncate(0), syscall.EBADF)
		w := mustOpen(t, d, "file", os.O_WRONLY)
		_, err = w.Read(make([]byte, 1))
		wantErrno(t, kind+": read from a file open for writing", err, syscall.EBADF)
		_, err = d.OpenFile("dir", os.O_RDONLY, 0)
		wantErrno(t, kind+": open a directory as a file", err, syscall.EISDIR)
	}
}

func TestAppend(t *testing.T) {
	for kind, d := range trees(t) {
		f := mustOpen(t, d, "file", os.O_RDWR|os.O_APPEND)
		if !f.IsAppend() {
			t.Errorf("%s: not in append mode", kind)
		}
		other := mustOpen(t, d, "file", os.O_WRONLY|os.O_APPEND)
		for _, w := range []*fs.File{f, other, f} {
			if _, err := w.Write([]byte("!")); err != nil {
				t.Fatal(err)
			}
		}
		if pos, err := f.Seek(0, io.SeekCurrent); pos != 8 || err != nil {
			t.Errorf("%s: position after appending is %d, %v", kind, pos, err)
		}
		if _, err := f.WriteAt([]byte("J"), 0); err != nil {
			t.Fatal(err)
		}
		wantContent(t, d, "file", "Jello!!!")
		f.SetAppend(false)
		_, _ = f.Seek(1, io.SeekStart)
		if _, err := f.Write([]byte("u")); err != nil {
			t.Fatal(err)
		}
		wantContent(t, d, "file", "Jullo!!!")
	}
}

func TestClosedFile(t *testing.T) {
	for kind, d := range trees(t) {
		f := mustOpen(t, d, "file", os.O_RDWR)
		wantErrno(t, kind+": sync", f.Sync(), 0)
		wantErrno(t, kind+": close", f.Close(), 0)
		wantErrno(t, kind+": close again", f.Close(), 0)
		_, err := f.Read(make([]byte, 1))
		wantErrno(t, kind+": read", err, syscall.EBADF)
		_, err = f.Write([]byte("x"))
		wantErrno(t, kind+": write", err, syscall.EBADF)
		_, err = f.Seek(0, io.SeekStart)
		wantErrno(t, kind+": seek", err, syscall.EBADF)
		_, err = f.Stat()
		wantErrno(t, kind+": stat", err, syscall.EBADF)
		wantErrno(t, kind+": truncate", f.Truncate(0), syscall.EBADF)
		wantContent(t, d, "file", "hello")
	}
}

// Two executions may append to one log in a directory that both were lent.
func TestAppendersDoNotOverwriteEachOther(t *testing.T) {
	path := bundle(t)
	const writers, lines = 4, 200
	var group sync.WaitGroup
	for range writers {
		f := mustOpen(t, fs.ReadWrite(openRoot(t, path), fs.Shared{}), "log", os.O_WRONLY|os.O_CREATE|os.O_APPEND)
		group.Go(func() {
			for range lines {
				if _, err := f.Write([]byte("line\n")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	info, err := os.Stat(filepath.Join(path, "log"))
	if err != nil || info.Size() != writers*lines*5 {
		t.Errorf("the log has %d bytes, %v; want %d", info.Size(), err, writers*lines*5)
	}
}
