package fs_test

import (
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

const roomy = 1 << 20

// wantErrno fails unless err is what the package promises: a PathError that
// ends in want. No error is want 0.
func wantErrno(t *testing.T, what string, err error, want syscall.Errno) {
	t.Helper()
	if want == 0 {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	var path *iofs.PathError
	if !errors.As(err, &path) || !errors.Is(err, want) {
		t.Errorf("%s: got %v (%T), want a PathError with %v", what, err, err, want)
	}
}

func openRoot(t *testing.T, path string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// bundle makes a directory of the host with a file, a directory and links.
func bundle(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(path, "dir", "sub"), 0o755),
		os.WriteFile(filepath.Join(path, "file"), []byte("hello"), 0o644),
		os.WriteFile(filepath.Join(path, "dir", "inner"), []byte("inner"), 0o644),
		os.Symlink("file", filepath.Join(path, "link")),
		os.Symlink("dir", filepath.Join(path, "dirlink")),
		os.Symlink("nowhere", filepath.Join(path, "dangling")),
		os.Symlink("loop", filepath.Join(path, "loop")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func newTmp(t *testing.T, quota fs.Quota) *fs.Tmp {
	t.Helper()
	tmp := fs.NewTmp(t.TempDir(), quota, fs.Shared{})
	t.Cleanup(func() { wantErrno(t, "close tmp", tmp.Close(), 0) })
	return tmp
}

// trees returns a writable tree of each kind, with what [bundle] holds.
func trees(t *testing.T) map[string]*fs.Dir {
	t.Helper()
	tmp := newTmp(t, fs.Quota{Bytes: roomy, Inodes: 1000}).Dir()
	for _, err := range []error{
		tmp.Mkdir("dir", 0o755),
		tmp.Mkdir("dir/sub", 0o755),
		write(tmp, "file", "hello"),
		write(tmp, "dir/inner", "inner"),
		tmp.Symlink("file", "link"),
		tmp.Symlink("dir", "dirlink"),
		tmp.Symlink("nowhere", "dangling"),
		tmp.Symlink("loop", "loop"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]*fs.Dir{"ReadWrite": fs.ReadWrite(openRoot(t, bundle(t)), fs.Shared{}), "Tmp": tmp}
}

func write(d *fs.Dir, name, content string) error {
	f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(content))
	return errors.Join(err, f.Close())
}

func mustOpen(t *testing.T, d *fs.Dir, name string, flag int) *fs.File {
	t.Helper()
	f, err := d.OpenFile(name, flag, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func mustOpenDir(t *testing.T, d *fs.Dir, name string) *fs.Dir {
	t.Helper()
	sub, err := d.OpenDir(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Close() })
	return sub
}

func read(d *fs.Dir, name string) (string, error) {
	f, err := d.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	buf := make([]byte, 4096)
	n, err := f.Read(buf)
	return string(buf[:n]), err
}

func wantContent(t *testing.T, d *fs.Dir, name, want string) {
	t.Helper()
	got, err := read(d, name)
	if want == "" && err != nil && err.Error() == "EOF" {
		err = nil
	}
	if err != nil || got != want {
		t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
	}
}

func wantUsage(t *testing.T, tmp *fs.Tmp, when string, bytes int64, inodes int) {
	t.Helper()
	if got, want := tmp.Usage(), (fs.Quota{Bytes: bytes, Inodes: inodes}); got != want {
		t.Errorf("%s: usage is %+v, want %+v", when, got, want)
	}
}
