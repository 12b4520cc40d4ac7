package main_test

import (
	"database/sql"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownSQLite returns the module of testdata/ownsqlite, which has a SQLite of its own: that
// is taken from a package of Go's proxy, and compiled by clang.
func ownSQLite(t *testing.T) string {
	t.Helper()
	return artefact(t, func() (string, error) {
		path, err := buildPath("ownsqlite.wasm", "testdata/ownsqlite")
		if err != nil || os.Getenv(builtEnv) != "" {
			return path, err
		}
		return path, tool(nil, "sh", "testdata/ownsqlite/build.sh", path)
	})
}

// makeShop makes a database of many pages, with an index and a full-text table, and opens
// it natively.
func makeShop(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?vfs=unix")
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, statement := range []string{
		"CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER)",
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		 INSERT INTO items SELECT i, 'item number ' || i, i / 7.0, i % 100 FROM n`,
		"CREATE INDEX by_stock ON items(stock)",
		"CREATE TABLE odd(a, b COLLATE NOCASE)",
		`INSERT INTO odd VALUES (NULL, 'ä'), (x'00ff', ''), (1e300, 'A' || char(10) || 'b'), (-9223372036854775808, zeroblob(3)), ('x', replace(hex(zeroblob(40000)), '00', 'long '))`,
		"CREATE VIRTUAL TABLE words USING fts5(text)",
		"INSERT INTO words SELECT 'the ' || name || ' of the shop' FROM items WHERE id % 50 = 0",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	return db
}

// nativeRows are the rows of a query as testdata/ownsqlite writes them.
func nativeRows(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	row, dest := make([]any, len(columns)), make([]any, len(columns))
	for i := range dest {
		dest[i] = &row[i]
	}
	var b strings.Builder
	for rows.Next() {
		must(t, rows.Scan(dest...))
		values := make([]string, len(row))
		for i, v := range row {
			values[i] = cell(v)
		}
		fmt.Fprintln(&b, strings.Join(values, "\t"))
	}
	must(t, rows.Err())
	return b.String()
}

func cell(v any) string {
	switch v := v.(type) {
	case int64:
		return fmt.Sprint("int:", v)
	case float64:
		return fmt.Sprintf("float:%016x", math.Float64bits(v))
	case string:
		return fmt.Sprintf("text:%x", v)
	case []byte:
		return fmt.Sprintf("blob:%x", v)
	}
	return "null:"
}

// A guest that has compiled SQLite into itself reads the database in its bundle by the
// file system, from a snapshot in which it is open, and gets the rows that it gives
// natively. What would write gets errors from SQLite, and from the file system.
func TestE2EOwnSQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	db := makeShop(t, file)
	before := string(read(t, file))
	s := serve(t)
	app := s.pushed("own", "application/zip", zipped(t, map[string]string{"main.wasm": string(read(t, ownSQLite(t))), "data.db": before}))
	if m := app.Micros[0]; m.Contract != "handler" || !m.Snapshot.Taken {
		t.Errorf("got %+v, snapshot %+v", m, m.Snapshot)
	}
	ask := func(query string) string {
		a := s.do(s.request(http.MethodPost, "own", "/", strings.NewReader(query)))
		a.is(t, http.StatusOK, "")
		return a.body
	}
	for _, query := range []string{
		"SELECT * FROM items WHERE id = 12345",
		"SELECT id, name, price, stock FROM items LIMIT 10000",
		"SELECT stock, count(*), sum(price), max(name) FROM items GROUP BY stock ORDER BY 3 DESC",
		"SELECT a.name, b.name FROM items a JOIN items b ON b.stock = a.stock AND b.id > a.id WHERE a.id BETWEEN 100 AND 110 ORDER BY a.id, b.id LIMIT 50",
		"SELECT a, typeof(a), b, length(b) FROM odd ORDER BY rowid",
		"SELECT rowid, highlight(words, 0, '<', '>') FROM words WHERE words MATCH 'number AND 5000'",
		"SELECT value ->> 'b' FROM json_each('[{\"b\": 1}, {\"b\": \"x\"}]')",
		"SELECT name, row_number() OVER (PARTITION BY stock ORDER BY price DESC) FROM items WHERE id < 500 ORDER BY id",
		"WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 1000) SELECT a FROM f",
		"SELECT DISTINCT substr(name, -3) AS s FROM items ORDER BY s", // which sorts in memory
	} {
		if got, want := ask(query), nativeRows(t, db, query); got != want || want == "" {
			t.Errorf("%s\ngot  %.300q\nwant %.300q", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"INSERT INTO items VALUES (0, 'x', 0, 0)":  "error:8 attempt to write a readonly database\n",
		"UPDATE items SET name = '' WHERE id = 1":  "error:8 attempt to write a readonly database\n",
		"DROP TABLE items":                         "error:8 attempt to write a readonly database\n",
		"CREATE TABLE x(a)":                        "error:8 attempt to write a readonly database\n",
		"VACUUM INTO '/copy.db'":                   "error:14 unable to open database: /copy.db\n",
		"SELECT * FROM none":                       "error:1 no such table: none\n",
		"SELECT count(*) FROM items WHERE id = 'x": "error:1 unrecognized token: \"'x\"\n",
	} {
		if got := ask(query); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	a := s.get("own", "/write")
	a.is(t, http.StatusOK, "")
	const refused = "Read-only file system"
	if want := lines("open: %[1]s\ncreate: %[1]s\nunlink: %[1]s\nwrite: %[1]s", refused); a.body != want {
		t.Errorf("writing gives %q, want %q", a.body, want)
	}
	if got := ask("SELECT count(*) FROM items"); got != "int:20000\n" {
		t.Errorf("after that there are %q", got)
	}
}
