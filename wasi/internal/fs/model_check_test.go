package fs_test

import (
	iofs "io/fs"
	"path/filepath"
	"syscall"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

func (m *model) check(t *rapid.T) {
	if got, want := m.tmp.Usage(), m.usage(); got != want {
		t.Fatalf("usage is %+v, want %+v", got, want)
	}
	for name, n := range m.nodes {
		info, err := m.dir.Lstat(name)
		if err != nil || info.IsDir() != n.dir || n.file && info.Size() != n.size {
			t.Fatalf("%s is %v, %v; want %+v", name, info, err, n)
		}
	}
}

// onDisk sums up what the host's directory really holds.
func (m *model) onDisk(t *rapid.T) fs.Quota {
	var used fs.Quota
	seen := map[uint64]bool{}
	err := filepath.WalkDir(m.path, func(path string, e iofs.DirEntry, err error) error {
		if err != nil || path == m.path || filepath.Dir(path) == m.path {
			return err // the top is not counted
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		ino := info.Sys().(*syscall.Stat_t).Ino
		if !seen[ino] {
			used.Inodes++
			if info.Mode().IsRegular() {
				used.Bytes += info.Size()
			}
		}
		seen[ino] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// finish closes all files, then removes all names, deepest first.
func (m *model) finish(t *rapid.T) {
	for _, h := range m.open {
		if err := h.f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m.open = nil
	m.check(t)
	if got, want := m.tmp.Usage(), m.onDisk(t); got != want {
		t.Fatalf("usage is %+v, the disk holds %+v", got, want)
	}
	for left := -1; len(m.nodes) > 0; {
		if left == len(m.nodes) {
			t.Fatalf("cannot remove %v", m.nodes)
		}
		left = len(m.nodes)
		for name, n := range m.nodes {
			if m.dir.Unlink(name) == nil || n.dir && m.dir.Rmdir(name) == nil {
				delete(m.nodes, name)
			}
		}
	}
	if got := m.tmp.Usage(); got != (fs.Quota{}) {
		t.Fatalf("usage of nothing is %+v", got)
	}
	if err := m.tmp.Close(); err != nil {
		t.Fatal(err)
	}
}
