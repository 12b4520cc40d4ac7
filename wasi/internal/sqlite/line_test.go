package sqlite_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// many is a list of the same expression.
func many(n int, expression string) string {
	return strings.TrimSuffix(strings.Repeat(expression+",", n), ",")
}

// A row that takes minutes to make, in a line of operations or calls without a jump back,
// ends within a tenth of a second of the deadline too; its statement and its connection
// can be used afterwards (T8).
func TestLinesAreHalted(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i FROM n")
	long := strings.Repeat("0", 2_000_000)
	array := "[" + strings.Repeat("1,", 300_000) + "1]"
	const from = " FROM (SELECT ?1 AS b, ?2 AS c)"
	const deadline, late = 300 * time.Millisecond, 100 * time.Millisecond
	for _, query := range []string{
		"SELECT " + many(990, "b+b+b+b+b+b+b+b+b+b+(c IS NULL)") + from,
		"SELECT " + many(990, "max(b,c)+max(b,c)+max(b,c)+max(b,c)") + from,
		"SELECT " + many(990, "sign(b)+floor(b)+(NOT c)+cast(b AS INT)+(c IS NULL)") + from,
		"SELECT " + many(990, "length(b)+length(c)+instr(b,'x')+instr(c,'x')") + from,
		"SELECT " + many(990, "json_array_length(b)+json_array_length(c)+json_valid(b)+json_valid(c)") + from,
		"SELECT count(*)" + from + ", t x, t y WHERE instr(b, 'x' || x.x) + instr(c, 'y' || y.x) > 0",
		"SELECT sum(b + x.x + c)" + from + ", t x, t y",
	} {
		g := b.guest()
		db := g.mustOpen("data.db")
		stmt, columns, err := g.prepare(db, query)
		if err != nil {
			t.Fatal(err)
		}
		values := encode(long, long+"1")
		if strings.Contains(query, "json") {
			values = encode(array, array)
		}
		took := time.Hour
		for range 3 { // a busy machine may be late itself
			took = min(took, g.halted(stmt, columns, values, deadline))
		}
		if took > deadline+late {
			t.Errorf("%.60s: took %v", query, took)
		}
		if code := g.call("bind", uint64(stmt), valuesAt, 0); code != 0 {
			t.Errorf("%.60s: bind afterwards: %v", query, g.failure(code))
		}
		if _, err := g.rows(stmt, columns, 64<<10); err != nil {
			t.Errorf("%.60s: afterwards: %v", query, err)
		}
		if rows, err := g.query(db, "SELECT count(*) FROM t"); err != nil || fmt.Sprint(rows) != "[[1000]]" {
			t.Errorf("%.60s: afterwards: %v, %v", query, rows, err)
		}
		g.session.Close()
	}
}

// halted runs a statement into a deadline, and returns how long that took.
func (g *guest) halted(stmt, columns uint32, values []byte, deadline time.Duration) time.Duration {
	g.t.Helper()
	g.module.Memory().Write(valuesAt, values)
	if code := g.call("bind", uint64(stmt), valuesAt, uint64(len(values))); code != 0 {
		g.t.Fatal(g.failure(code))
	}
	was := g.ctx
	ctx, cancel := context.WithTimeout(was, deadline)
	defer cancel()
	g.ctx = ctx
	defer func() { g.ctx = was }()
	began := time.Now()
	// Of a machine that is quick it takes all memory before.
	if rows, err := g.rows(stmt, columns, 64<<10); err == nil || !strings.Contains(err.Error(), "interrupted") && !strings.Contains(err.Error(), "out of memory") {
		g.t.Errorf("%d rows, %v", len(rows), err)
	}
	return time.Since(began)
}

// What one call does is bounded, where it does not look at the deadline.
func TestCallsAreBounded(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE VIRTUAL TABLE f USING fts5(x)", "INSERT INTO f SELECT replace(hex(zeroblob(10000)), '0', 'a ')")
	polygon := "(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) " +
		"SELECT '[' || group_concat('[' || (i % 2 * 1000) || ',' || i || ']') || ',[0,0]]' FROM n)"
	g := b.guest()
	db := g.mustOpen("data.db")
	for query, want := range map[string]string{
		"SELECT json_extract('[' || replace(hex(zeroblob(1300000)), '0', '1,') || '1]'" + strings.Repeat(",'$[2000000]'", 99) + ")": "too long",
		"SELECT json_remove('[' || replace(hex(zeroblob(1300000)), '0', '1,') || '1]'" + strings.Repeat(",'$[2000000]'", 99) + ")":  "too long",
		"SELECT geopoly_overlap(p, p) FROM (SELECT " + polygon + " AS p)":                                                           "too long",
		"SELECT geopoly_within(p, p) FROM (SELECT " + polygon + " AS p)":                                                            "too long",
		"SELECT bm25(f) FROM f WHERE f MATCH '" + strings.Repeat("a ", 65) + "'":                                                    "may have 64 words",
		"SELECT highlight(f, 0, '', '') FROM f WHERE f MATCH '" + strings.Repeat("a ", 65) + "'":                                    "may have 64 words",
	} {
		if rows, err := g.query(db, query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %d rows, %v", query, len(rows), err)
		}
	}
	rows, err := g.query(db, "SELECT json_extract('[1,2]', '$[0]', '$[1]'), json_set('{}', '$.a', json('[1]')), length(1.5), substr(123, 2), abs(-2), typeof(round(2))")
	if err != nil || fmt.Sprint(rows) != `[[[1,2] {"a":[1]} 3 23 2 real]]` {
		t.Errorf("got %v, %v", rows, err)
	}
}

