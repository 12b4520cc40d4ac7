//go:build !wasip1

package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite"
)

// made makes a database in a folder that becomes the working directory.
func made(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db")+"?vfs=unix")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	return dir
}

// opened opens a database as a Micro does.
func opened(t *testing.T, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func list(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// Natively a Micro's root is the working directory, whatever the path says.
func TestNativePath(t *testing.T) {
	dir := made(t, "create table t(a); insert into t values (1), (2)")
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/data.db", "data.db", "file:/data.db?mode=ro", "file:data.db?immutable=1", "/sub/../data.db", "/../../data.db"} {
		var n int
		if err := opened(t, name).QueryRow("select count(*) from t").Scan(&n); err != nil || n != 2 {
			t.Errorf("%s: %d rows, %v", name, n, err)
		}
	}
	for _, name := range []string{"/none.db", filepath.Join(dir, "data.db"), "file:/none.db?mode=rwc"} {
		var e *sqlite.Error
		if err := opened(t, name).Ping(); !errors.As(err, &e) || e.Code() != 14 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := list(t, dir); got != "data.db sub" {
		t.Errorf("there are %s", got)
	}
}

// Nothing is written, by whatever way, nor beside a database that is in WAL mode.
func TestNativeReadsOnly(t *testing.T) {
	dir := made(t, "pragma journal_mode=wal; create table t(a); insert into t values (1)")
	before, err := os.ReadFile("data.db")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/data.db", "file:/data.db?mode=rwc", "file:/data.db?immutable=0"} {
		db := opened(t, name)
		for _, text := range []string{"insert into t values (2)", "create table u(a)", "delete from t", "pragma user_version = 7", "vacuum", "drop table t"} {
			var e *sqlite.Error
			if _, err := db.Exec(text); !errors.As(err, &e) || e.Code() != 8 {
				t.Errorf("%s: %s: %v", name, text, err)
			}
		}
		var n int
		if err := db.QueryRow("select count(*) from (select * from t order by random())").Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	after, err := os.ReadFile("data.db")
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed, %v", err)
	}
	if got := list(t, dir); got != "data.db" {
		t.Errorf("there are %s", got)
	}
}

// A blob is read from any place in it, natively as in a Micro.
func TestNativeBlob(t *testing.T) {
	made(t, `create table "a ""t"(id integer primary key, "b c", i);
		insert into "a ""t" values (7, cast('0123456789' as blob), 5), (8, 'täxt', null), (9, zeroblob(3000000), 1)`)
	blobs(t, opened(t, "/data.db"))
}

// blobs holds what is promised of blobs.
func blobs(t *testing.T, db *sql.DB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, c := range []struct {
		row  int64
		want []byte
	}{{7, []byte("0123456789")}, {8, []byte("täxt")}, {9, make([]byte, 3000000)}} {
		b, err := sqlite.OpenBlob(ctx, conn, `a "t`, "b c", c.row)
		if err != nil {
			t.Fatal(err)
		}
		if b.Size() != int64(len(c.want)) {
			t.Errorf("row %d has %d bytes", c.row, b.Size())
		}
		if c.row != 9 { // whose bytes are read one by one
			err = iotest.TestReader(b, c.want)
		}
		if err != nil {
			t.Errorf("row %d: %v", c.row, err)
		}
		if _, err := b.Seek(0, io.SeekStart); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("row %d: %d bytes, %v", c.row, len(got), err)
		}
		if _, err := b.Seek(-1, io.SeekStart); err == nil {
			t.Error("it seeks before the beginning")
		}
		if err := errors.Join(b.Close(), b.Close()); err != nil {
			t.Error(err)
		}
		if _, err := b.Read(make([]byte, 1)); err == nil {
			t.Error("it reads what is closed")
		}
	}
	for _, c := range []struct {
		column string
		row    int64
		want   string
	}{{"b c", 70, "no such rowid"}, {"i", 7, "cannot open value of type integer"}, {"i", 8, "cannot open value of type null"}, {"nope", 7, "no such column"}} {
		if _, err := sqlite.OpenBlob(ctx, conn, `a "t`, c.column, c.row); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	b, err := sqlite.OpenBlob(ctx, conn, `a "t`, "b c", 7)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context: %v", err)
	}
}
