package fs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// list reads the names of a directory, size bytes of records at a time, without
// the two that each has.
func list(t *testing.T, d *fs.Dir, size int) []string {
	t.Helper()
	var names []string
	for cookie := int64(0); ; {
		entries, err := d.ReadDir(cookie, size)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			names = append(names, e.Name)
			cookie = e.Next
		}
	}
	for _, dots := range []string{".", ".."} {
		if i := slices.Index(names, dots); i < 0 {
			t.Errorf("%q is missing in %v", dots, names)
		} else {
			names = slices.Delete(names, i, i+1)
		}
	}
	slices.Sort(names)
	return names
}

func TestReadDir(t *testing.T) {
	for kind, d := range trees(t) {
		want := []string{"dangling", "dir", "dirlink", "file", "link", "loop"}
		if got := list(t, d, 0); !slices.Equal(got, want) {
			t.Errorf("%s: entries are %v, want %v", kind, got, want)
		}
		for i := range 100 { // more than one record buffer
			name := fmt.Sprintf("new-%02d-%s", i, strings.Repeat("x", 100))
			wantErrno(t, kind, write(d, name, ""), 0)
			want = append(want, name)
		}
		slices.Sort(want)
		if got := list(t, d, 1000); !slices.Equal(got, want) {
			t.Errorf("%s: there are %d entries, want %d", kind, len(got), len(want))
		}
		_, err := d.ReadDir(-1, 100)
		wantErrno(t, kind+": a cookie of nobody's", err, syscall.EINVAL)
	}
}

func TestReadDirDescribes(t *testing.T) {
	types := map[string]byte{"dir": unix.DT_DIR, "file": unix.DT_REG, "link": unix.DT_LNK}
	for kind, d := range trees(t) {
		entries, err := d.ReadDir(0, 1<<16)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if want, ok := types[e.Name]; ok {
				info, err := d.Lstat(e.Name)
				if err != nil || e.ID != fs.Identify(info) || (e.Type != want && e.Type != unix.DT_UNKNOWN) {
					t.Errorf("%s: %+v; it is %+v, %v", kind, e, fs.Identify(info), err)
				}
			}
		}
	}
}

// A descriptor means the directory, whatever that is called by now.
func TestOpenDirSurvivesRename(t *testing.T) {
	for kind, d := range trees(t) {
		dir := mustOpenDir(t, d, "dir")
		wantErrno(t, kind+": rename", d.Rename("dir", d, "moved"), 0)
		wantErrno(t, kind+": mkdir", d.Mkdir("dir", 0o755), 0)
		wantContent(t, dir, "inner", "inner")
		wantErrno(t, kind+": write", write(dir, "fresh", "x"), 0)
		wantContent(t, d, "moved/fresh", "x")
		wantErrno(t, kind+": times", dir.Chtimes(".", time.Unix(1, 0), time.Unix(2, 0), true), 0)
		if info, err := d.Stat("moved"); err != nil || info.ModTime().Unix() != 2 {
			t.Errorf("%s: %v, %v", kind, info, err)
		}
		sub := mustOpenDir(t, dir, "sub")
		wantErrno(t, kind+": rename between descriptors", dir.Rename("fresh", sub, "deeper"), 0)
		wantErrno(t, kind+": link between descriptors", sub.Link("deeper", d, "top"), 0)
		wantContent(t, d, "moved/sub/deeper", "x")
		wantContent(t, d, "top", "x")
		_, err := dir.Stat("..")
		wantErrno(t, kind+": out of the directory", err, syscall.EPERM)
	}
}

