//go:build !wasip1

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

// connector is the driver over a host, for sql.OpenDB.
type connector struct {
	engine
	name string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Open(c.name) }
func (c connector) Driver() driver.Driver                        { return c.engine }

// over opens /data.db, which a script makes, through the driver over SQLite's library.
func over(t *testing.T, script string) (*sql.DB, *library) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db")+"?vfs=unix")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLibrary(t)
	db = sql.OpenDB(connector{engine{l}, "/data.db"})
	t.Cleanup(func() {
		if err := db.Close(); err != nil || len(l.handles) > 0 {
			t.Errorf("%d handles are left open: %v", len(l.handles), err)
		}
	})
	return db, l
}

// The driver gives for all queries what modernc.org/sqlite gives.
func TestSameAsNatively(t *testing.T) {
	ours, l := over(t, sqlitetest.Schema)
	native, err := sql.Open("sqlite", "/data.db")
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close()
	cases, err := sqlitetest.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time with statements that are there already
		for _, c := range cases {
			query := []sqlitetest.Query{c.Query}
			got, want := sqlitetest.Ask(t.Context(), ours, query)[0], sqlitetest.Ask(t.Context(), native, query)[0]
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s\ngot  %.1000s\nwant %.1000s", c.Name, c.Query.SQL, fmt.Sprint(got), fmt.Sprint(want))
			}
		}
	}
	if !slices.Contains(l.calls, "column") {
		t.Error("no value was read that was not sent")
	}
}
