package sqlite_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What would change something, or leave something for the next who uses the connection,
// is refused when it is prepared (T8).
func TestReadOnly(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)", "CREATE VIEW v AS SELECT x FROM t",
		"CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES(new.x); END",
		"CREATE VIRTUAL TABLE f USING fts5(x)", "INSERT INTO f VALUES('word')")
	b.make("other.db", "CREATE TABLE secret(x)")
	before := b.digest("data.db")
	g := b.guest()
	db := g.mustOpen("data.db")
	for _, statement := range []string{
		"INSERT INTO t VALUES(2)", "INSERT INTO v VALUES(2)", "UPDATE t SET x = 2", "DELETE FROM t", "REPLACE INTO t VALUES(1)",
		"INSERT INTO t VALUES(2) RETURNING x", "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
		"CREATE TABLE u(x)", "CREATE TEMP TABLE u(x)", "CREATE TEMPORARY VIEW u AS SELECT 1", "CREATE INDEX i ON t(x)", "DROP TABLE t", "DROP VIEW v",
		"CREATE TEMP TRIGGER u AFTER INSERT ON t BEGIN SELECT 1; END", "ALTER TABLE t RENAME TO u", "REINDEX", "ANALYZE", "VACUUM",
		"VACUUM INTO '/tmp/copy.db'", "VACUUM INTO 'copy.db'", "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT a", "RELEASE a",
		"ATTACH 'other.db' AS o", "ATTACH ':memory:' AS o", "ATTACH '' AS o", "ATTACH 'file:/etc/passwd?mode=ro' AS o", "DETACH main",
		"CREATE VIRTUAL TABLE g USING fts5(x)", "CREATE VIRTUAL TABLE temp.g USING fts5vocab(main, f, row)", "DROP TABLE f",
		"INSERT INTO f(f) VALUES('rebuild')", "INSERT INTO f(f) VALUES('integrity-check')",
		"PRAGMA journal_mode = DELETE", "PRAGMA journal_mode", "PRAGMA query_only = 0", "PRAGMA writable_schema = 1", "PRAGMA trusted_schema = 1",
		"PRAGMA cache_size = 1000000", "PRAGMA temp_store = MEMORY", "PRAGMA temp_store_directory = '/'", "PRAGMA mmap_size = 1000000",
		"PRAGMA hard_heap_limit = 1", "PRAGMA soft_heap_limit = 1", "PRAGMA case_sensitive_like = 1", "PRAGMA schema_version = 1",
		"PRAGMA threads = 8", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA wal_checkpoint", "PRAGMA optimize", "PRAGMA incremental_vacuum",
		"PRAGMA integrity_check", "PRAGMA user_version = 7", "PRAGMA data_version = 7", "PRAGMA database_list", "PRAGMA table_info(t)",
		"SELECT * FROM pragma_database_list", "SELECT * FROM pragma_table_info('t')", "SELECT * FROM pragma_journal_mode",
		"SELECT load_extension('/lib/x.so')", "SELECT load_extension('x', 'y')", "SELECT fts3_tokenizer('simple')", "SELECT fts3_tokenizer('simple', x'00')",
		"SELECT sqlite_log(1, 'x')", "SELECT readfile('/etc/passwd')", "SELECT writefile('/tmp/x', 'y')", "SELECT edit('x')", "SELECT * FROM sqlite_dbpage",
		"SELECT * FROM dbstat", "SELECT * FROM sqlite_stmt", "SELECT * FROM bytecode('SELECT 1')", "SELECT * FROM other.secret", "SELECT * FROM temp.t",
		"UPDATE sqlite_dbpage SET data = zeroblob(4096)", "DELETE FROM sqlite_schema", "UPDATE sqlite_schema SET sql = ''",
	} {
		rows, err := g.query(db, statement)
		if err == nil {
			t.Errorf("%s: gave %v, want an error", statement, rows)
		}
	}
	if rows, err := g.query(db, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM f WHERE f MATCH 'word')"); err != nil || fmt.Sprint(rows) != "[[1 1]]" {
		t.Errorf("afterwards: %v %v", rows, err)
	}
	if b.digest("data.db") != before {
		t.Error("the file has changed")
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the bundle has %v, %v", entries, err)
	}
}

func (b *bundle) digest(name string) [sha256.Size]byte {
	b.t.Helper()
	content, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return sha256.Sum256(content)
}

