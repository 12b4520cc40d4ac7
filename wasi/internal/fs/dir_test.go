package fs_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// A nameTest is something done to each of [trees], and how it must end.
type nameTest struct {
	what string
	do   func(*fs.Dir) error
	want syscall.Errno
}

func runNameTests(t *testing.T, tests []nameTest) {
	t.Helper()
	for _, test := range tests {
		for kind, d := range trees(t) {
			wantErrno(t, kind+": "+test.what, test.do(d), test.want)
		}
	}
}

func stat(name string) func(*fs.Dir) error {
	return func(d *fs.Dir) error { _, err := d.Stat(name); return err }
}

func lstat(name string) func(*fs.Dir) error {
	return func(d *fs.Dir) error { _, err := d.Lstat(name); return err }
}

func open(name string, flag int) func(*fs.Dir) error {
	return func(d *fs.Dir) error {
		f, err := d.OpenFile(name, flag, 0o644)
		if err == nil {
			err = f.Close()
		}
		return err
	}
}

func TestNamesToLookUp(t *testing.T) {
	long := strings.Repeat("x", 256)
	runNameTests(t, []nameTest{
		{"stat .", stat("."), 0},
		{"stat ./", stat("./"), 0},
		{"stat empty", stat(""), syscall.ENOENT},
		{"stat NUL", stat("a\x00b"), syscall.EINVAL},
		{"stat missing", stat("missing"), syscall.ENOENT},
		{"stat in file", stat("file/x"), syscall.ENOTDIR},
		{"stat file/", stat("file/"), syscall.ENOTDIR},
		{"stat dir/", stat("dir/"), 0},
		{"stat dir//sub", stat("dir//sub"), 0},
		{"stat dir/..", stat("dir/.."), 0},
		{"stat dir/../file", stat("dir/../file"), 0},
		{"stat ..", stat(".."), syscall.EPERM},
		{"stat dir/../..", stat("dir/../.."), syscall.EPERM},
		{"stat absolute", stat("/etc/passwd"), syscall.EPERM},
		{"stat /", stat("/"), syscall.EPERM},
		{"stat loop", stat("loop"), syscall.ELOOP},
		{"stat dangling", stat("dangling"), syscall.ENOENT},
		{"lstat dangling", lstat("dangling"), 0},
		{"lstat link/", lstat("link/"), syscall.ENOTDIR},
		{"stat long name", stat(long), syscall.ENAMETOOLONG},
		{"stat long path", stat(strings.Repeat("dir/../", 1000) + "file"), syscall.ENAMETOOLONG},
		{"open empty", open("", os.O_RDONLY), syscall.ENOENT},
		{"open file/", open("file/", os.O_RDONLY), syscall.ENOTDIR},
		{"open .", open(".", os.O_RDONLY), syscall.EISDIR},
	})
}

func TestNamesToChange(t *testing.T) {
	long := strings.Repeat("x", 256)
	runNameTests(t, []nameTest{
		{"mkdir empty", func(d *fs.Dir) error { return d.Mkdir("", 0o755) }, syscall.ENOENT},
		{"mkdir .", func(d *fs.Dir) error { return d.Mkdir(".", 0o755) }, syscall.EEXIST},
		{"mkdir ..", func(d *fs.Dir) error { return d.Mkdir("..", 0o755) }, syscall.EPERM},
		{"mkdir /", func(d *fs.Dir) error { return d.Mkdir("/", 0o755) }, syscall.EPERM},
		{"mkdir ../x", func(d *fs.Dir) error { return d.Mkdir("../x", 0o755) }, syscall.EPERM},
		{"mkdir /x", func(d *fs.Dir) error { return d.Mkdir("/x", 0o755) }, syscall.EPERM},
		{"mkdir NUL", func(d *fs.Dir) error { return d.Mkdir("\x00", 0o755) }, syscall.EINVAL},
		{"mkdir long name", func(d *fs.Dir) error { return d.Mkdir(long, 0o755) }, syscall.ENAMETOOLONG},
		{"unlink file/", func(d *fs.Dir) error { return d.Unlink("file/") }, syscall.ENOTDIR},
		{"unlink dirlink/", func(d *fs.Dir) error { return d.Unlink("dirlink/") }, syscall.ENOTDIR},
		{"rmdir .", func(d *fs.Dir) error { return d.Rmdir(".") }, syscall.EINVAL},
		{"rename ..", func(d *fs.Dir) error { return d.Rename("dir/..", d, "x") }, syscall.EBUSY},
		{"rename out", func(d *fs.Dir) error { return d.Rename("file", d, "../x") }, syscall.EPERM},
		{"link out", func(d *fs.Dir) error { return d.Link("file", d, "../x") }, syscall.EPERM},
		{"link from out", func(d *fs.Dir) error { return d.Link("../x", d, "y") }, syscall.EPERM},
		{"symlink at file/", func(d *fs.Dir) error { return d.Symlink("x", "file/") }, syscall.EEXIST},
		{"symlink at new/", func(d *fs.Dir) error { return d.Symlink("x", "new/") }, syscall.ENOENT},
	})
}

