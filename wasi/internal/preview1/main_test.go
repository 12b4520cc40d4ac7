package preview1_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The errors of WASI preview 1 that tests expect, by their numbers in the
// specification.
const (
	success     = 0
	again       = 6
	badf        = 8
	exist       = 20
	fault       = 21
	fbig        = 22
	ilseq       = 25
	inval       = 28
	isdir       = 31
	loop        = 32
	mfile       = 33
	nametoolong = 37
	nfile       = 41
	noent       = 44
	nospc       = 51
	notdir      = 54
	notempty    = 55
	notsock     = 57
	notsup      = 58
	perm        = 63
	rofs        = 69
	spipe       = 70
	xdev        = 75
	notcapable  = 76
)

// Rights, flags and types of the specification.
const (
	fdRead, fdSeek, fdTell, fdWrite = 1 << 1, 1 << 2, 1 << 5, 1 << 6
	setSizeRight, pathSetSize       = 1 << 22, 1 << 19
	everything                      = 1<<30 - 1

	create, directory, exclusive, truncate = 1, 2, 4, 8
	appending, dsync, nonblock             = 1, 2, 4

	charDevice, folder, regular, socket, symlink = 2, 3, 4, 6, 7
)

// The preopens of a guest of these tests.
const (
	root = 3 // a read-only bundle
	tmp  = 4
)

// guest is a module that calls what the test tells it to, with memory to put
// things into.
type guest struct {
	t       *testing.T
	ctx     context.Context //nolint:containedctx // what its calls are made with
	module  api.Module
	process *preview1.Process
	top     uint32 // what is below is taken
}

// options of a guest; the zero value is a Micro's.
type options struct {
	args, env []string
	stdio     preview1.Stdio
	quota     fs.Quota
	shared    fs.Shared
	more      []preview1.Preopen
	bundle    string
}

func newGuest(t *testing.T, o options) *guest {
	t.Helper()
	if o.quota == (fs.Quota{}) {
		o.quota = fs.Quota{Bytes: 8 << 20, Inodes: 1000}
	}
	if o.bundle == "" {
		o.bundle = newBundle(t)
	}
	scratch := fs.NewTmp(t.TempDir(), o.quota, o.shared)
	p := preview1.New(preview1.Config{Args: o.args, Preopens: append([]preview1.Preopen{
		{Name: "/", Dir: fs.ReadOnly(openRoot(t, o.bundle), o.shared)},
		{Name: "/tmp", Dir: scratch.Dir()},
	}, o.more...)})
	t.Cleanup(func() {
		for range 2 {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := scratch.Close(); err != nil {
			t.Error(err)
		}
	})
	return runGuest(t, p, o)
}

// runGuest instantiates the module that forwards calls.
func runGuest(t *testing.T, p *preview1.Process, o options) *guest {
	t.Helper()
	if err := p.Begin(o.env, o.stdio); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = runtime.Close(ctx) })
	builder := runtime.NewHostModuleBuilder(preview1.ModuleName)
	preview1.Export(builder)
	if _, err := builder.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	module, err := runtime.Instantiate(ctx, wasitest.Guest("preview1"))
	if err != nil {
		t.Fatal(err)
	}
	return &guest{t: t, ctx: preview1.WithProcess(t.Context(), p), module: module, process: p, top: 1024}
}

// newBundle makes a folder with a file, a folder and links.
func newBundle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "file"), []byte("0123456789"), 0o644),
		os.MkdirAll(filepath.Join(dir, "dir", "sub"), 0o755),
		os.WriteFile(filepath.Join(dir, "dir", "inner"), nil, 0o644),
		os.Symlink("file", filepath.Join(dir, "link")),
		os.Symlink("dir", filepath.Join(dir, "dirlink")),
		os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "twin")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// try calls a function and returns its errno, or how the guest was ended.
func (g *guest) try(name string, params ...uint64) (uint32, error) {
	g.t.Helper()
	results, err := g.module.ExportedFunction(name).Call(g.ctx, params...)
	if err != nil {
		return 0, err
	}
	return uint32(results[0]), nil
}

// call calls a function that returns.
func (g *guest) call(name string, params ...uint64) uint32 {
	g.t.Helper()
	errno, err := g.try(name, params...)
	if err != nil {
		g.t.Fatalf("%s%v: %v", name, params, err)
	}
	return errno
}

// want calls a function and fails unless it returns errno.
func (g *guest) want(errno uint32, name string, params ...uint64) {
	g.t.Helper()
	if got := g.call(name, params...); got != errno {
		g.t.Errorf("%s%v: errno %d, want %d", name, params, got, errno)
	}
}

