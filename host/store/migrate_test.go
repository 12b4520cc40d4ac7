package store_test

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spacewasm/spacewasm/host/store"
)

// schemas are migrations to a schema version: the first makes a table with rows, each other adds a column.
func schemas(version int) fstest.MapFS {
	files := fstest.MapFS{"0001.sql": {Data: []byte(`CREATE TABLE t (a); INSERT INTO t VALUES (1), (2);`)}}
	for n := 2; n <= version; n++ {
		files[fmt.Sprintf("%04d.sql", n)] = &fstest.MapFile{Data: fmt.Appendf(nil, "ALTER TABLE t ADD COLUMN c%d DEFAULT %d; UPDATE t SET a = a + 10;", n, n)}
	}
	return files
}

// schema describes a database: its version, columns and the sum of the first.
func schema(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text, sound string
	err = db.QueryRow(`SELECT user_version || ': ' || (SELECT group_concat(name) FROM pragma_table_info('t')) || ' ' || (SELECT sum(a) FROM t)
		FROM pragma_user_version`).Scan(&text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("%s: %s, %v", path, sound, err)
	}
	return text
}

// list names the files beside the database, but for the log of SQLite.
func list(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "-wal") && !strings.HasSuffix(e.Name(), "-shm") {
			names = append(names, e.Name())
		}
	}
	return names
}

// T31: before a migration the database is copied, and the newest few copies stay.
func TestMigrationCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for version := 1; version <= 6; version++ {
		for range 2 { // the second changes nothing
			if err := store.Migrate(t.Context(), path, schemas(version)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := list(t, path); !slices.Equal(got, []string{"x.db", "x.db.v3", "x.db.v4", "x.db.v5"}) {
		t.Errorf("there are %v", got)
	}
	for name, want := range map[string]string{
		"": "6: a,c2,c3,c4,c5,c6 103", ".v5": "5: a,c2,c3,c4,c5 83", ".v3": "3: a,c2,c3 43",
	} {
		if got := schema(t, path+name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	if info, err := os.Stat(path + ".v5"); err != nil || info.Mode() != 0o600 {
		t.Errorf("the copy has the mode %v, %v", info.Mode(), err)
	}
}

// T31: a migration that fails leaves the version before, with its copy.
func TestMigrationFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := store.Migrate(t.Context(), path, schemas(2)); err != nil {
		t.Fatal(err)
	}
	bad := schemas(4)
	bad["0004.sql"] = &fstest.MapFile{Data: []byte("ALTER TABLE t ADD COLUMN late; nonsense")}
	for range 2 {
		err := store.Migrate(t.Context(), path, bad)
		if err == nil || !strings.Contains(err.Error(), "migrate from schema version 2 to 4: 0004.sql") {
			t.Fatalf("got %v", err)
		}
	}
	for _, name := range []string{path, path + ".v2"} {
		if got := schema(t, name); got != "2: a,c2 23" {
			t.Errorf("%s is %q", name, got)
		}
	}
	if err := store.Migrate(t.Context(), path, schemas(1)); err == nil || !strings.Contains(err.Error(), "schema version 2 is newer") {
		t.Errorf("got %v", err)
	}
}

const migrateEnv = "SPACEWASM_TEST_MIGRATE"

// T31: a migration that is killed leaves the version before or the one after, and at the next attempt nothing else.
func TestMigrationKilled(t *testing.T) {
	if path := os.Getenv(migrateEnv); path != "" {
		if err := store.Migrate(t.Context(), path, schemas(9)); err != nil {
			t.Fatal(err)
		}
		return
	}
	const kills = 16
	seen := map[string]int{}
	var whole time.Duration // that a migration takes
	for i := range kills {
		path := filepath.Join(t.TempDir(), "x.db")
		if err := store.Migrate(t.Context(), path, large(t)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			whole = kill(t, path, time.Minute)
		} else {
			kill(t, path, whole*time.Duration(i)/(kills-2))
		}
		got := schema(t, path)
		seen[got]++
		if got != oldSchema && got != newSchema {
			t.Fatalf("after the kill it is %q", got)
		}
		if err := store.Migrate(t.Context(), path, schemas(9)); err != nil {
			t.Fatal(err)
		}
		if got := schema(t, path); got != newSchema {
			t.Errorf("at last it is %q", got)
		}
		if got := schema(t, path+".v1"); got != oldSchema {
			t.Errorf("the copy is %q", got)
		}
		if got := list(t, path); !slices.Equal(got, []string{"x.db", "x.db.v1"}) {
			t.Errorf("there are %v", got)
		}
	}
	if seen[oldSchema] == 0 {
		t.Errorf("no kill came in time: %v, a migration takes %v", seen, whole)
	}
}

const (
	oldSchema = "1: a 5000"
	newSchema = "9: a,c2,c3,c4,c5,c6,c7,c8,c9 405000"
)

// large is schema version 1 with enough rows that a migration takes a while.
func large(t *testing.T) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{"0001.sql": {Data: []byte(
		`CREATE TABLE t (a); INSERT INTO t SELECT 1 FROM (WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n)`,
	)}}
}

// kill migrates in a process of its own, ends it some time after it has begun, and returns how long it ran from then.
func kill(t *testing.T, path string, after time.Duration) time.Duration {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMigrationKilled$")
	cmd.Env = append(os.Environ(), migrateEnv+"="+path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		if _, err := os.Stat(path + "-wal"); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // most were killed
	return time.Since(begun)
}
