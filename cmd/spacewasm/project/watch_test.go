package project_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
)

// watchTree is a project that is watched, without what lies in "skipped".
func watchTree(t *testing.T, files map[string]string) (w *project.Watcher, dir string) {
	t.Helper()
	dir = tree(t, files)
	w, err := project.Watch(dir, func(path string, _ bool) bool { return path == "skipped" })
	must(t, err)
	t.Cleanup(func() { must(t, w.Close()) })
	return w, dir
}

// sees wants the next change to be of these files.
func sees(t *testing.T, w *project.Watcher, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got, err := w.Next(ctx)
	must(t, err)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("saw a change of %q, want %q", got, want)
	}
}

// sleeps wants nothing to be seen, for as long as a change takes to be.
func sleeps(t *testing.T, w *project.Watcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*project.Settle)
	defer cancel()
	if got, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
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
	got, err := w.Changed()
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
	open := func(sources ...string) *project.Project {
		t.Helper()
		var micros []string
		for i, src := range sources {
			micros = append(micros, fmt.Sprintf("{name: m%d, src: %s, engine: wasm, primary: %t}", i, src, i == 0))
		}
		p, err := project.Open(tree(t, map[string]string{"Spacefile": spacefile(micros...)}))
		must(t, err)
		return p
	}
	p := open("a", "b")
	for changed, want := range map[string][2]bool{
		"a/x": {true, false}, "b/c/x": {false, true}, "Spacefile": {true, true}, "go.mod": {true, true}, "ab/x": {true, true}, ".env": {}, ".spaceignore": {},
	} {
		for i, m := range p.Spec().Micros {
			if got := p.Concerns(m, []string{changed}); got != want[i] {
				t.Errorf("%s concerns %s: %v", changed, m.Src, got)
			}
		}
	}
	p = open(".", "b")
	root, other := p.Spec().Micros[0], p.Spec().Micros[1]
	if !p.Concerns(root, []string{"Spacefile"}) || p.Concerns(other, []string{"main.go"}) {
		t.Error("a Micro at the root")
	}
	if !p.Concerns(other, []string{"Spacefile"}) {
		t.Error("the Spacefile concerns all, also where it lies in a Micro's folder")
	}
}
