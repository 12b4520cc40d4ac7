package wasi_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi"
)

// T23: what a crash has left in /tmp goes, deeper than there are descriptors for; links are not followed.
func TestEmptyTmp(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("x"), 0o600))
	place := t.TempDir()
	must(t, os.Mkdir(filepath.Join(place, "elsewhere"), 0o700))
	dir := filepath.Join(place, "tmp")
	must(t, os.Symlink("elsewhere", dir)) // on another disk, say
	for range 2 {
		must(t, wasi.EmptyTmp(dir))
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("left: %v, %v", left, err)
		}
		must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o400))
		must(t, os.Symlink(outside, filepath.Join(dir, "link")))
		must(t, os.Symlink(place, filepath.Join(dir, "folder-link")))
		deepen(t, dir, 5000)
	}
	must(t, wasi.EmptyTmp(dir))
	if left, err := os.ReadDir(filepath.Join(place, "elsewhere")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
	must(t, wasi.EmptyTmp(filepath.Join(place, "new")))
}

// deepen makes folders within each other, which no path can name any more.
func deepen(t *testing.T, dir string, levels int) {
	t.Helper()
	at, err := unix.Open(dir, unix.O_DIRECTORY, 0)
	must(t, err)
	for range levels {
		must(t, unix.Mkdirat(at, "d", 0o700))
		next, err := unix.Openat(at, "d", unix.O_DIRECTORY, 0)
		must(t, err)
		must(t, unix.Close(at))
		at = next
	}
	must(t, unix.Close(at))
}
