package fs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func hostEntries(t *testing.T, path string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestTmpIsMadeAtFirstUse(t *testing.T) {
	parent := t.TempDir()
	tmp := fs.NewTmp(parent, fs.Quota{Bytes: 10, Inodes: 10}, fs.Shared{})
	d := tmp.Dir()
	_, err := d.Stat("")
	wantErrno(t, "stat empty", err, syscall.ENOENT)
	if got := hostEntries(t, parent); len(got) != 0 {
		t.Errorf("an unused Tmp made %v", got)
	}
	wantErrno(t, "write", write(d, "x", "x"), 0)
	wantErrno(t, "write", write(tmp.Dir(), "y", "y"), 0)
	made := hostEntries(t, parent)
	if len(made) != 1 {
		t.Fatalf("made %v, want one directory", made)
	}
	info, err := made[0].Info()
	if err != nil || info.Mode() != os.ModeDir|0o700 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	wantErrno(t, "close", tmp.Close(), 0)
	if got := hostEntries(t, parent); len(got) != 0 {
		t.Errorf("a closed Tmp left %v", got)
	}
}

func TestTmpUnused(t *testing.T) {
	parent := t.TempDir()
	tmp := fs.NewTmp(parent, fs.Quota{Bytes: 10, Inodes: 10}, fs.Shared{})
	wantErrno(t, "close", tmp.Close(), 0)
	_, err := tmp.Dir().Stat(".")
	wantErrno(t, "stat after close", err, syscall.EBADF)
	if got := hostEntries(t, parent); len(got) != 0 {
		t.Errorf("it made %v", got)
	}
}

func TestTmpWithoutParent(t *testing.T) {
	tmp := fs.NewTmp(filepath.Join(t.TempDir(), "missing"), fs.Quota{}, fs.Shared{})
	_, err := tmp.Dir().Stat(".")
	wantErrno(t, "stat", err, syscall.EIO)
	if errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("the guest would misread %v", err)
	}
	wantErrno(t, "close", tmp.Close(), 0)
}

func TestTmpCloseWithOpenFiles(t *testing.T) {
	tmp := newTmp(t, fs.Quota{Bytes: 100, Inodes: 10})
	d := tmp.Dir()
	f, err := d.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := d.OpenDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	wantErrno(t, "close", tmp.Close(), 0)
	wantErrno(t, "close again", tmp.Close(), 0)
	wantUsage(t, tmp, "after close", 0, 0)
	_, err = f.Write([]byte("x"))
	wantErrno(t, "write", err, syscall.EBADF)
	_, err = dir.ReadDir(0, 1)
	wantErrno(t, "readdir", err, syscall.EBADF)
	wantErrno(t, "close of the file", f.Close(), 0)
	wantErrno(t, "mkdir", d.Mkdir("x", 0o755), syscall.EBADF)
}

