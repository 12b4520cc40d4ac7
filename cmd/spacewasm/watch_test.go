package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("a/one", "1")
	write("skipped/x", "1")
	w, err := watch(dir, func(path string, _ bool) bool { return strings.HasPrefix(path, "skipped") })
	must(t, err)
	defer w.close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, c := range []struct {
		change func()
		want   string
	}{
		{func() { write("a/one", "22") }, "a/one"},
		{func() { write("b/deep/new", "1") }, "b/deep/new"},
		{func() { write("b/deep/new", "2") }, "b/deep/new"}, // in a folder that came later
		{func() { must(t, os.Remove(filepath.Join(dir, "a/one"))) }, "a/one"},
		{func() { must(t, os.RemoveAll(filepath.Join(dir, "b"))) }, "b/deep/new"},
	} {
		write("skipped/x", c.want)
		c.change()
		got, err := w.next(ctx)
		if err != nil || !slices.Equal(got, []string{filepath.FromSlash(c.want)}) {
			t.Errorf("got %q, %v, want %s", got, err, c.want)
		}
	}
	// What was looked at is known.
	write("known", "1")
	if got, err := w.changed(); err != nil || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
	soon, stop := context.WithTimeout(ctx, 200*time.Millisecond)
	defer stop()
	if got, err := w.next(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v", got, err)
	}
}
