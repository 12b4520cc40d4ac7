package fs_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// T6: times, sizes and allocation of bundle files cannot be changed, also
// through read-only descriptors.
func TestReadOnly(t *testing.T) {
	now := time.Now()
	d := fs.ReadOnly(openRoot(t, bundle(t)), fs.Shared{})
	wantContent(t, d, "link", "hello")
	file := mustOpen(t, d, "file", os.O_RDONLY)
	dir := mustOpenDir(t, d, "dir")
	writes := func(n int, err error) error {
		if n != 0 {
			t.Errorf("wrote %d bytes", n)
		}
		return err
	}
	for what, err := range map[string]error{
		"open to write":      open("file", os.O_WRONLY)(d),
		"open read-write":    open("file", os.O_RDWR)(d),
		"open to append":     open("file", os.O_WRONLY|os.O_APPEND)(d),
		"create":             open("new", os.O_RDONLY|os.O_CREATE)(d),
		"create existing":    open("file", os.O_RDONLY|os.O_CREATE)(d),
		"truncate on open":   open("file", os.O_RDONLY|os.O_TRUNC)(d),
		"mkdir":              d.Mkdir("new", 0o755),
		"rmdir":              d.Rmdir("dir/sub"),
		"unlink":             d.Unlink("file"),
		"rename":             d.Rename("file", d, "new"),
		"link":               d.Link("file", d, "new"),
		"symlink":            d.Symlink("file", "new"),
		"times":              d.Chtimes("file", now, now, true),
		"times of link":      d.Chtimes("link", now, now, false),
		"times of .":         d.Chtimes(".", now, now, false),
		"times of open file": file.Chtimes(now, now),
		"times of open dir":  dir.Chtimes(".", now, now, true),
		"mkdir in open dir":  dir.Mkdir("new", 0o755),
		"write":              writes(file.Write([]byte("x"))),
		"write nothing":      writes(file.Write(nil)),
		"write at":           writes(file.WriteAt([]byte("x"), 0)),
		"truncate":           file.Truncate(0),
		"truncate to size":   file.Truncate(5),
	} {
		wantErrno(t, what, err, syscall.EROFS)
	}
	file.SetAppend(true)
	wantErrno(t, "append", writes(file.Write([]byte("x"))), syscall.EROFS)
	wantErrno(t, "sync", file.Sync(), 0)
	wantContent(t, d, "file", "hello")
}
