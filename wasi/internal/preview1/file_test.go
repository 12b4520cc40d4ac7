package preview1_test

import (
	"io"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestReadWriteSeek(t *testing.T) {
	g := newGuest(t, options{})
	f := g.open(tmp, "f", create)
	list, n := g.vectors("012", "", "3456", "789")
	written := g.room(4)
	g.want(success, "fd_write", f, list, n, written)
	if g.u32(written) != 10 {
		t.Errorf("%d bytes written", g.u32(written))
	}
	pos := g.room(8)
	for _, c := range []struct {
		off    int64
		whence uint64
		errno  uint32
		want   uint64
	}{
		{-3, 1, success, 7},
		{2, 0, success, 2},
		{-1, 2, success, 9},
		{100, 1, success, 109},
		{-1, 0, inval, 109},
		{-1000, 1, inval, 109},
		{1<<63 - 1, 1, inval, 109},
		{0, 3, inval, 109},
		{0, 1, success, 109},
	} {
		g.want(c.errno, "fd_seek", f, uint64(c.off), c.whence, pos)
		g.want(success, "fd_tell", f, pos)
		if g.u64(pos) != c.want {
			t.Errorf("after seeking %d from %d: at %d, want %d", c.off, c.whence, g.u64(pos), c.want)
		}
	}
	if errno, text := g.read(f, 4); errno != success || text != "" {
		t.Errorf("beyond the end: errno %d, %q", errno, text)
	}
	g.want(success, "fd_seek", f, 4, 0, pos)
	if _, text := g.read(f, 100); text != "456789" {
		t.Errorf("read %q", text)
	}
	at := g.room(8)
	list, n = g.vectors("....", "....")
	g.want(success, "fd_pread", f, list, n, 5, at)
	if g.u32(at) != 5 {
		t.Errorf("%d bytes were read at 5", g.u32(at))
	}
	g.want(inval, "fd_pread", f, list, n, 1<<63, at)
	g.want(isdir, "fd_read", tmp, list, n, at)
	g.want(isdir, "fd_pread", tmp, list, n, 0, at)
	g.want(isdir, "fd_seek", tmp, 0, 1, at)
}

// An append descriptor appends, but fd_pwrite writes where it is told to.
func TestPwriteOfAppending(t *testing.T) {
	g := newGuest(t, options{})
	_, f := g.openAt(tmp, "f", how{oflags: create, rights: everything, flags: appending})
	g.write(f, "0123")
	list, n := g.vectors("ab")
	g.want(success, "fd_pwrite", f, list, n, 1, g.room(4))
	g.write(f, "45")
	_, r := g.openAt(tmp, "f", how{rights: everything})
	if _, text := g.read(r, 100); text != "0ab345" {
		t.Errorf("the file holds %q", text)
	}
	g.want(inval, "fd_pwrite", f, list, n, 1<<63, g.room(4))
}

func TestStreams(t *testing.T) {
	var out, log strings.Builder
	g := newGuest(t, options{stdio: preview1.Stdio{In: strings.NewReader("body"), Out: &out, Err: &log}})
	if _, text := g.read(0, 100); text != "body" {
		t.Errorf("read %q", text)
	}
	if errno, text := g.read(0, 100); errno != success || text != "" {
		t.Errorf("at the end: errno %d, %q", errno, text)
	}
	g.write(1, "answer")
	g.write(2, "words")
	if out.String() != "answer" || log.String() != "words" {
		t.Errorf("wrote %q and %q", out.String(), log.String())
	}
	if errno, _ := g.write(0, "x"); errno != badf {
		t.Errorf("write to standard input: errno %d", errno)
	}
	if errno, _ := g.read(1, 1); errno != badf {
		t.Errorf("read from standard output: errno %d", errno)
	}
	list, n := g.vectors("x")
	at := g.room(8)
	for fd := range uint64(3) {
		g.want(spipe, "fd_seek", fd, 0, 1, at)
		g.want(spipe, "fd_tell", fd, at)
		g.want(spipe, "fd_pread", fd, list, n, 0, at)
		g.want(spipe, "fd_pwrite", fd, list, n, 0, at)
		g.want(spipe, "fd_advise", fd, 0, 0, 0)
		g.want(spipe, "fd_allocate", fd, 0, 1)
		g.want(inval, "fd_filestat_set_size", fd, 0)
		g.want(notcapable, "fd_filestat_set_times", fd, 0, 0, 0)
		g.want(success, "fd_sync", fd)
		g.want(success, "fd_datasync", fd)
		g.want(notdir, "fd_readdir", fd, at, 8, 0, at)
		if kind, _, _, _ := g.fdstat(fd); kind != 0 {
			t.Errorf("descriptor %d has type %d", fd, kind)
		}
	}
}

// failing is a writer that fails.
type failing struct{ flushed int }

func (*failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (f *failing) Flush() error {
	f.flushed++
	return io.ErrClosedPipe
}

func TestStreamErrors(t *testing.T) {
	out := &failing{}
	g := newGuest(t, options{stdio: preview1.Stdio{Out: out}})
	if errno, _ := g.write(1, "x"); errno != 29 {
		t.Errorf("errno %d", errno)
	}
	g.want(29, "fd_sync", 1)
	if out.flushed != 1 {
		t.Errorf("flushed %d times", out.flushed)
	}
	// Without streams there is nothing to read, and what is written is dropped.
	if errno, text := g.read(0, 10); errno != success || text != "" {
		t.Errorf("read: errno %d, %q", errno, text)
	}
	if errno, n := g.write(2, "xyz"); errno != success || n != 3 {
		t.Errorf("write: errno %d, %d", errno, n)
	}
}

func TestSizes(t *testing.T) {
	g := newGuest(t, options{})
	f := g.open(tmp, "f", create)
	g.want(success, "fd_filestat_set_size", f, 10)
	g.want(success, "fd_allocate", f, 5, 5)
	if size := g.fstat(f).size; size != 10 {
		t.Errorf("allocating what is there made %d bytes", size)
	}
	g.want(success, "fd_allocate", f, 5, 15)
	if size := g.fstat(f).size; size != 20 {
		t.Errorf("allocated %d bytes", size)
	}
	g.want(inval, "fd_allocate", f, 0, 0)
	g.want(inval, "fd_allocate", f, 1<<63, 1)
	g.want(fbig, "fd_allocate", f, 1<<63-1, 1)
	g.want(inval, "fd_filestat_set_size", f, 1<<63)
	g.want(success, "fd_advise", f, 0, 0, 5)
	g.want(inval, "fd_advise", f, 0, 0, 6)
	g.want(inval, "fd_advise", f, 1<<63, 0, 0)
	_, r := g.openAt(tmp, "f", how{rights: everything &^ uint64(fdWrite)})
	g.want(inval, "fd_filestat_set_size", r, 0)
	if size := g.fstat(r).size; size != 20 {
		t.Errorf("%d bytes", size)
	}
}

// A full /tmp is ENOSPC, whatever fills it.
func TestQuota(t *testing.T) {
	g := newGuest(t, options{quota: fs.Quota{Bytes: 100, Inodes: 4}})
	f := g.open(tmp, "f", create)
	if errno, n := g.write(f, strings.Repeat("x", 150)); errno != success || n != 100 {
		t.Errorf("a write for which there is room in part: errno %d, %d bytes", errno, n)
	}
	if errno, _ := g.write(f, "x"); errno != nospc {
		t.Errorf("one byte more: errno %d", errno)
	}
	list, n := g.vectors("x")
	g.want(nospc, "fd_pwrite", f, list, n, 1000, g.room(4))
	g.want(nospc, "fd_filestat_set_size", f, 101)
	g.want(nospc, "fd_allocate", f, 0, 101)
	g.want(success, "fd_filestat_set_size", f, 10)
	for _, name := range []string{"a", "b", "c"} {
		g.open(tmp, name, create)
	}
	if errno, _ := g.openAt(tmp, "d", how{oflags: create, rights: everything}); errno != nospc {
		t.Errorf("one file more: errno %d", errno)
	}
	ptr, length := g.path("dir")
	g.want(nospc, "path_create_directory", tmp, ptr, length)
	target, targetLength := g.path("f")
	g.want(nospc, "path_symlink", target, targetLength, tmp, ptr, length)
}

// T24: the node's /tmp is a budget of its own.
func TestTmpOfTheNode(t *testing.T) {
	node := &wasitest.Budget{Limit: 50}
	g := newGuest(t, options{shared: fs.Shared{Bytes: node}})
	f := g.open(tmp, "f", create)
	if errno, _ := g.write(f, strings.Repeat("x", 51)); errno != nospc || node.Used != 0 {
		t.Errorf("errno %d, %d taken", errno, node.Used)
	}
	if errno, _ := g.write(f, strings.Repeat("x", 50)); errno != success || node.Used != 50 {
		t.Errorf("errno %d, %d taken", errno, node.Used)
	}
	g.want(success, "fd_filestat_set_size", f, 20)
	if node.Used != 20 {
		t.Errorf("%d taken", node.Used)
	}
}
