package stockfs_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	expsys "github.com/tetratelabs/wazero/experimental/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/stockfs"
)

const create = expsys.O_RDWR | expsys.O_CREAT

func wantErrno(t *testing.T, what string, got, want expsys.Errno) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func newTmp(t *testing.T, bytes int64) expsys.FS {
	t.Helper()
	tmp := fs.NewTmp(t.TempDir(), fs.Quota{Bytes: bytes, Inodes: 100})
	t.Cleanup(func() {
		if err := tmp.Close(); err != nil {
			t.Error(err)
		}
	})
	return stockfs.New(tmp.Dir())
}

func open(t *testing.T, tree expsys.FS, name string, flag expsys.Oflag) expsys.File {
	t.Helper()
	f, errno := tree.OpenFile(name, flag, 0o600)
	if errno != 0 {
		t.Fatalf("open %s: %v", name, errno)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFlagsAndContent(t *testing.T) {
	tree := newTmp(t, 1000)
	f := open(t, tree, "f", create|expsys.O_EXCL)
	_, errno := tree.OpenFile("f", create|expsys.O_EXCL, 0o600)
	wantErrno(t, "exclusively", errno, expsys.EEXIST)
	_, errno = tree.OpenFile("f", expsys.O_DIRECTORY, 0)
	wantErrno(t, "as a directory", errno, expsys.ENOTDIR)
	wantErrno(t, "symlink", tree.Symlink("f", "link"), 0)
	_, errno = tree.OpenFile("link", expsys.O_NOFOLLOW, 0)
	wantErrno(t, "without following", errno, expsys.ELOOP)

	n, errno := f.Write([]byte("hello"))
	if n != 5 || errno != 0 {
		t.Errorf("write = %d, %v", n, errno)
	}
	w := open(t, tree, "link", expsys.O_WRONLY|expsys.O_APPEND)
	if !w.IsAppend() {
		t.Error("not in append mode")
	}
	_, errno = w.Write([]byte("!"))
	wantErrno(t, "append", errno, 0)
	_, errno = w.Read(make([]byte, 1))
	wantErrno(t, "read from what is open to write", errno, expsys.EBADF)
	wantErrno(t, "leave append mode", w.SetAppend(false), 0)

	buf := make([]byte, 10)
	n, errno = f.Pread(buf, 0)
	if string(buf[:n]) != "hello!" || errno != 0 {
		t.Errorf("pread = %q, %v", buf[:n], errno)
	}
	n, errno = f.Read(buf)
	if string(buf[:n]) != "!" || errno != 0 {
		t.Errorf("read = %q, %v", buf[:n], errno)
	}
	n, errno = f.Read(buf)
	if n != 0 || errno != 0 {
		t.Errorf("read at end = %d, %v, want 0, success", n, errno)
	}
	open(t, tree, "f", expsys.O_RDWR|expsys.O_TRUNC)
	if st, errno := f.Stat(); st.Size != 0 || errno != 0 {
		t.Errorf("stat of the truncated file: %+v, %v", st, errno)
	}
}

func TestErrors(t *testing.T) {
	tree := newTmp(t, 4)
	f := open(t, tree, "f", create)
	n, errno := f.Write([]byte("12345"))
	if n != 4 || errno != 0 {
		t.Errorf("write of what partly fits = %d, %v", n, errno)
	}
	n, errno = f.Pwrite([]byte("x"), 4)
	if n != 0 {
		t.Errorf("wrote %d bytes more", n)
	}
	wantErrno(t, "no space", errno, expsys.EIO)
	wantErrno(t, "truncate", f.Truncate(5), expsys.EIO)
	_, errno = tree.Stat("../x")
	wantErrno(t, "out of the tree", errno, expsys.EPERM)
	_, errno = tree.Lstat("missing")
	wantErrno(t, "missing", errno, expsys.ENOENT)
	wantErrno(t, "rmdir file", tree.Rmdir("f"), expsys.ENOTDIR)
	wantErrno(t, "close", f.Close(), 0)
	_, errno = f.Stat()
	wantErrno(t, "closed", errno, expsys.EBADF)

	// wazero panics on any other error for a mount that does not open.
	broken := fs.NewTmp(filepath.Join(t.TempDir(), "missing"), fs.Quota{})
	_, errno = stockfs.New(broken.Dir()).OpenFile(".", expsys.O_RDONLY, 0)
	wantErrno(t, "a mount that does not open", errno, expsys.ENOENT)
}

func TestReadOnly(t *testing.T) {
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "f"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tree := stockfs.New(fs.ReadOnly(root))
	f := open(t, tree, "f", expsys.O_RDONLY)
	_, errno := tree.OpenFile("f", expsys.O_RDWR, 0)
	wantErrno(t, "open to write", errno, expsys.EROFS)
	wantErrno(t, "unlink", tree.Unlink("f"), expsys.EROFS)
	wantErrno(t, "mkdir", tree.Mkdir("d", 0o755), expsys.EROFS)
	wantErrno(t, "times", tree.Utimens("f", 1, 1), expsys.EROFS)
	wantErrno(t, "times of the open file", f.Utimens(1, 1), expsys.EROFS)
	wantErrno(t, "truncate", f.Truncate(0), expsys.EROFS)
}

func TestReaddir(t *testing.T) {
	tree := newTmp(t, 1000)
	wantErrno(t, "mkdir", tree.Mkdir("dir", 0o755), 0)
	wantErrno(t, "symlink", tree.Symlink("dir", "link"), 0)
	open(t, tree, "file", create)
	dir := open(t, tree, ".", expsys.O_DIRECTORY)
	if isDir, errno := dir.IsDir(); !isDir || errno != 0 {
		t.Errorf("is a directory: %v, %v", isDir, errno)
	}
	for range 2 {
		var names []string
		for {
			dirents, errno := dir.Readdir(2)
			wantErrno(t, "readdir", errno, 0)
			for _, e := range dirents {
				names = append(names, e.Name)
				st, errno := tree.Lstat(e.Name)
				if errno != 0 || st.Ino != e.Ino || st.Mode.Type() != e.Type {
					t.Errorf("%v, but its stat is %+v, %v", e.String(), st, errno)
				}
			}
			if len(dirents) < 2 {
				break
			}
		}
		slices.Sort(names)
		if want := []string{"dir", "file", "link"}; !slices.Equal(names, want) {
			t.Errorf("names are %v, want %v", names, want)
		}
		_, errno := dir.Seek(0, io.SeekStart)
		wantErrno(t, "rewind", errno, 0)
	}
}

func TestNames(t *testing.T) {
	tree := newTmp(t, 1000)
	f := open(t, tree, "a", create)
	wantErrno(t, "link", tree.Link("a", "b"), 0)
	wantErrno(t, "rename", tree.Rename("b", "c"), 0)
	wantErrno(t, "symlink", tree.Symlink("c", "link"), 0)
	if target, errno := tree.Readlink("link"); target != "c" || errno != 0 {
		t.Errorf("readlink = %q, %v", target, errno)
	}
	wantErrno(t, "times", tree.Utimens("link", expsys.UTIME_OMIT, 5), 0)
	wantErrno(t, "times of the open file", f.Utimens(7, expsys.UTIME_OMIT), 0)
	st, errno := tree.Stat("link")
	if errno != 0 || st.Atim != 7 || st.Mtim != 5 || st.Nlink != 2 {
		t.Errorf("stat = %+v, %v", st, errno)
	}
	ino, _ := f.Ino()
	dev, _ := f.Dev()
	if ino != st.Ino || dev != st.Dev {
		t.Errorf("the open file is %d:%d, its name %d:%d", dev, ino, st.Dev, st.Ino)
	}
	wantErrno(t, "sync", f.Sync(), 0)
	wantErrno(t, "datasync", f.Datasync(), 0)
	wantErrno(t, "unlink", tree.Unlink("a"), 0)
}
