package fs_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// up leads far enough out of any directory of the test.
const up = "../../../../../../../../../../../../../../"

func TestNoLinkLeadsOut(t *testing.T) {
	shipped := bundle(t)
	if err := os.Symlink(up+"etc", filepath.Join(shipped, "etc")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(up+"etc/passwd", filepath.Join(shipped, "passwd")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(shipped, "absolute")); err != nil {
		t.Fatal(err)
	}
	made := trees(t)
	for kind, d := range made {
		wantErrno(t, kind, d.Symlink(up+"etc", "etc"), 0)
		wantErrno(t, kind, d.Symlink(up+"etc/passwd", "passwd"), 0)
	}
	made["shipped"] = fs.ReadOnly(openRoot(t, shipped), fs.Shared{})
	made["shipped, writable"] = fs.ReadWrite(openRoot(t, shipped), fs.Shared{})
	for kind, d := range made {
		for _, name := range []string{"passwd", "etc/passwd", "dir/../passwd", "dirlink/../etc/passwd"} {
			wantNoEscape(t, kind, d, name)
		}
	}
	wantNoEscape(t, "shipped", made["shipped"], "absolute")
	for _, kind := range []string{"ReadWrite", "Tmp", "shipped, writable"} {
		d := made[kind]
		wantErrno(t, kind+" mkdir", d.Mkdir("etc/x", 0o755), syscall.EPERM)
		wantErrno(t, kind+" unlink", d.Unlink("etc/passwd"), syscall.EPERM)
		wantErrno(t, kind+" rename", d.Rename("etc/passwd", d, "x"), syscall.EPERM)
		wantErrno(t, kind+" rename", d.Rename("file", d, "etc/x"), syscall.EPERM)
		wantErrno(t, kind+" link", d.Link("etc/passwd", d, "x"), syscall.EPERM)
		wantErrno(t, kind+" symlink", d.Symlink("x", "etc/x"), syscall.EPERM)
		wantErrno(t, kind+" times", d.Chtimes("passwd", time.Time{}, time.Time{}, true), syscall.EPERM)
		_, err := d.OpenFile("passwd", os.O_RDWR|os.O_CREATE, 0o644)
		wantErrno(t, kind+" create", err, syscall.EPERM)
	}
}

func wantNoEscape(t *testing.T, kind string, d *fs.Dir, name string) {
	t.Helper()
	_, err := read(d, name)
	wantErrno(t, kind+": read "+name, err, syscall.EPERM)
	_, err = d.Stat(name)
	wantErrno(t, kind+": stat "+name, err, syscall.EPERM)
}

func TestSpecialFilesAreRefused(t *testing.T) {
	path := bundle(t)
	if err := unix.Mkfifo(filepath.Join(path, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("fifo", filepath.Join(path, "to-fifo")); err != nil {
		t.Fatal(err)
	}
	addr := &unix.SockaddrUnix{Name: filepath.Join(path, "socket")}
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(sock) }()
	if err := unix.Bind(sock, addr); err != nil {
		t.Skipf("bind %s: %v", addr.Name, err)
	}
	for kind, d := range map[string]*fs.Dir{
		"ReadOnly":  fs.ReadOnly(openRoot(t, path), fs.Shared{}),
		"ReadWrite": fs.ReadWrite(openRoot(t, path), fs.Shared{}),
	} {
		for _, name := range []string{"fifo", "to-fifo", "socket"} {
			want := syscall.ENXIO
			if kind == "ReadWrite" && name != "socket" {
				want = 0 // it is lent
			}
			wantErrno(t, kind+": open "+name, open(name, os.O_RDONLY)(d), want)
		}
	}
	d := fs.ReadWrite(openRoot(t, path), fs.Shared{})
	for _, flag := range []int{os.O_WRONLY, os.O_WRONLY | os.O_CREATE | os.O_TRUNC} {
		wantErrno(t, "open a fifo that nobody reads", open("fifo", flag)(d), syscall.ENXIO)
	}
	_, err = fs.ReadOnly(openRoot(t, "/dev"), fs.Shared{}).OpenFile("null", os.O_RDONLY, 0)
	wantErrno(t, "open a bundle's device", err, syscall.ENXIO)
}

// Programs expect /dev/null where their user lends them the whole tree.
func TestLentCharacterDevice(t *testing.T) {
	null, err := fs.ReadWrite(openRoot(t, "/dev"), fs.Shared{}).OpenFile("null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	if n, err := null.Write([]byte("gone")); n != 4 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	if n, err := null.Read(make([]byte, 4)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read: %d, %v", n, err)
	}
}