func TestOpenDirOfWhatGoes(t *testing.T) {
	for kind, d := range trees(t) {
		gone := mustOpenDir(t, d, "dir/sub")
		wantErrno(t, kind+": rmdir", d.Rmdir("dir/sub"), 0)
		if entries, err := gone.ReadDir(0, 1000); err != nil || len(entries) != 0 {
			t.Errorf("%s: a directory that has gone holds %v, %v", kind, entries, err)
		}
		wantErrno(t, kind+": mkdir in it", gone.Mkdir("x", 0o755), syscall.ENOENT)
		wantErrno(t, kind+": write in it", write(gone, "x", "x"), syscall.ENOENT)
		wantErrno(t, kind+": close", gone.Close(), 0)
		wantErrno(t, kind+": close again", gone.Close(), 0)
		_, err := gone.Stat(".")
		wantErrno(t, kind+": stat", err, syscall.EBADF)
		_, err = d.OpenDir("file", 0)
		wantErrno(t, kind+": a file", err, syscall.ENOTDIR)
		_, err = d.OpenDir("missing", 0)
		wantErrno(t, kind+": nothing", err, syscall.ENOENT)
		_, err = d.OpenDir("dirlink", unix.O_NOFOLLOW)
		wantErrno(t, kind+": a link", err, syscall.ELOOP)
		wantErrno(t, kind+": through a link", mustOpenDir(t, d, "dirlink").Mkdir("made", 0o755), 0)
	}
}

// T6: neither links nor moves lead from one tree into another.
func TestTreesAreApart(t *testing.T) {
	made := trees(t)
	made["bundle"] = fs.ReadOnly(openRoot(t, bundle(t)), fs.Shared{})
	for from, a := range made {
		for to, b := range made {
			if from != to {
				wantErrno(t, "link "+from+" to "+to, a.Link("file", b, "new"), syscall.EXDEV)
				wantErrno(t, "rename "+from+" to "+to, a.Rename("file", b, "new"), syscall.EXDEV)
			}
		}
	}
}

// What is shared is taken and given back exactly.
func TestShared(t *testing.T) {
	bytes, open := &wasitest.Budget{Limit: 100}, &wasitest.Budget{Limit: 3}
	shared := fs.Shared{Bytes: bytes, Descriptors: open}
	tmp := fs.NewTmp(t.TempDir(), fs.Quota{Bytes: 1000, Inodes: 100}, shared)
	d := tmp.Dir()
	check := func(when string, wantBytes, wantOpen int64) {
		t.Helper()
		if bytes.Used != wantBytes || open.Used != wantOpen {
			t.Errorf("%s: %d bytes and %d descriptors, want %d and %d", when, bytes.Used, open.Used, wantBytes, wantOpen)
		}
	}
	f, err := d.OpenFile("a", os.O_RDWR|os.O_CREATE, 0o644)
	wantErrno(t, "create", err, 0)
	_, err = f.WriteAt(make([]byte, 60), 20)
	wantErrno(t, "write", err, 0)
	check("after a hole and 60 bytes", 80, 1)
	_, err = f.WriteAt(make([]byte, 30), 60)
	wantErrno(t, "overwrite and extend", err, 0)
	check("after ten more", 90, 1)
	_, err = f.WriteAt(make([]byte, 30), 80)
	wantErrno(t, "more than is left", err, syscall.ENOSPC)
	wantErrno(t, "truncate up", f.Truncate(101), syscall.ENOSPC)
	wantErrno(t, "truncate down", f.Truncate(50), 0)
	check("after truncating", 50, 1)
	wantErrno(t, "mkdir", d.Mkdir("dir", 0o755), 0)
	dir := mustOpenDir(t, d, "dir")
	other := mustOpen(t, d, "a", os.O_RDONLY)
	check("with three open", 50, 3)
	_, err = d.OpenFile("a", os.O_RDONLY, 0)
	wantErrno(t, "a fourth", err, syscall.ENFILE)
	_, err = d.OpenDir("dir", 0)
	wantErrno(t, "a fourth directory", err, syscall.ENFILE)
	_, err = d.OpenFile("missing", os.O_RDONLY, 0)
	wantErrno(t, "what is not there", err, syscall.ENFILE)
	wantErrno(t, "close", dir.Close(), 0)
	_, err = d.OpenFile("missing", os.O_RDONLY, 0)
	wantErrno(t, "what is not there", err, syscall.ENOENT)
	wantErrno(t, "unlink", d.Unlink("a"), 0)
	check("unlinked but open", 50, 2)
	wantErrno(t, "close", f.Close(), 0)
	wantErrno(t, "close", other.Close(), 0)
	check("closed and gone", 0, 0)
	wantErrno(t, "write", write(d, "b", strings.Repeat("x", 70)), 0)
	_ = mustOpen(t, d, "b", os.O_RDONLY)
	check("before the end", 70, 1)
	wantErrno(t, "close tmp", tmp.Close(), 0)
	check("at the end", 0, 0)
}
