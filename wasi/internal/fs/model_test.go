package fs_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// modelQuota is small, so that random operations run into it.
var modelQuota = fs.Quota{Bytes: 500, Inodes: 7}

// A model is a Tmp beside the simplest book of it that could be right: nodes
// by name, and usage summed up anew whenever it is asked for. Whether the
// operations on names succeed is the host's business; what they cost is not.
type model struct {
	tmp   *fs.Tmp
	dir   *fs.Dir
	path  string
	nodes map[string]*node // by name
	open  []handle
}

type node struct {
	size int64
	dir  bool
	file bool
}

type handle struct {
	*node
	f   *fs.File
	pos int64
}

func newModel(parent string) *model {
	tmp := fs.NewTmp(parent, modelQuota, fs.Shared{})
	return &model{tmp: tmp, dir: tmp.Dir(), path: parent, nodes: map[string]*node{}}
}

func (m *model) usage() fs.Quota {
	live := map[*node]bool{}
	for _, n := range m.nodes {
		live[n] = true
	}
	for _, h := range m.open {
		live[h.node] = true
	}
	var used fs.Quota
	for n := range live {
		used.Bytes += n.size
		used.Inodes++
	}
	return used
}

func (m *model) full() bool {
	return m.usage().Inodes >= modelQuota.Inodes || len(m.nodes) >= modelQuota.Inodes
}

// name draws a name at the top or one directory down.
func name(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "a/x", "b/x", "d/y", "a/d/z"}).Draw(t, label)
}

// made records that something new is called name, or checks why it is not.
func (m *model) made(t *rapid.T, name string, n *node, err error) {
	_, exists := m.nodes[name]
	switch {
	case err == nil && (exists || m.full()):
		t.Fatalf("made %s, which exists (%v) or is too much", name, exists)
	case err == nil:
		m.nodes[name] = n
	case errors.Is(err, syscall.ENOSPC) != (m.full() && !exists) && !m.blocked(name):
		t.Fatalf("made %s: %v, with %+v used", name, err, m.usage())
	}
}

// blocked reports whether name cannot be made for want of a directory to hold
// it, which comes before or after a full quota as the host likes.
func (m *model) blocked(name string) bool {
	cut := strings.LastIndexByte(name, '/')
	if cut < 0 {
		return false
	}
	parent := m.nodes[name[:cut]]
	return parent == nil || !parent.dir
}

func (m *model) mkdir(t *rapid.T) {
	name := name(t, "name")
	m.made(t, name, &node{dir: true}, m.dir.Mkdir(name, 0o755))
}

func (m *model) symlink(t *rapid.T) {
	name := name(t, "name")
	// Where it leads nowhere, nothing happens behind the model's back.
	m.made(t, name, &node{}, m.dir.Symlink("nowhere/at/all", name))
}

func (m *model) openFile(t *rapid.T) {
	name := name(t, "name")
	flag := os.O_RDWR
	for _, more := range []int{os.O_CREATE, os.O_TRUNC, os.O_EXCL, os.O_APPEND} {
		if rapid.Bool().Draw(t, "flag") {
			flag |= more
		}
	}
	if flag&os.O_CREATE == 0 {
		flag &^= os.O_EXCL
	}
	f, err := m.dir.OpenFile(name, flag, 0o644)
	n := m.nodes[name]
	if n == nil && (err == nil || flag&os.O_CREATE != 0) {
		n = &node{file: true}
		m.made(t, name, n, err)
	}
	if err != nil {
		return
	}
	if flag&os.O_TRUNC != 0 {
		n.size = 0
	}
	m.open = append(m.open, handle{node: n, f: f})
}

func (m *model) unlink(t *rapid.T) {
	name := name(t, "name")
	if m.dir.Unlink(name) == nil {
		m.forget(t, name, false)
	}
}

func (m *model) rmdir(t *rapid.T) {
	name := name(t, "name")
	if m.dir.Rmdir(name) == nil {
		m.forget(t, name, true)
	}
}

func (m *model) forget(t *rapid.T, name string, dir bool) {
	if n := m.nodes[name]; n == nil || n.dir != dir {
		t.Fatalf("removed %s, which is %+v", name, n)
	}
	delete(m.nodes, name)
}

