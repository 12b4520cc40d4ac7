package sqlite_test

import (
	"fmt"
	"testing"
)

func TestQuery(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c BLOB, d REAL)",
		"INSERT INTO t VALUES(1,'eins',x'00ff',1.5),(2,NULL,NULL,-0.0),(3,'drei','text',1e300)")
	g := b.guest()
	for _, path := range []string{"/data.db", "data.db", "./data.db", "/x/../data.db", "../../data.db"} {
		db := g.mustOpen(path)
		rows, err := g.query(db, "SELECT a, b, c, d FROM t WHERE a >= ? ORDER BY a", 1)
		if err != nil {
			t.Fatal(err)
		}
		want := "[[1 eins [0 255] 1.5] [2 <nil> <nil> 0] [3 drei text 1e+300]]"
		if got := fmt.Sprint(rows); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
		if code := g.call("close", uint64(db)); code != 0 {
			t.Errorf("close: %d", code)
		}
	}
	if g.meter.used == 0 {
		t.Error("it used no fuel")
	}
}