func TestDirectories(t *testing.T) {
	for kind, d := range trees(t) {
		wantErrno(t, kind+" mkdir", d.Mkdir("new", 0), 0)
		wantErrno(t, kind+" mkdir in it, whatever its mode", d.Mkdir("new/in/", 0), 0)
		wantErrno(t, kind+" mkdir again", d.Mkdir("new", 0o755), syscall.EEXIST)
		wantErrno(t, kind+" mkdir at dangling", d.Mkdir("dangling", 0o755), syscall.EEXIST)
		wantErrno(t, kind+" mkdir in missing", d.Mkdir("missing/x", 0o755), syscall.ENOENT)
		wantErrno(t, kind+" rmdir full", d.Rmdir("new"), syscall.ENOTEMPTY)
		wantErrno(t, kind+" rmdir file", d.Rmdir("file"), syscall.ENOTDIR)
		wantErrno(t, kind+" rmdir link to dir", d.Rmdir("dirlink"), syscall.ENOTDIR)
		wantErrno(t, kind+" unlink dir", d.Unlink("new"), syscall.EISDIR)
		wantErrno(t, kind+" rmdir in", d.Rmdir("new/in"), 0)
		wantErrno(t, kind+" rmdir", d.Rmdir("new/"), 0)
		wantErrno(t, kind+" rmdir again", d.Rmdir("new"), syscall.ENOENT)
	}
}

func TestRename(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     syscall.Errno
	}{
		{"file", "new", 0},
		{"file", "dir/inner", 0},
		{"file", "dir", syscall.EISDIR},
		{"file", "new/", syscall.ENOTDIR},
		{"file/", "new", syscall.ENOTDIR},
		{"file", "file", 0},
		{"file", "missing/x", syscall.ENOENT},
		{"missing", "new", syscall.ENOENT},
		{"dir", "new/", 0},
		{"dir", "file", syscall.ENOTDIR},
		{"dir", "dir/sub/x", syscall.EINVAL},
		{"dir/sub", "empty", 0},
		{"empty", "dir", syscall.ENOTEMPTY},
		{"dirlink", "new", 0},
		{"dirlink/", "new", syscall.ENOTDIR},
		{"dangling", "file", 0},
	} {
		for kind, d := range trees(t) {
			wantErrno(t, "mkdir", d.Mkdir("empty", 0o755), 0)
			what := kind + ": rename " + test.from + " to " + test.to
			wantErrno(t, what, d.Rename(test.from, d, test.to), test.want)
		}
	}
}

func TestLinks(t *testing.T) {
	for kind, d := range trees(t) {
		wantErrno(t, kind+" link", d.Link("file", d, "dir/hard"), 0)
		wantContent(t, d, "dir/hard", "hello")
		wantErrno(t, kind+" link over", d.Link("file", d, "link"), syscall.EEXIST)
		wantErrno(t, kind+" link dir", d.Link("dir", d, "x"), syscall.EPERM)
		wantErrno(t, kind+" link file/", d.Link("file/", d, "x"), syscall.ENOTDIR)
		wantErrno(t, kind+" link to new/", d.Link("file", d, "new/"), syscall.ENOENT)
		wantErrno(t, kind+" link missing", d.Link("missing", d, "x"), syscall.ENOENT)
		wantErrno(t, kind+" link a link", d.Link("dangling", d, "same"), 0)
		for name, want := range map[string]string{"same": "nowhere", "link": "file", "dirlink": "dir"} {
			if got, err := d.Readlink(name); err != nil || got != want {
				t.Errorf("%s: readlink %s = %q, %v; want %q", kind, name, got, err, want)
			}
		}
		_, err := d.Readlink("file")
		wantErrno(t, kind+" readlink file", err, syscall.EINVAL)
		wantErrno(t, kind+" symlink absolute", d.Symlink("/etc/passwd", "x"), syscall.EPERM)
		wantErrno(t, kind+" symlink empty", d.Symlink("", "x"), syscall.ENOENT)
		wantErrno(t, kind+" symlink NUL", d.Symlink("\x00", "x"), syscall.EINVAL)
		wantErrno(t, kind+" symlink over", d.Symlink("x", "file"), syscall.EEXIST)
		wantContent(t, d, "link", "hello")
		wantContent(t, d, "dirlink/inner", "inner")
		wantErrno(t, kind+" unlink link", d.Unlink("link"), 0)
		wantContent(t, d, "file", "hello")
	}
}

func TestTimes(t *testing.T) {
	atime, mtime := time.Unix(1000, 5), time.Unix(2000, 7)
	wantTimes := func(d *fs.Dir, what, name string, a, m time.Time) {
		t.Helper()
		info, err := d.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		if got := time.Unix(st.Atim.Unix()); !got.Equal(a) || !info.ModTime().Equal(m) {
			t.Errorf("%s: times are %v and %v, want %v and %v", what, got, info.ModTime(), a, m)
		}
	}
	for kind, d := range trees(t) {
		wantErrno(t, kind+" follow", d.Chtimes("link", atime, mtime, true), 0)
		wantTimes(d, kind+" follow", "file", atime, mtime)
		wantErrno(t, kind+" link itself", d.Chtimes("link", mtime, atime, false), 0)
		wantTimes(d, kind+" link itself", "link", mtime, atime)
		wantTimes(d, kind+" not its target", "file", atime, mtime)
		wantErrno(t, kind+" only mtime", d.Chtimes("file", time.Time{}, atime, true), 0)
		wantTimes(d, kind+" only mtime", "file", atime, atime)
		f := mustOpen(t, d, "file", os.O_RDONLY)
		wantErrno(t, kind+" open file", f.Chtimes(mtime, time.Time{}), 0)
		wantTimes(d, kind+" open file", "file", mtime, atime)
		dir := mustOpenDir(t, d, "dir")
		wantErrno(t, kind+" open dir", dir.Chtimes(".", mtime, mtime, true), 0)
		wantTimes(d, kind+" open dir", "dir", mtime, mtime)
		wantErrno(t, kind+" .", d.Chtimes(".", atime, mtime, false), 0)
		wantErrno(t, kind+" dangling", d.Chtimes("dangling", atime, mtime, true), syscall.ENOENT)
		wantErrno(t, kind+" ..", d.Chtimes("..", atime, mtime, false), syscall.EPERM)
	}
}
