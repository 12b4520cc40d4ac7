package sqlitetest_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

// All queries run natively, by modernc.org/sqlite, and fail where it is said.
func TestQueriesNatively(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	if err := sqlitetest.Make(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cases, err := sqlitetest.Cases()
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, c := range cases {
		answer := sqlitetest.Ask(t.Context(), db, []sqlitetest.Query{c.Query})[0]
		if (answer.Error != "") != c.Fails {
			t.Errorf("%s: %s: %s", c.Name, c.Query.SQL, answer.Error)
		}
		rows += len(answer.Rows)
	}
	if len(cases) < 200 || rows < 5*len(cases) {
		t.Errorf("there are %d queries, with %d rows", len(cases), rows)
	}
}
