package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// Values that the library has in another form than they are written in come as its own
// functions give them: texts of a database in UTF-16, whole numbers in a column of
// floats, zeroblobs that are not made yet, and those with a text beside.
func TestValueForms(t *testing.T) {
	for _, encoding := range []string{"UTF-8", "UTF-16le", "UTF-16be"} {
		t.Run(encoding, func(t *testing.T) { valueForms(t, encoding) })
	}
}

func valueForms(t *testing.T, encoding string) {
	t.Helper()
	b := newBundle(t)
	b.make("data.db", "PRAGMA encoding = '"+encoding+"'", "CREATE TABLE t(i INTEGER PRIMARY KEY, f REAL, s TEXT, n NUMERIC)",
		"INSERT INTO t VALUES (1, 5, 'äöü €𝄞', '12'), (2, 0.5, '', '1e3'), (3, -9007199254740993, 'x', 'no number'), (4, NULL, 'z', 1e300), (5, 1, NULL, 0)")
	const query = "SELECT i, f, s, n, zeroblob(i), zeroblob(70), CAST(i AS TEXT), s || i, max(s, 'a'), CAST(s AS BLOB), f + 0, i = 1 FROM t ORDER BY i"
	native, err := sql.Open("sqlite", filepath.Join(b.dir, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close()
	rows, err := native.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var want string
	for row, dest := make([]any, 12), make([]any, 12); rows.Next(); {
		for i := range dest {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		want += fmt.Sprint(row) + "\n"
	}
	if err := rows.Err(); err != nil || want == "" {
		t.Fatal(err)
	}
	g := b.guest()
	got, err := g.query(g.mustOpen("data.db"), query)
	if err != nil {
		t.Fatal(err)
	}
	var have string
	for _, row := range got {
		have += fmt.Sprint(row) + "\n"
	}
	if have != want {
		t.Errorf("%s: got\n%s\nwant\n%s", encoding, have, want)
	}
}
