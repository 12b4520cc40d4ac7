package preview1_test

import (
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestPrestat(t *testing.T) {
	g := newGuest(t, options{})
	at := g.room(8)
	for fd, name := range map[uint64]string{root: "/", tmp: "/tmp"} {
		g.want(success, "fd_prestat_get", fd, at)
		if g.u32(at) != 0 || g.u32(at+4) != uint32(len(name)) {
			t.Errorf("prestat of %d: %x", fd, g.get(at, 8))
		}
		buffer := g.room(16)
		g.want(success, "fd_prestat_dir_name", fd, buffer, 16)
		if got := strings.TrimRight(string(g.get(buffer, 16)), "\x00"); got != name {
			t.Errorf("name of %d: %q", fd, got)
		}
		g.want(nametoolong, "fd_prestat_dir_name", fd, buffer, uint64(len(name)-1))
	}
	opened := g.open(root, "dir", directory)
	for _, fd := range []uint64{0, opened, 99, 1<<32 - 1} { // guests look until there is an error
		g.want(badf, "fd_prestat_get", fd, at)
		g.want(badf, "fd_prestat_dir_name", fd, at, 8)
	}
}

func TestCloseAndRenumber(t *testing.T) {
	var out strings.Builder
	g := newGuest(t, options{stdio: preview1.Stdio{Out: &out}})
	f := g.open(tmp, "f", create)
	g.want(success, "fd_renumber", f, 1)
	if errno, _ := g.write(1, "to the file"); errno != success || out.Len() > 0 {
		t.Errorf("errno %d, standard output has %q", errno, out.String())
	}
	g.want(badf, "fd_renumber", f, 1)               // which has moved
	g.want(badf, "fd_renumber", 1, f)               // onto what is not open
	g.want(success, "fd_renumber", 1, 1)            // onto itself
	g.want(success, "fd_renumber", 1, root)         // onto a preopen
	g.want(badf, "fd_prestat_get", root, g.room(8)) // which is none any more
	g.want(success, "fd_close", root)
	g.want(badf, "fd_close", root)
	g.want(badf, "fd_close", 1<<31)
	if fd := g.open(tmp, "g", create); fd != 1 {
		t.Errorf("the lowest free number is 1, not %d", fd)
	}
	// The next request starts from the start.
	if err := g.process.Begin(nil, preview1.Stdio{Out: &out}); err != nil {
		t.Fatal(err)
	}
	g.want(success, "fd_prestat_get", root, g.room(8))
	if errno, _ := g.write(1, "hello"); errno != success || out.String() != "hello" {
		t.Errorf("errno %d, standard output has %q", errno, out.String())
	}
}

// T22: a guest has 256 descriptors, and fewer where the node has none left.
func TestDescriptorLimit(t *testing.T) {
	g := newGuest(t, options{})
	for range 256 - 5 {
		g.open(root, "file", 0)
	}
	for _, name := range []string{"file", "dir", "missing"} {
		if errno, _ := g.openAt(root, name, how{rights: fdRead}); errno != mfile {
			t.Errorf("open %s: errno %d", name, errno)
		}
	}
	if errno, _ := g.openAt(tmp, "new", how{oflags: create, rights: everything}); errno != mfile {
		t.Errorf("create: errno %d", errno)
	}
	if errno, _ := g.lstat(tmp, "new"); errno != noent {
		t.Error("what could not be opened was made")
	}
	g.want(success, "fd_close", 100)
	if fd := g.open(root, "dir", directory); fd != 100 {
		t.Errorf("descriptor %d", fd)
	}
}

func TestDescriptorsOfTheNode(t *testing.T) {
	node := &wasitest.Budget{Limit: 3}
	g := newGuest(t, options{shared: fs.Shared{Descriptors: node}})
	for _, name := range []string{"file", "dir", "twin"} {
		g.open(root, name, 0)
	}
	if errno, _ := g.openAt(root, "file", how{rights: fdRead}); errno != nfile || node.Used != 3 {
		t.Errorf("errno %d, %d taken", errno, node.Used)
	}
	if err := g.process.Begin(nil, preview1.Stdio{}); err != nil || node.Used != 0 {
		t.Errorf("%d still taken, %v", node.Used, err)
	}
}

func TestRights(t *testing.T) {
	g := newGuest(t, options{})
	_, made := g.openAt(tmp, "f", how{oflags: create, rights: fdRead | fdSeek | fdTell | fdWrite, inheriting: everything})
	if errno, _ := g.write(made, "0123456789"); errno != success {
		t.Fatalf("write: errno %d", errno)
	}

	_, reads := g.openAt(tmp, "f", how{rights: fdRead | fdSeek | fdTell})
	if _, _, base, _ := g.fdstat(reads); base != fdRead|fdSeek|fdTell {
		t.Errorf("a descriptor for reading has the rights %#x", base)
	}
	if errno, _ := g.write(reads, "x"); errno != badf {
		t.Errorf("write to it: errno %d", errno)
	}
	_, writes := g.openAt(tmp, "f", how{rights: fdWrite})
	if errno, _ := g.read(writes, 1); errno != badf {
		t.Errorf("read from one for writing: errno %d", errno)
	}
	g.want(notcapable, "fd_seek", writes, 0, 0, g.room(8))
	g.want(notcapable, "fd_tell", writes, g.room(8))
	g.want(notcapable, "fd_sync", writes)
	g.want(notcapable, "fd_filestat_get", writes, g.room(64))
	g.want(notcapable, "fd_fdstat_set_flags", writes, appending)

	// Rights can be given up, and then they are gone.
	g.want(success, "fd_fdstat_set_rights", reads, fdRead|fdTell, 0)
	g.want(notcapable, "fd_fdstat_set_rights", reads, fdRead|fdSeek, 0)
	g.want(notcapable, "fd_seek", reads, 1, 0, g.room(8))
	g.want(success, "fd_seek", reads, 0, 1, g.room(8)) // which only tells
	_, _, base, inheriting := g.fdstat(tmp)
	g.want(success, "fd_fdstat_set_rights", tmp, base, inheriting&^uint64(fdWrite))
	_, f := g.openAt(tmp, "f", how{rights: fdRead | fdWrite})
	if errno, _ := g.write(f, "x"); errno != badf {
		t.Errorf("write through a directory that may not pass that right on: errno %d", errno)
	}
	g.want(badf, "fd_fdstat_set_rights", 99, 0, 0)
}

// Truncation by path is a right of the directory's.
func TestTruncationRights(t *testing.T) {
	g := newGuest(t, options{})
	f := g.open(tmp, "f", create)
	g.write(f, "0123456789")
	_, _, base, inheriting := g.fdstat(tmp)
	g.want(success, "fd_fdstat_set_rights", tmp, base, inheriting&^uint64(setSizeRight))
	errno, cut := g.openAt(tmp, "f", how{oflags: truncate})
	if errno != success || g.fstat(f).size != 0 {
		t.Errorf("truncate without the right for descriptors: errno %d", errno)
	}
	if errno, _ := g.write(cut, "x"); errno != badf {
		t.Errorf("write to what was opened to truncate: errno %d", errno)
	}
	g.want(success, "fd_fdstat_set_rights", tmp, base&^uint64(pathSetSize), inheriting&^uint64(setSizeRight))
	if errno, _ := g.openAt(tmp, "f", how{oflags: truncate, rights: fdWrite}); errno != notcapable {
		t.Errorf("truncate without the right for paths: errno %d", errno)
	}
}

func TestFlags(t *testing.T) {
	g := newGuest(t, options{})
	_, f := g.openAt(tmp, "f", how{oflags: create, rights: everything, flags: dsync | nonblock})
	if kind, flags, _, _ := g.fdstat(f); kind != regular || flags != dsync|nonblock {
		t.Errorf("type %d, flags %#x", kind, flags)
	}
	g.want(success, "fd_fdstat_set_flags", f, appending|dsync)
	g.write(f, "01")
	g.want(success, "fd_seek", f, 0, 0, g.room(8))
	g.write(f, "23")
	if _, flags, _, _ := g.fdstat(f); flags != appending|dsync || g.fstat(f).size != 4 {
		t.Errorf("flags %#x, size %d", flags, g.fstat(f).size)
	}
	g.want(notsup, "fd_fdstat_set_flags", f, appending) // how it was opened stays
	g.want(inval, "fd_fdstat_set_flags", f, 1<<5)
	g.want(inval, "fd_fdstat_set_flags", f, 1<<16)
	if errno, _ := g.openAt(tmp, "f", how{flags: 1 << 5}); errno != inval {
		t.Errorf("open with an unknown flag: errno %d", errno)
	}
}
