package wasi_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // it makes the databases

	"github.com/spacewasm/spacewasm/wasi"
)

// makeDatabase makes a database of rows.
func makeDatabase(t *testing.T, path string, rows int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = db.Exec(fmt.Sprintf("CREATE TABLE t(x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO t SELECT 'row ' || i FROM n", rows))
	must(t, err)
	must(t, db.Close())
}

// Databases are found by how they begin, and looked at in a child, as in this process (T8).
func TestCheckDatabases(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "deep"), 0o700))
	makeDatabase(t, filepath.Join(dir, "good.db"), 500)
	makeDatabase(t, filepath.Join(dir, "deep", "no-suffix"), 500)
	makeDatabase(t, filepath.Join(dir, "bad.db"), 500)
	content := read(t, filepath.Join(dir, "bad.db"))
	copy(content[4096:], bytes.Repeat([]byte{0xff}, 4096))
	must(t, os.WriteFile(filepath.Join(dir, "bad.db"), content, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "text.db"), []byte("SQLite format 4 is none"), 0o600))
	must(t, os.Symlink("/etc", filepath.Join(dir, "link")))
	folder, err := os.OpenRoot(dir)
	must(t, err)
	defer func() { must(t, folder.Close()) }()
	files, err := wasi.FindDatabases(folder)
	must(t, err)
	if got := fmt.Sprint(files.Names); got != "[bad.db deep/no-suffix good.db]" {
		t.Fatalf("found %s", got)
	}
	here, err := wasi.New(t.Context(), wasi.Config{})
	must(t, err)
	defer func() { must(t, here.Close(t.Context())) }()
	for name, engine := range map[string]*wasi.Engine{"here": here, "apart": isolated(t, t.TempDir())} {
		found, err := engine.CheckDatabases(t.Context(), folder, files)
		must(t, err)
		if len(found) != 3 || !strings.Contains(found[0].Fault, "damaged") || found[1].Fault != "" || found[2].Fault != "" ||
			fmt.Sprint(found[1].Tables, found[2].Tables) != "[{t 500}] [{t 500}]" {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}
