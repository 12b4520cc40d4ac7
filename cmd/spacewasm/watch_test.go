package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// watchTree is a project that is watched, without what lies in "skipped".
func watchTree(t *testing.T, files map[string]string) (w *watcher, dir string) {
	t.Helper()
	dir = tree(t, files)
	w, err := watch(dir, func(path string, _ bool) bool { return path == "skipped" })
	must(t, err)
	t.Cleanup(func() { must(t, w.close()) })
	return w, dir
}

// sees wants the next change to be of these files.
func sees(t *testing.T, w *watcher, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := w.next(ctx)
	must(t, err)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("saw a change of %q, want %q", got, want)
	}
}

// sleeps wants nothing to be seen, for as long as a change takes to be.
func sleeps(t *testing.T, w *watcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*settle)
	defer cancel()
	if got, err := w.next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("saw a change of %q, %v", got, err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestWatch(t *testing.T) {
	t.Parallel()
	w, dir := watchTree(t, map[string]string{"a": "1", "b/c": "1", "skipped/d": "1"})
	sleeps(t, w)
	for _, tc := range []struct {
		change func(t *testing.T)
		want   []string
	}{
		{func(t *testing.T) { write(t, filepath.Join(dir, "a"), "22") }, []string{"a"}},
		// As editors save: another file takes the name.
		{func(t *testing.T) {
			write(t, filepath.Join(dir, "b/.c.swp"), "333")
			must(t, os.Rename(filepath.Join(dir, "b/.c.swp"), filepath.Join(dir, "b/c")))
		}, []string{"b/c"}},
		{func(t *testing.T) { must(t, os.Remove(filepath.Join(dir, "a"))) }, []string{"a"}},
		{func(t *testing.T) {
			must(t, os.MkdirAll(filepath.Join(dir, "new/deep"), 0o750))
			write(t, filepath.Join(dir, "new/deep/e"), "1")
			write(t, filepath.Join(dir, "b/f"), "1")
		}, []string{"b/f", "new/deep/e"}},
		// A folder that has come is watched.
		{func(t *testing.T) { write(t, filepath.Join(dir, "new/deep/e"), "2") }, []string{"new/deep/e"}}, // as long as it was
		{func(t *testing.T) { must(t, os.RemoveAll(filepath.Join(dir, "new"))) }, []string{"new/deep/e"}},
	} {
		write(t, filepath.Join(dir, "skipped/d"), tc.want[0])
		tc.change(t)
		sees(t, w, tc.want...)
	}
	write(t, filepath.Join(dir, "skipped/d"), "22")
	sleeps(t, w)
}

// What has changed while nobody asked is seen at once.
func TestWatchMeanwhile(t *testing.T) {
	t.Parallel()
	w, dir := watchTree(t, map[string]string{"a": "1", "b": "1"})
	write(t, filepath.Join(dir, "a"), "22")
	got, err := w.changed()
	must(t, err)
	if !slices.Equal(got, []string{"a"}) {
		t.Errorf("saw a change of %q", got)
	}
	sleeps(t, w)
	write(t, filepath.Join(dir, "b"), "22")
	sees(t, w, "b")
}

// More events than the system keeps, by default 16384, lose no change.
func TestWatchOverflow(t *testing.T) {
	t.Parallel()
	w, dir := watchTree(t, map[string]string{"a": "1", "b": "1"})
	for i := range 10_000 { // two events at least for each of two files
		write(t, filepath.Join(dir, "a"), strconv.Itoa(i))
		write(t, filepath.Join(dir, "b"), strconv.Itoa(i))
	}
	write(t, filepath.Join(dir, "c"), "1") // whose event is lost
	sees(t, w, "a", "b", "c")
	write(t, filepath.Join(dir, "c"), "22")
	sees(t, w, "c")
}

func TestConcerns(t *testing.T) {
	micros := []space.MicroSpec{{Src: "a"}, {Src: "b"}}
	for changed, want := range map[string][2]bool{
		"a/x": {true, false}, "b/c/x": {false, true}, "Spacefile": {true, true}, "go.mod": {true, true}, "ab/x": {true, true}, ".env": {}, ".spaceignore": {},
	} {
		for i, m := range micros {
			if got := concerns(m, micros, []string{changed}); got != want[i] {
				t.Errorf("%s concerns %s: %v", changed, m.Src, got)
			}
		}
	}
	root := []space.MicroSpec{{Src: "."}, {Src: "b"}}
	if !concerns(root[0], root, []string{"Spacefile"}) || concerns(root[1], root, []string{"main.go"}) {
		t.Error("a Micro at the root")
	}
	if !concerns(root[1], root, []string{"Spacefile"}) {
		t.Error("the Spacefile concerns all, also where it lies in a Micro's folder")
	}
}