// No path leads out of the bundle (T8).
func TestPathsStayInside(t *testing.T) {
	outside := newBundle(t)
	b := newBundle(t)
	outside.make("out.db", "CREATE TABLE t(x)")
	b.make("in.db", "CREATE TABLE t(x)")
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(b.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(filepath.Join(outside.dir, "out.db"), "absolute.db")
	link("../"+filepath.Base(outside.dir)+"/out.db", "relative.db")
	link(outside.dir, "folder")
	link("in.db", "inside.db")
	if err := os.Mkdir(filepath.Join(b.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.make("tmp/x.db", "CREATE TABLE t(x)")
	g := b.guest()
	for _, path := range []string{
		filepath.Join(outside.dir, "out.db"), "../" + filepath.Base(outside.dir) + "/out.db", "absolute.db", "relative.db", "folder/out.db",
		"in.db/../../" + filepath.Base(outside.dir) + "/out.db", "/proc/self/exe", "/etc/passwd", "/dev/null", "/tmp/x.db", "tmp/x.db", "/./tmp//x.db",
		"file:in.db", "file:in.db?mode=rwc", "file:///in.db", "in.db?mode=rw&immutable=0", "in.db?vfs=unix", ":memory:", "", "/", ".", "in.db\x00.txt",
		"nothing.db", strings.Repeat("x", 5000), "\xff\xfe", "in.db-journal", "in.db-wal",
	} {
		if db, err := g.open(path); err == nil {
			t.Errorf("%q: opened as %d", path, db)
		}
	}
	for _, path := range []string{"in.db", "inside.db", "/in.db", "//in.db", "a/b/../../in.db"} {
		db, err := g.open(path)
		if err != nil {
			t.Errorf("%q: %v", path, err)
			continue
		}
		g.call("close", uint64(db))
	}
}

// A connection that others have used before says nothing of them (T8).
func TestNothingCrosses(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)")
	first := b.guest()
	db := first.mustOpen("data.db")
	stmt, _, err := first.prepare(db, "SELECT ?, changes(), total_changes(), last_insert_rowid(), x FROM t")
	if err != nil {
		t.Fatal(err)
	}
	values := encode("a secret")
	first.module.Memory().Write(valuesAt, values)
	if code := first.call("bind", uint64(stmt), valuesAt, uint64(len(values))); code != 0 {
		t.Fatal(first.failure(code))
	}
	if code := first.call("step", uint64(stmt), bufferAt, 10, outAt); code != 18 { // it stays in its middle
		t.Fatalf("step: %d", code)
	}
	first.session.Close()

	second := b.guest()
	if err := second.failure(0); err.Error() != " (0)" {
		t.Errorf("it is told of an error: %v", err)
	}
	if code := second.call("step", uint64(stmt), bufferAt, 1000, outAt); code != 21 {
		t.Errorf("another's statement: %d", code)
	}
	db = second.mustOpen("data.db")
	rows, err := second.query(db, "SELECT ?, changes(), total_changes(), last_insert_rowid(), x FROM t")
	if err != nil || fmt.Sprint(rows) != "[[<nil> 0 0 0 1]]" {
		t.Errorf("got %v, %v", rows, err)
	}
}

// A database that calls functions from its schema cannot call those that do more than to
// work something out (T8).
func TestSchemaIsNotTrusted(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x, y AS (upper(x)))", "INSERT INTO t VALUES('a')",
		"CREATE VIEW extension AS SELECT load_extension('x.so')", "CREATE VIEW tokenizer AS SELECT fts3_tokenizer('simple')",
		"CREATE VIEW pages AS SELECT * FROM sqlite_dbpage", "CREATE VIEW good AS SELECT y FROM t")
	g := b.guest()
	db := g.mustOpen("data.db")
	for _, view := range []string{"extension", "tokenizer", "pages"} {
		if rows, err := g.query(db, "SELECT * FROM "+view); err == nil {
			t.Errorf("%s gave %v", view, rows)
		}
	}
	if rows, err := g.query(db, "SELECT * FROM good"); err != nil || fmt.Sprint(rows) != "[[A]]" {
		t.Errorf("good gave %v, %v", rows, err)
	}
}

// LIKE and GLOB, which are guarded, use an index as they do without.
func TestGuardsKeepThePlan(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x TEXT COLLATE NOCASE, y TEXT)", "CREATE INDEX ix ON t(x)", "CREATE INDEX iy ON t(y)",
		"INSERT INTO t VALUES('Anna','Anna'),('bert','bert'),('ANTON','ANTON')")
	g := b.guest()
	db := g.mustOpen("data.db")
	for query, index := range map[string]string{"SELECT x FROM t WHERE x LIKE 'an%'": "ix", "SELECT y FROM t WHERE y GLOB 'An*'": "iy"} {
		rows, err := g.query(db, "EXPLAIN QUERY PLAN "+query)
		if err != nil || !strings.Contains(fmt.Sprint(rows), "SEARCH t USING COVERING INDEX "+index) {
			t.Errorf("%s: %v, %v", query, rows, err)
		}
	}
	rows, err := g.query(db, "SELECT x FROM t WHERE x LIKE 'AN%' ORDER BY x")
	if err != nil || fmt.Sprint(rows) != "[[Anna] [ANTON]]" {
		t.Errorf("got %v, %v", rows, err)
	}
}

// A guest whose fuel is over does not go on to query.
func TestFuelEndsAQuery(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)")
	g := b.guest()
	db := g.mustOpen("data.db")
	g.meter.most = g.meter.used + 10_000_000
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	g.ctx = ctx
	_, err := g.query(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("it ended with %v, %v", err, ctx.Err())
	}
	if g.meter.used < g.meter.most || g.meter.used > g.meter.most+1_000_000 {
		t.Errorf("it used %d of %d", g.meter.used, g.meter.most)
	}
}

// A guest that is ended by its account in the middle of a call leaves nothing open, and
// closing what it had asks nothing of the account.
func TestFuelEndsAGuest(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)")
	for _, most := range []int64{1, 1_000, 1_500_000, 1_600_000, 2_000_000, 3_000_000, 30_000_000} {
		g := b.guest()
		g.meter.most, g.meter.ends = most, true
		func() {
			defer func() {
				ended := recover()
				if err, _ := ended.(error); ended != nil && !errors.Is(err, errEnded) {
					panic(ended)
				}
			}()
			for range 1000 {
				db := g.mustOpen("data.db")
				if _, _, err := g.prepare(db, "SELECT x FROM t"); err != nil {
					t.Fatal(err)
				}
				if _, err := g.query(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT count(*) FROM n"); err != nil {
					break
				}
				g.call("close", uint64(db))
			}
		}()
		g.session.Reset()
		g.session.Close()
	}
}