// A query is charged where its rows find no room, and what it reads is, too.
func TestFuelIsNotLost(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)", "CREATE TABLE large(x)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i FROM n",
		"INSERT INTO large SELECT randomblob(3000) FROM t a, t b LIMIT 3000")
	g := b.guest()
	db := g.mustOpen("data.db")
	used := func(query string, room uint64) int64 {
		stmt, _, err := g.prepare(db, query)
		if err != nil {
			t.Fatal(err)
		}
		defer g.call("finalize", uint64(stmt))
		before := g.meter.used
		g.call("step", uint64(stmt), bufferAt, room, outAt)
		return g.meter.used - before
	}
	const query = "SELECT count(*) FROM t a, t b WHERE a.x < b.x"
	if with, without := used(query, 100), used(query, 0); without < with/2 {
		t.Errorf("%d fuel with room for a row, %d without", with, without)
	}
	if got := used("SELECT count(*) FROM large", 100); got < 3000*3000/5 {
		t.Errorf("%d fuel to read 9 MB", got)
	}
	before := g.meter.used
	g.mustOpen("data.db")
	if g.meter.used == before {
		t.Error("it costs nothing to open a connection")
	}
}

// Opening a database ends with the request, and leaves nothing half open.
func TestOpeningEnds(t *testing.T) {
	b := newBundle(t)
	statements := []string{"CREATE VIRTUAL TABLE f USING fts5(x)"}
	for i := range 1500 {
		statements = append(statements, fmt.Sprintf("CREATE TABLE t%d(%s UNIQUE)", i, fmt.Sprint("a UNIQUE, b", i)))
	}
	b.make("data.db", "BEGIN;"+strings.Join(statements, ";")+";COMMIT")
	g := b.guest()
	for wait := time.Duration(0); wait < 12*time.Millisecond; wait += 500 * time.Microsecond {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		g.ctx = ctx
		began := time.Now()
		_, err := g.open("data.db")
		if took := time.Since(began); took > wait+100*time.Millisecond {
			t.Errorf("it took %v of %v", took, wait)
		}
		cancel()
		g.ctx = t.Context()
		if err != nil && !strings.Contains(err.Error(), "interrupted") {
			t.Error(err)
		}
		db := g.mustOpen("data.db")
		if _, err := g.query(db, "SELECT count(*) FROM f WHERE f MATCH 'x'"); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		g.session.Reset()
	}
}

// The names of columns take as much memory as is bounded, and not a thousand times the
// name of a table.
func TestNamesAreBounded(t *testing.T) {
	b := newBundle(t)
	long := strings.Repeat("n", 30_000)
	b.make("data.db", `CREATE TABLE "`+long+`"(x)`, `CREATE VIEW v AS SELECT x FROM "`+long+`"`)
	g := b.guest()
	stmt, _, err := g.prepare(g.mustOpen("data.db"), "SELECT "+many(900, "x")+" FROM v")
	if err != nil {
		t.Fatal(err)
	}
	if code := g.call("columns", uint64(stmt), bufferAt, 100, outAt); code != 18 {
		t.Errorf("code %d, %d bytes of names", code, g.out(0))
	}
}

// What is listed of a hostile schema has a bound (T8).
func TestListedNamesAreBounded(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", `CREATE TABLE "`+strings.Repeat("é", 100_000)+`"(x)`)
	d, err := sqlite.Check(t.Context(), fs.ReadOnly(b.root, fs.Shared{}), "data.db", time.Minute)
	if err != nil || d.Fault != "" || len(d.Tables) != 1 || len(d.Tables[0].Name) > 300 || !strings.HasSuffix(d.Tables[0].Name, "…") {
		t.Errorf("%d tables, %q, %v", len(d.Tables), d.Fault, err)
	}
}
