package preview1_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

func TestOpen(t *testing.T) {
	g := newGuest(t, options{})
	for _, c := range []struct {
		dir  uint64
		name string
		how  how
		want uint32
	}{
		{root, "file", how{rights: fdRead}, success},
		{root, "./dir/../file", how{rights: fdRead}, success},
		{root, "missing", how{rights: fdRead}, noent},
		{root, "file/x", how{rights: fdRead}, notdir},
		{root, "file", how{rights: fdRead, oflags: directory}, notdir},
		{root, "dir", how{rights: fdRead}, success},
		{root, "dir", how{rights: fdRead | fdWrite}, rofs},
		{root, "dir", how{rights: everything, oflags: directory}, success},
		{root, "link", how{rights: fdRead}, loop},
		{root, "link", how{rights: fdRead, follow: 1}, success},
		{root, "dirlink", how{oflags: directory}, loop},
		{root, "dirlink", how{oflags: directory, follow: 1}, success},
		{root, "file", how{follow: 2}, inval},
		{root, "file", how{oflags: 16}, inval},
		{root, "file", how{oflags: 1 << 16}, inval},
		{root, "dir", how{oflags: directory | create}, inval},
		{root, "../file", how{}, perm},
		{root, "/file", how{}, perm},
		{root, "dir/../../file", how{}, perm},
		{root, "", how{}, noent},
		{root, "a\x00b", how{}, inval},
		{root, "\xff", how{}, ilseq},
		{root, "file", how{rights: fdWrite}, rofs},
		{root, "new", how{oflags: create}, rofs},
		{root, "file", how{oflags: truncate}, rofs},
		{tmp, "file", how{}, noent},
		{tmp, "new", how{oflags: create | exclusive, rights: everything}, success},
		{tmp, "new", how{oflags: create | exclusive}, exist},
		{1, "file", how{}, notdir},
		{99, "file", how{}, badf},
	} {
		if errno, fd := g.openAt(c.dir, c.name, c.how); errno != c.want {
			t.Errorf("open %q in %d with %+v: errno %d, want %d", c.name, c.dir, c.how, errno, c.want)
		} else if errno == success {
			g.want(success, "fd_close", fd)
		}
	}
	ptr, n := g.path("file")
	g.want(fault, "path_open", root, 0, ptr, n, 0, fdRead, 0, 0, 1<<32-4)
	g.want(fault, "path_open", root, 0, 1<<32-4, 4, 0, fdRead, 0, 0, ptr)
}

func TestDirectories(t *testing.T) {
	g := newGuest(t, options{})
	do := func(want uint32, name string, dir uint64, path string) {
		t.Helper()
		ptr, n := g.path(path)
		g.want(want, name, dir, ptr, n)
	}
	do(success, "path_create_directory", tmp, "a")
	do(exist, "path_create_directory", tmp, "a")
	do(rofs, "path_create_directory", root, "a")
	if errno, _ := g.openAt(tmp, "a", how{rights: fdWrite}); errno != isdir {
		t.Errorf("open a directory to write: errno %d", errno)
	}
	a := g.open(tmp, "a", directory)
	do(success, "path_create_directory", a, "b")
	do(notempty, "path_remove_directory", tmp, "a")
	do(isdir, "path_unlink_file", tmp, "a")
	g.open(a, "f", create)
	do(notdir, "path_remove_directory", a, "f")
	// A descriptor is the directory, not its name.
	g.rename(success, tmp, "a", tmp, "moved")
	if errno, _ := g.lstat(a, "b"); errno != success {
		t.Errorf("in a directory that has moved: errno %d", errno)
	}
	if errno, _ := g.openAt(a, "..", how{}); errno != perm {
		t.Errorf("out of a directory: errno %d", errno)
	}
	do(success, "path_unlink_file", a, "f")
	do(success, "path_remove_directory", a, "b")
	do(success, "path_remove_directory", tmp, "moved")
	do(noent, "path_create_directory", a, "c")
	if names := g.list(a, 1000); len(names) != 0 {
		t.Errorf("what has been removed holds %v", names)
	}
}

func (g *guest) rename(want uint32, from uint64, old string, to uint64, name string) {
	g.t.Helper()
	a, n := g.path(old)
	b, m := g.path(name)
	g.want(want, "path_rename", from, a, n, to, b, m)
}

func (g *guest) link(want uint32, follow, from uint64, old string, to uint64, name string) {
	g.t.Helper()
	a, n := g.path(old)
	b, m := g.path(name)
	g.want(want, "path_link", from, follow, a, n, to, b, m)
}