func (m *model) link(t *rapid.T) {
	from, to := name(t, "from"), name(t, "to")
	err := m.dir.Link(from, m.dir, to)
	if err == nil && (m.nodes[from] == nil || m.nodes[to] != nil || len(m.nodes) >= modelQuota.Inodes) {
		t.Fatalf("linked %s to %s", from, to)
	}
	if err == nil {
		m.nodes[to] = m.nodes[from]
	}
}

func (m *model) rename(t *rapid.T) {
	from, to := name(t, "from"), name(t, "to")
	err := m.dir.Rename(from, m.dir, to)
	if errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a rename needs no space: %v", err)
	}
	if err != nil || m.nodes[from] == m.nodes[to] {
		return
	}
	moved := map[string]*node{}
	for name, n := range m.nodes {
		if rest, in := strings.CutPrefix(name+"/", from+"/"); in {
			moved[strings.TrimSuffix(to+"/"+rest, "/")] = n
			delete(m.nodes, name)
		}
	}
	for name, n := range moved {
		m.nodes[name] = n
	}
}

// handle draws an open file, or skips where there is none.
func (m *model) handle(t *rapid.T) *handle {
	if len(m.open) == 0 {
		t.Skip("no open file")
	}
	return &m.open[rapid.IntRange(0, len(m.open)-1).Draw(t, "handle")]
}

func (m *model) write(t *rapid.T) {
	h := m.handle(t)
	if h.f.IsAppend() {
		h.pos = h.size
	}
	p := make([]byte, rapid.IntRange(1, 300).Draw(t, "len"))
	n, err := h.f.Write(p)
	m.wrote(t, h, h.pos, len(p), n, err)
	h.pos += int64(n)
}

func (m *model) writeAt(t *rapid.T) {
	h := m.handle(t)
	off := int64(rapid.IntRange(0, 600).Draw(t, "off"))
	p := make([]byte, rapid.IntRange(1, 300).Draw(t, "len"))
	n, err := h.f.WriteAt(p, off)
	m.wrote(t, h, off, len(p), n, err)
}

// wrote checks that n of want bytes are what there was room for.
func (m *model) wrote(t *rapid.T, h *handle, off int64, want, n int, err error) {
	room := h.size + modelQuota.Bytes - m.usage().Bytes - off
	fits := int(min(int64(want), max(0, room)))
	if n != fits || errors.Is(err, syscall.ENOSPC) != (fits < want) || (err != nil) != (fits < want) {
		t.Fatalf("wrote %d of %d at %d, %v; there was room for %d", n, want, off, err, room)
	}
	if n > 0 {
		h.size = max(h.size, off+int64(n))
	}
}

func (m *model) truncate(t *rapid.T) {
	h := m.handle(t)
	size := int64(rapid.IntRange(0, 600).Draw(t, "size"))
	fits := m.usage().Bytes-h.size+size <= modelQuota.Bytes || size <= h.size
	err := h.f.Truncate(size)
	if (err == nil) != fits || (err != nil && !errors.Is(err, syscall.ENOSPC)) {
		t.Fatalf("truncate from %d to %d: %v", h.size, size, err)
	}
	if err == nil {
		h.size = size
	}
}

func (m *model) close(t *rapid.T) {
	if len(m.open) == 0 {
		t.Skip("no open file")
	}
	i := rapid.IntRange(0, len(m.open)-1).Draw(t, "handle")
	if err := m.open[i].f.Close(); err != nil {
		t.Fatal(err)
	}
	m.open = append(m.open[:i], m.open[i+1:]...)
}

func TestQuotaModel(t *testing.T) {
	parents := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		parent, err := os.MkdirTemp(parents, "")
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(parent)
		t.Repeat(map[string]func(*rapid.T){
			"":         m.check,
			"open":     m.openFile,
			"open2":    m.openFile, // half of the work is to have files at all
			"write":    m.write,
			"writeAt":  m.writeAt,
			"truncate": m.truncate,
			"close":    m.close,
			"mkdir":    m.mkdir,
			"symlink":  m.symlink,
			"link":     m.link,
			"unlink":   m.unlink,
			"rmdir":    m.rmdir,
			"rename":   m.rename,
		})
		m.finish(t)
	})
}
