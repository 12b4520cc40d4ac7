package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// BenchmarkRows compares our way to the library's with that of its driver: looking a row up,
// and reading 10,000.
func BenchmarkRows(b *testing.B) {
	bundle := newBundle(b)
	bundle.make("data.db", "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO t SELECT i, 'item number ' || i, i / 7.0, i % 100 FROM n")
	const point, scan = "SELECT name, price, stock FROM t WHERE id = ?", "SELECT id, name, price, stock FROM t LIMIT 10000"
	db, err := sql.Open("sqlite", filepath.Join(bundle.dir, "data.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	lookup, err := db.Prepare(point)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("point/driver", func(b *testing.B) {
		for i := range b.N {
			var name string
			var price float64
			var stock int
			if err := lookup.QueryRow(i%100000+1).Scan(&name, &price, &stock); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scan/driver", func(b *testing.B) {
		for b.Loop() {
			rows, err := db.Query(scan)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for rows.Next() {
				var id, stock int
				var name string
				var price float64
				if err := rows.Scan(&id, &name, &price, &stock); err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 10000 {
				b.Fatal(n)
			}
		}
	})
	g := bundle.guest()
	handle := g.mustOpen("data.db")
	stmt, _, err := g.prepare(handle, point)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("point/host", func(b *testing.B) {
		for i := range b.N {
			values := encode(i%100000 + 1)
			g.module.Memory().Write(valuesAt, values)
			if g.call("bind", uint64(stmt), valuesAt, uint64(len(values))) != 0 || g.call("step", uint64(stmt), bufferAt, 16<<10, outAt) != 101 {
				b.Fatal("it failed")
			}
		}
	})
	all, _, err := g.prepare(handle, scan)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("scan/host", func(b *testing.B) {
		for b.Loop() {
			n := uint32(0)
			for code := int32(100); code == 100; n += g.out(0) {
				if code = g.call("step", uint64(all), bufferAt, 64<<10, outAt); code > 101 || code < 100 {
					b.Fatal(g.failure(code))
				}
			}
			if n != 10000 {
				b.Fatal(n)
			}
			g.session.Forget()
		}
	})
}