// T6: path_link and path_rename across preopens are EXDEV, and a bundle's files
// cannot be changed in any way.
func TestBundleIsApart(t *testing.T) {
	bundle := newBundle(t)
	g := newGuest(t, options{bundle: bundle})
	g.open(tmp, "mine", create)
	g.link(xdev, 0, root, "file", tmp, "file")
	g.link(xdev, 0, tmp, "mine", root, "mine")
	g.rename(xdev, root, "file", tmp, "file")
	g.rename(xdev, tmp, "mine", root, "mine")
	g.link(rofs, 0, root, "file", root, "more")
	g.rename(rofs, root, "file", root, "more")
	ptr, n := g.path("file")
	g.want(rofs, "path_filestat_set_times", root, 0, ptr, n, 1, 1, 1|4)
	g.want(rofs, "path_unlink_file", root, ptr, n)
	g.want(rofs, "path_symlink", ptr, n, root, g.put([]byte("l")), 1)
	_, f := g.openAt(root, "file", how{rights: everything &^ uint64(fdWrite)})
	d := g.open(root, "dir", directory)
	g.want(rofs, "fd_filestat_set_times", f, 1, 1, 1|4)
	g.want(rofs, "fd_filestat_set_times", d, 1, 1, 1|4)
	g.want(rofs, "fd_filestat_set_size", f, 0)
	g.want(rofs, "fd_allocate", f, 0, 1)
	if errno, _ := g.write(f, "x"); errno != rofs {
		t.Errorf("write: errno %d", errno)
	}
	if text, err := os.ReadFile(filepath.Join(bundle, "file")); err != nil || string(text) != "0123456789" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// T6: device, inode and link numbers, and who read a file when, are not the
// host's.
func TestStatIsSynthetic(t *testing.T) {
	bundle := newBundle(t)
	g := newGuest(t, options{bundle: bundle})
	info, err := os.Stat(filepath.Join(bundle, "file"))
	if err != nil {
		t.Fatal(err)
	}
	host, ok := info.Sys().(*syscall.Stat_t)
	if !ok || host.Nlink != 2 {
		t.Fatalf("%+v", info.Sys())
	}
	_, file := g.lstat(root, "file")
	_, twin := g.lstat(root, "twin")
	if file.inode == host.Ino || file.device != 1 || file.links != 1 || file.size != 10 || file.kind != regular ||
		file.access != file.modify || file.change != file.modify || file.modify != uint64(info.ModTime().UnixNano()) {
		t.Errorf("%+v of %+v", file, host)
	}
	if file.inode != twin.inode || file.inode != g.fstat(g.openRead(root, "twin")).inode {
		t.Error("two names of a file have two inodes")
	}
	if _, dir := g.lstat(root, "dir"); dir.inode == file.inode || dir.kind != folder {
		t.Errorf("a directory: %+v", dir)
	}
	if _, link := g.lstat(root, "link"); link.kind != symlink {
		t.Errorf("a link: %+v", link)
	}
	if _, other := newGuest(t, options{bundle: bundle}).lstat(root, "file"); other.inode == file.inode {
		t.Error("two guests see the same number")
	}
	g.open(tmp, "a", create)
	g.link(success, 0, tmp, "a", tmp, "b")
	if _, st := g.lstat(tmp, "a"); st.links != 2 || st.device != 2 {
		t.Errorf("of its own files a guest knows the links: %+v", st)
	}
}

func (g *guest) openRead(dir uint64, name string) uint64 {
	g.t.Helper()
	errno, fd := g.openAt(dir, name, how{rights: everything &^ uint64(fdWrite), follow: 1})
	if errno != success {
		g.t.Fatalf("open %s: errno %d", name, errno)
	}
	return fd
}

func TestLinks(t *testing.T) {
	g := newGuest(t, options{})
	g.write(g.open(tmp, "target", create), "target")
	ptr, n := g.path("target")
	link, m := g.path("link")
	g.want(success, "path_symlink", ptr, n, tmp, link, m)
	g.want(exist, "path_symlink", ptr, n, tmp, link, m)
	buffer, used := g.put([]byte("......")), g.room(4)
	g.want(success, "path_readlink", tmp, link, m, buffer, 4, used)
	if got := string(g.get(buffer, 6)); g.u32(used) != 4 || got != "targ.." {
		t.Errorf("%d bytes of a target: %q", g.u32(used), got)
	}
	g.want(inval, "path_readlink", tmp, ptr, n, buffer, 4, used)
	g.link(inval, 1, tmp, "link", tmp, "hard")
	g.link(success, 0, tmp, "link", tmp, "hard")
	if _, st := g.lstat(tmp, "hard"); st.kind != symlink {
		t.Errorf("a link of a link: %+v", st)
	}
	// Times of the link itself, and of what it points to.
	g.want(success, "path_filestat_set_times", tmp, 1, link, m, 3e9, 4e9, 1|4) // which reads the link
	g.want(success, "path_filestat_set_times", tmp, 0, link, m, 1e9, 2e9, 1|4)
	if _, st := g.lstat(tmp, "link"); st.access != 1e9 || st.modify != 2e9 {
		t.Errorf("the link: %+v", st)
	}
	if _, st := g.lstat(tmp, "target"); st.access != 3e9 || st.modify != 4e9 {
		t.Errorf("its target: %+v", st)
	}
	absolute, k := g.path("/etc/passwd")
	g.want(perm, "path_symlink", absolute, k, tmp, g.put([]byte("x")), 1)
}

func TestTimes(t *testing.T) {
	g := newGuest(t, options{})
	f := g.open(tmp, "f", create)
	g.want(success, "fd_filestat_set_times", f, 1e9, 2e9, 1|4)
	g.want(success, "fd_filestat_set_times", f, 7e9, 7e9, 0)
	if st := g.fstat(f); st.access != 1e9 || st.modify != 2e9 {
		t.Errorf("%+v", st)
	}
	g.want(success, "fd_filestat_set_times", f, 3e9, 0, 1|8)
	if st := g.fstat(f); st.access != 3e9 || st.modify < 1e18 {
		t.Errorf("%+v", st)
	}
	for _, flags := range []uint64{1 | 2, 4 | 8, 16} {
		g.want(inval, "fd_filestat_set_times", f, 0, 0, flags)
		g.want(inval, "path_filestat_set_times", tmp, 0, g.put([]byte("f")), 1, 0, 0, flags)
	}
	g.want(success, "fd_filestat_set_times", tmp, 1e9, 2e9, 1|4)
	if st := g.fstat(tmp); st.modify != 2e9 {
		t.Errorf("the directory: %+v", st)
	}
}

// list reads a directory's names, through a buffer of some size.
func (g *guest) list(dir uint64, size int) []string {
	g.t.Helper()
	buffer, used := g.room(size), g.room(4)
	var names []string
	for cookie := uint64(0); ; {
		g.want(success, "fd_readdir", dir, buffer, uint64(size), cookie, used)
		b := g.get(buffer, int(g.u32(used)))
		end := len(b) < size
		for len(b) >= 24 {
			n := int(binary.LittleEndian.Uint32(b[16:]))
			if len(b) < 24+n {
				break // cut off: it comes again
			}
			if name := string(b[24 : 24+n]); name != "." && name != ".." {
				names = append(names, name)
			}
			cookie = binary.LittleEndian.Uint64(b)
			b = b[24+n:]
		}
		if end {
			slices.Sort(names)
			return names
		}
	}
}

func TestReaddir(t *testing.T) {
	g := newGuest(t, options{})
	if got := g.list(root, 1000); !slices.Equal(got, []string{"dir", "dirlink", "file", "link", "twin"}) {
		t.Errorf("the bundle holds %v", got)
	}
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprintf("%03d%s", i, strings.Repeat("x", i%200)))
		g.want(success, "fd_close", g.open(tmp, want[i], create))
	}
	for _, size := range []int{250, 1000, 100_000} {
		if got := g.list(tmp, size); !slices.Equal(got, want) {
			t.Errorf("with a buffer of %d bytes there are %d names, want %d", size, len(got), len(want))
		}
	}
	f := g.open(tmp, want[0], 0)
	g.want(notdir, "fd_readdir", f, 0, 0, 0, g.room(4))
	g.want(inval, "fd_readdir", tmp, 0, 100, 1<<63, g.room(4))
	g.want(success, "fd_readdir", tmp, 0, 0, 0, g.room(4))
}

