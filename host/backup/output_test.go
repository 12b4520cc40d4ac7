package backup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/backup"
)

// T32: a file of a backup is there whole or not at all, for its owner only.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.tar.gz")
	put := func(force bool, text string) error {
		o, err := backup.Create(path, force)
		if err != nil {
			return err
		}
		_, err = o.Write([]byte(text))
		must(t, err)
		err = o.Commit()
		must(t, o.Close())
		return err
	}
	given, err := backup.Create(path, false)
	must(t, err)
	must(t, given.Close())
	if left := tree(t, dir); len(left) != 0 {
		t.Errorf("there is %v", left)
	}
	late, err := backup.Create(path, false)
	must(t, err)
	must(t, put(false, "first"))
	if err := late.Commit(); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("another has made it meanwhile: %v", err)
	}
	if err := put(false, "second"); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("over another: %v", err)
	}
	if left := tree(t, dir); len(left) != 1 || left["b.tar.gz"] != "first" {
		t.Errorf("there is %v", left)
	}
	must(t, put(true, "third"))
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left := tree(t, dir); len(left) != 1 || left["b.tar.gz"] != "third" {
		t.Errorf("there is %v", left)
	}
	for _, path := range []string{dir, os.DevNull} {
		if _, err := backup.Create(path, true); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
