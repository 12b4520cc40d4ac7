package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

func (b *bundle) check(name string) sqlite.Database {
	b.t.Helper()
	d, err := sqlite.Check(b.t.Context(), fs.ReadOnly(b.root, fs.Shared{}), name, time.Minute)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return d
}

// edit changes a file.
func (b *bundle) edit(name string, change func([]byte) []byte) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	content, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(content), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestCheck(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "PRAGMA page_size = 1024", "CREATE TABLE t(x)", "INSERT INTO t VALUES(1),(2)", `CREATE TABLE "a ""b"" c"(x)`,
		"CREATE VIRTUAL TABLE f USING fts5(x)", "INSERT INTO f VALUES('word')", "CREATE VIEW v AS SELECT 1", "CREATE VIRTUAL TABLE r USING rtree(i, a, b)")
	d := b.check("data.db")
	if got := fmt.Sprint(d.Tables); d.Fault != "" || d.PageSize != 1024 || d.Bytes == 0 || got != `[{a "b" c 0} {f 1} {r 0} {t 2}]` {
		t.Errorf("got %+v", d)
	}
}

// What cannot be used is refused with what mends it (T8).
func TestCheckRefuses(t *testing.T) {
	b := newBundle(t)
	fill := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, 'row ' || i FROM n"
	for name, c := range map[string]struct {
		change func(content []byte) []byte
		fault  string
	}{
		"good.db":   {func(c []byte) []byte { return c }, ""},
		"head.db":   {func(c []byte) []byte { return c[:60] }, "ends within its header"},
		"cut.db":    {func(c []byte) []byte { return c[:len(c)/2] }, "damaged"},
		"page.db":   {func(c []byte) []byte { clear(c[8192:12288]); return c }, "damaged"},
		"cells.db":  {func(c []byte) []byte { copy(c[4096:], strings.Repeat("\xff", 64)); return c }, "damaged"},
		"schema.db": {func(c []byte) []byte { return []byte(strings.Replace(string(c), "CREATE TABLE", "CREATE TABEL", 1)) }, "damaged"},
		"size.db":   {func(c []byte) []byte { c[16], c[17] = 0, 7; return c }, "damaged"},
		"fts.db":    {nil, "damaged"},
	} {
		b.make(name, "CREATE TABLE t(x INTEGER PRIMARY KEY, y)", fill, "CREATE INDEX i ON t(y)", "CREATE VIRTUAL TABLE f USING fts5(y)", "INSERT INTO f SELECT y FROM t")
		if c.change != nil {
			b.edit(name, c.change)
		} else {
			b.make(name, "UPDATE f_data SET block = zeroblob(length(block)) WHERE id > 10")
		}
		d := b.check(name)
		if (d.Fault == "") != (c.fault == "") || !strings.Contains(d.Fault, c.fault) {
			t.Errorf("%s: %q, want %q", name, d.Fault, c.fault)
		}
		if c.fault == "damaged" && !strings.Contains(d.Fault, ".recover") {
			t.Errorf("%s: %q names no mend", name, d.Fault)
		}
	}
}

// A database in WAL mode is opened where nothing is left in its log, and is refused where
// something is, with the command that mends it; so is one with a hot journal.
func TestCheckJournals(t *testing.T) {
	b := newBundle(t)
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "wal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{"PRAGMA journal_mode = WAL", "CREATE TABLE t(x)", "INSERT INTO t VALUES(1)"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if d := b.check("wal.db"); !strings.Contains(d.Fault, "sqlite3 wal.db 'PRAGMA journal_mode = DELETE'") {
		t.Errorf("with a log: %+v", d)
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if d := b.check("wal.db"); d.Fault != "" || fmt.Sprint(d.Tables) != "[{t 1}]" {
		t.Errorf("with an empty log: %+v", d)
	}
	g := b.guest()
	handle := g.mustOpen("wal.db")
	if rows, err := g.query(handle, "SELECT x FROM t"); err != nil || fmt.Sprint(rows) != "[[1]]" {
		t.Errorf("got %v, %v", rows, err)
	}

	b.make("hot.db", "CREATE TABLE t(x)")
	hot := func(content string) {
		if err := os.WriteFile(filepath.Join(b.dir, "hot.db-journal"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hot("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and so on")
	if d := b.check("hot.db"); !strings.Contains(d.Fault, "not finished") {
		t.Errorf("with a hot journal: %+v", d)
	}
	hot(strings.Repeat("\x00", 512)) // as journal_mode=PERSIST leaves it
	if d := b.check("hot.db"); d.Fault != "" {
		t.Errorf("with a journal that is over: %+v", d)
	}
}

func TestCheckEnds(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO t SELECT randomblob(50) FROM n")
	dir := fs.ReadOnly(b.root, fs.Shared{})
	d, err := sqlite.Check(t.Context(), dir, "data.db", 0)
	if err != nil || fmt.Sprint(d.Tables) != "[{t -1}]" {
		t.Errorf("without time to count: %+v, %v", d, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if d, err := sqlite.Check(ctx, dir, "data.db", 0); err == nil {
		t.Errorf("without time to check: %+v", d)
	}
}

func TestSchemaIsBounded(t *testing.T) {
	b := newBundle(t)
	statements := []string{"CREATE TABLE t(x)"}
	for i := range 6 {
		statements = append(statements, fmt.Sprintf("CREATE VIEW v%d AS SELECT '%s'", i, strings.Repeat("x", 200<<10)))
	}
	b.make("data.db", statements...)
	if d := b.check("data.db"); !strings.Contains(d.Fault, "the schema has 7 tables") {
		t.Errorf("got %+v", d)
	}
}