func TestNullDevice(t *testing.T) {
	g := newGuest(t, options{})
	errno, fd := g.openAt(root, "dev/null", how{rights: everything, oflags: create | truncate})
	if errno != success {
		t.Fatalf("errno %d", errno)
	}
	if errno, n := g.write(fd, "gone"); errno != success || n != 4 {
		t.Errorf("write: errno %d, %d", errno, n)
	}
	if errno, text := g.read(fd, 4); errno != success || text != "" {
		t.Errorf("read: errno %d, %q", errno, text)
	}
	if _, st := g.lstat(root, "./dev//null"); st.kind != charDevice {
		t.Errorf("%+v", st)
	}
	if kind, _, _, _ := g.fdstat(fd); kind != charDevice {
		t.Errorf("type %d", kind)
	}
	if errno, _ := g.openAt(root, "dev/zero", how{}); errno != noent {
		t.Errorf("another device: errno %d", errno)
	}
}

// Who lends a folder lends its devices and FIFOs.
func TestLent(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	const lent = 5
	g := newGuest(t, options{more: []preview1.Preopen{{Name: "/lent", Dir: fs.ReadWrite(openRoot(t, dir), fs.Shared{})}}})
	host, err := os.OpenFile(filepath.Join(dir, "fifo"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	errno, fd := g.openAt(lent, "fifo", how{rights: everything &^ uint64(fdWrite), flags: nonblock})
	if errno != success {
		t.Fatalf("errno %d", errno)
	}
	if errno, _ := g.read(fd, 10); errno != again {
		t.Errorf("read from an empty FIFO: errno %d", errno)
	}
	if _, err := host.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	if _, text := g.read(fd, 10); text != "hello" {
		t.Errorf("read %q", text)
	}
	if errno, _ := g.openAt(root, "fifo", how{}); errno != noent {
		t.Errorf("errno %d", errno)
	}
}
