package deploy_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// T31: the data directory of every released version opens, and its apps answer.
func TestReleasedData(t *testing.T) {
	versions, err := filepath.Glob("../store/testdata/v*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no data directories: %v, %v", versions, err)
	}
	for _, version := range versions {
		t.Run(filepath.Base(version), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(version)); err != nil {
				t.Fatal(err)
			}
			load(t, dir)
			b := newBench(t, dir, nil)
			if err := b.Restore(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := b.ask(t, "app", "/"); got != "hello\n" {
				t.Errorf("the app answers %q", got)
			}
			for name, c := range map[space.AppName][2]string{"app": {"/api", "3"}, "other": {"/", "1"}} {
				if got := b.ask(t, name, c[0]); !strings.Contains(got, "DETA_SPACE_APP_VERSION="+c[1]+"\n") {
					t.Errorf("%s at %s answers %q", name, c[0], got)
				}
			}
			b.run(t)
			b.wantBlobs(t, 3)
			if app := b.push(t, "app", tgz(t, two()...)); app.Revision.Number != 4 {
				t.Errorf("the next push is revision %d", app.Revision.Number)
			}
		})
	}
}

// load makes the database of its text.
func load(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "spacewasm.sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "spacewasm.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(text)); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