// room reserves n bytes of the guest's memory.
func (g *guest) room(n int) uint64 {
	at := (g.top + 7) &^ 7
	g.top = at + uint32(n)
	if g.top > g.module.Memory().Size() {
		g.t.Fatal("the test needs a guest with more memory")
	}
	return uint64(at)
}

// put puts bytes into the guest's memory.
func (g *guest) put(b []byte) uint64 {
	at := g.room(len(b))
	g.module.Memory().Write(uint32(at), b)
	return at
}

// path returns the two parameters that are a path.
func (g *guest) path(name string) (ptr, length uint64) { return g.put([]byte(name)), uint64(len(name)) }

func (g *guest) get(ptr uint64, n int) []byte {
	b, ok := g.module.Memory().Read(uint32(ptr), uint32(n))
	if !ok {
		g.t.Fatalf("the guest has no %d bytes at %d", n, ptr)
	}
	return b
}

func (g *guest) u32(ptr uint64) uint32 { return binary.LittleEndian.Uint32(g.get(ptr, 4)) }

func (g *guest) u64(ptr uint64) uint64 { return binary.LittleEndian.Uint64(g.get(ptr, 8)) }

// vectors puts pieces of memory into a list of them.
func (g *guest) vectors(pieces ...string) (ptr, count uint64) {
	var list []byte
	for _, p := range pieces {
		list = binary.LittleEndian.AppendUint32(list, uint32(g.put([]byte(p))))
		list = binary.LittleEndian.AppendUint32(list, uint32(len(p)))
	}
	return g.put(list), uint64(len(pieces))
}

// how a file is opened.
type how struct {
	follow, oflags, rights, inheriting, flags uint64
}

// openAt opens a path, and returns errno and descriptor.
func (g *guest) openAt(dir uint64, name string, h how) (uint32, uint64) {
	g.t.Helper()
	out := g.room(4)
	ptr, n := g.path(name)
	errno := g.call("path_open", dir, h.follow, ptr, n, h.oflags, h.rights, h.inheriting, h.flags, out)
	return errno, uint64(g.u32(out))
}

// open opens a path with all rights that it can have.
func (g *guest) open(dir uint64, name string, oflags uint64) uint64 {
	g.t.Helper()
	rights := uint64(everything)
	if dir == root || oflags == 0 {
		rights &^= fdWrite
	}
	errno, fd := g.openAt(dir, name, how{oflags: oflags, rights: rights, inheriting: everything})
	if errno != success {
		g.t.Fatalf("open %s: errno %d", name, errno)
	}
	return fd
}

// write writes a text, and returns errno and how much was written.
func (g *guest) write(fd uint64, text string) (uint32, uint32) {
	g.t.Helper()
	list, n := g.vectors(text)
	out := g.room(4)
	errno := g.call("fd_write", fd, list, n, out)
	return errno, g.u32(out)
}

// read reads at most n bytes.
func (g *guest) read(fd uint64, n int) (uint32, string) {
	g.t.Helper()
	at := g.room(n)
	list := g.put(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(at)), uint32(n)))
	out := g.room(4)
	errno := g.call("fd_read", fd, list, 1, out)
	if errno != success {
		return errno, ""
	}
	return errno, string(g.get(at, int(g.u32(out))))
}

// stat is what a guest knows of a file.
type stat struct {
	device, inode          uint64
	kind                   byte
	links, size            uint64
	access, modify, change uint64
}

func (g *guest) parseStat(at uint64) stat {
	return stat{
		g.u64(at), g.u64(at + 8), g.get(at+16, 1)[0],
		g.u64(at + 24), g.u64(at + 32), g.u64(at + 40), g.u64(at + 48), g.u64(at + 56),
	}
}

func (g *guest) lstat(dir uint64, name string) (uint32, stat) {
	g.t.Helper()
	at := g.room(64)
	ptr, n := g.path(name)
	errno := g.call("path_filestat_get", dir, 0, ptr, n, at)
	return errno, g.parseStat(at)
}

func (g *guest) fstat(fd uint64) stat {
	g.t.Helper()
	at := g.room(64)
	g.want(success, "fd_filestat_get", fd, at)
	return g.parseStat(at)
}

// fdstat is the type, flags, rights and inheriting rights of a descriptor.
func (g *guest) fdstat(fd uint64) (kind byte, flags uint16, base, inheriting uint64) {
	g.t.Helper()
	at := g.room(24)
	g.want(success, "fd_fdstat_get", fd, at)
	return g.get(at, 1)[0], binary.LittleEndian.Uint16(g.get(at+2, 2)), g.u64(at + 8), g.u64(at + 16)
}