// T23: a tree of 64 levels, whose path no system call would take, is removed.
func TestTmpCloseOfDeepTree(t *testing.T) {
	parent := t.TempDir()
	tmp := fs.NewTmp(parent, fs.Quota{Bytes: 1000, Inodes: 1000}, fs.Shared{})
	d := tmp.Dir()
	name := strings.Repeat("x", 200)
	wantErrno(t, "mkdir", d.Mkdir("top", 0o755), 0)
	for range 63 { // from the bottom up, as no guest could name the bottom
		wantErrno(t, "mkdir", d.Mkdir("outer", 0o755), 0)
		wantErrno(t, "write", write(d, "outer/file", "x"), 0)
		wantErrno(t, "rename", d.Rename("top", d, "outer/"+name), 0)
		wantErrno(t, "rename", d.Rename("outer", d, "top"), 0)
	}
	wantErrno(t, "mkdir", d.Mkdir("outer", 0o755), 0)
	wantErrno(t, "level 65", d.Rename("top", d, "outer/top"), syscall.ENAMETOOLONG)
	wantUsage(t, tmp, "64 levels", 63, 64+63+1)
	wantErrno(t, "close", tmp.Close(), 0)
	if got := hostEntries(t, parent); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

// chain makes a chain of directories below top and returns the last.
func chain(t *testing.T, d *fs.Dir, top string, levels int) string {
	t.Helper()
	at := top
	for range levels {
		at += "/d"
		wantErrno(t, "mkdir", d.Mkdir(at, 0o755), 0)
	}
	return at
}

func TestDepthLimit(t *testing.T) {
	parent := t.TempDir()
	tmp := fs.NewTmp(parent, fs.Quota{Bytes: 1000, Inodes: 1000}, fs.Shared{})
	d := tmp.Dir()
	last := chain(t, d, ".", 64)
	wantErrno(t, "mkdir 65", d.Mkdir(last+"/d", 0o755), syscall.ENAMETOOLONG)
	wantErrno(t, "mkdir what exists", d.Mkdir(last, 0o755), syscall.EEXIST)
	wantErrno(t, "file in the last", write(d, last+"/file", "x"), 0)
	wantErrno(t, "symlink", d.Symlink(strings.TrimPrefix(last, "./"), "short"), 0)
	wantErrno(t, "mkdir 65 by a link", d.Mkdir("short/d", 0o755), syscall.ENAMETOOLONG)

	wantErrno(t, "mkdir", d.Mkdir("two", 0o755), 0)
	wantErrno(t, "mkdir", d.Mkdir("two/levels", 0o755), 0)
	at62 := strings.TrimSuffix(last, "/d/d")
	wantErrno(t, "rename to 65", d.Rename("two", d, at62+"/d/two"), syscall.ENAMETOOLONG)
	wantErrno(t, "rename to 64", d.Rename("two", d, at62+"/two"), 0)
	wantErrno(t, "mkdir below", d.Mkdir(at62+"/two/levels/x", 0o755), syscall.ENAMETOOLONG)
	wantErrno(t, "rename up", d.Rename(at62+"/two/levels", d, "levels"), 0)
	wantErrno(t, "mkdir below", d.Mkdir("levels/x", 0o755), 0)
	wantErrno(t, "a file can move to the last", d.Rename(last+"/file", d, at62+"/two/file"), 0)

	wantErrno(t, "close", tmp.Close(), 0)
	if got := hostEntries(t, parent); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestRemoveTree(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	top := filepath.Join(t.TempDir(), "top")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(top, "link")); err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		if err := os.MkdirAll(filepath.Join(top, fmt.Sprint("wide", i), "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	deepen(t, top, 2000)
	withFewDescriptors(t, func() { wantErrno(t, "remove", fs.RemoveTree(top), 0) })
	wantErrno(t, "remove again", fs.RemoveTree(top), 0)
	if _, err := os.Lstat(top); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Errorf("a link was followed: %v", err)
	}
	if err := fs.RemoveTree(outside); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("remove a file: %v", err)
	}
}

// withFewDescriptors runs do while the process may open but a few more files.
func withFewDescriptors(t *testing.T, do func()) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := unix.Rlimit{Cur: uint64(len(hostEntries(t, "/proc/self/fd"))) + 4, Max: was.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	do()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
}

// deepen makes a chain that is deeper than there may be open files, and whose
// path is longer than a system call takes.
func deepen(t *testing.T, top string, levels int) {
	t.Helper()
	fd, err := unix.Open(top, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for i := 0; i < levels && err == nil; i++ {
		next := -1
		if err = unix.Mkdirat(fd, "deep", 0o755); err == nil {
			next, err = unix.Openat(fd, "deep", unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
		_ = unix.Close(fd)
		fd = next
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
}

func TestConcurrentUse(t *testing.T) {
	tmp := newTmp(t, fs.Quota{Bytes: 4000, Inodes: 20})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			d := tmp.Dir()
			for round := range 50 {
				name, other := fmt.Sprintf("f%d", i), fmt.Sprintf("f%d", (i+round)%4)
				_ = write(d, name, strings.Repeat("x", 100+round))
				_ = d.Rename(name, d, other)
				_ = d.Mkdir("dir", 0o755)
				_ = d.Link(other, d, fmt.Sprintf("dir/l%d", i))
				_ = d.Unlink(other)
			}
		})
	}
	group.Wait()
	f := mustOpen(t, tmp.Dir(), "shared", os.O_RDWR|os.O_CREATE)
	group.Go(func() {
		for f.Truncate(1) == nil {
			_, _ = f.Write([]byte("x"))
		}
	})
	wantErrno(t, "close", tmp.Close(), 0)
	group.Wait()
}

// Reset leaves nothing of what was, and a Tmp that can be used again.
func TestTmpReset(t *testing.T) {
	parent := t.TempDir()
	bytes, open := &wasitest.Budget{Limit: 1000}, &wasitest.Budget{Limit: 10}
	tmp := fs.NewTmp(parent, fs.Quota{Bytes: 100, Inodes: 3}, fs.Shared{Bytes: bytes, Descriptors: open})
	d := tmp.Dir()
	for range 3 {
		wantErrno(t, "reset", tmp.Reset(), 0)
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
			t.Fatalf("%v, %v", entries, err)
		}
		wantErrno(t, "write", write(d, "f", "content"), 0)
		wantErrno(t, "mkdir", d.Mkdir("dir", 0o755), 0)
		f, err := d.OpenFile("f", os.O_RDWR, 0)
		wantErrno(t, "open", err, 0)
		dir, err := d.OpenDir("dir", 0)
		wantErrno(t, "open", err, 0)
		wantUsage(t, tmp, "before", 7, 2)
		wantErrno(t, "reset", tmp.Reset(), 0)
		_, err = f.Write([]byte("x"))
		wantErrno(t, "write to what was open", err, syscall.EBADF)
		wantErrno(t, "mkdir in what was open", dir.Mkdir("x", 0o755), syscall.EBADF)
		_, err = d.Stat("f")
		wantErrno(t, "what was there", err, syscall.ENOENT)
		wantUsage(t, tmp, "after", 0, 0)
		if bytes.Used != 0 || open.Used != 0 {
			t.Errorf("%d bytes and %d descriptors are still taken", bytes.Used, open.Used)
		}
	}
	wantErrno(t, "close", tmp.Close(), 0)
}
