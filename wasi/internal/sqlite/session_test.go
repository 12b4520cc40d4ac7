package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// Values of every type and length come through batches of every size.
func TestBatches(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(i INTEGER PRIMARY KEY, s, b BLOB, f REAL)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, substr(hex(zeroblob(400)), 1, i), zeroblob(i % 50), i / 3.0 FROM n")
	g := b.guest()
	db := g.mustOpen("data.db")
	const query = "SELECT i, s, b, f, NULL, -i FROM t ORDER BY i"
	want, err := g.query(db, query)
	if err != nil || len(want) != 300 {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	if r := want[299]; r[1] != strings.Repeat("0", 300) || len(r[2].([]byte)) != 0 || r[3] != 100.0 || r[5] != -300 {
		t.Errorf("the last row is %v", r)
	}
	for _, capacity := range []uint32{400, 401, 500, 1000, 4096, 100_000} {
		stmt, columns, err := g.prepare(db, query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.rows(stmt, columns, capacity)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("in batches of %d bytes: %d rows, %v", capacity, len(got), err)
		}
		g.call("finalize", uint64(stmt))
	}
}

// A row that has no room is written without its longer values, which are read in parts.
func TestValuesNotSent(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(i INTEGER PRIMARY KEY, s, b)", "INSERT INTO t VALUES(1, 'short', x'01'), (2, replace(hex(zeroblob(5000)), '0', 'x'), zeroblob(3000)), (3, 'end', x'')")
	g := b.guest()
	db := g.mustOpen("data.db")
	stmt, _, err := g.prepare(db, "SELECT i, s, b FROM t")
	if err != nil {
		t.Fatal(err)
	}
	step := func() (int32, []any) {
		code := g.call("step", uint64(stmt), bufferAt, 100, outAt)
		n, size := g.out(0), g.out(1)
		raw, _ := g.module.Memory().Read(bufferAt, size)
		var values []any
		for range 3 * n {
			var v any
			v, raw = decode(t, raw)
			values = append(values, v)
		}
		return code, values
	}
	if code := g.call("column", uint64(stmt), 1, 0, bufferAt, 10, outAt); code != 21 {
		t.Errorf("column before a row: %d", code)
	}
	if code, row := step(); code != 100 || fmt.Sprint(row) != "[1 short [1]]" {
		t.Errorf("first %d %v", code, row)
	}
	if code, row := step(); code != 100 || fmt.Sprint(row) != "[2 10000 3000]" {
		t.Errorf("second %d %v", code, row)
	}
	var text []byte
	for len(text) < 10000 {
		if code := g.call("column", uint64(stmt), 1, uint64(len(text)), bufferAt, 999, outAt); code != 0 {
			t.Fatalf("column: %v", g.failure(code))
		}
		part, _ := g.module.Memory().Read(bufferAt, g.out(0))
		text = append(text, part...)
	}
	if !bytes.Equal(text, bytes.Repeat([]byte("x"), 10000)) {
		t.Error("the text is another")
	}
	if code := g.call("column", uint64(stmt), 2, 3000, bufferAt, 999, outAt); code != 0 || g.out(0) != 0 {
		t.Errorf("at the end: %d, %d bytes", code, g.out(0))
	}
	if code := g.call("column", uint64(stmt), 2, 3001, bufferAt, 1, outAt); code != 21 {
		t.Errorf("beyond the end: %d", code)
	}
	if code := g.call("column", uint64(stmt), 3, 0, bufferAt, 1, outAt); code != 25 {
		t.Errorf("of no column: %d", code)
	}
	if code, row := step(); code != 101 || fmt.Sprint(row) != "[3 end []]" {
		t.Errorf("third %d %v", code, row)
	}
	if code := g.call("step", uint64(stmt), bufferAt, 5, outAt); code != 18 || !strings.Contains(g.failure(code).Error(), "needs") {
		t.Errorf("without room: %v", g.failure(code))
	}
}

// A value that is longer than the limit is read from its blob, and the other columns of its
// row are read as ever.
func TestBlobs(t *testing.T) {
	b := newBundle(t)
	const size = 3 * maxValue
	b.make("data.db", "CREATE TABLE t(i INTEGER PRIMARY KEY, name, b)", fmt.Sprintf("INSERT INTO t VALUES(7, 'long', zeroblob(%d)), (8, 'text', 'abc'), (9, 'none', NULL)", size))
	g := b.guest()
	db := g.mustOpen("data.db")
	if rows, err := g.query(db, "SELECT name, i FROM t WHERE i = 7"); err != nil || fmt.Sprint(rows) != "[[long 7]]" {
		t.Errorf("beside it: %v, %v", rows, err)
	}
	if rows, err := g.query(db, "SELECT b FROM t WHERE i = 7"); err == nil || !strings.Contains(err.Error(), "too big: one that is in the file is read in parts, by blob_open (18)") {
		t.Errorf("by a query: %v, %v", len(rows), err)
	}
	open := func(table, column string, row uint64) int32 {
		names := table + column
		ptr, _ := g.text(names)
		return g.call("blob_open", uint64(db), ptr, uint64(len(table)), ptr+uint64(len(table)), uint64(len(column)), row, outAt)
	}
	if code := open("t", "b", 7); code != 0 || g.out(1) != size {
		t.Fatalf("open: %v, %d bytes", g.failure(code), g.out(1))
	}
	blob := uint64(g.out(0))
	for _, at := range []uint64{0, 1 << 20, size - 1000} {
		if code := g.call("blob_read", blob, at, bufferAt, 1000); code != 0 {
			t.Errorf("read at %d: %v", at, g.failure(code))
		}
	}
	for _, at := range []uint64{size - 999, size, 1<<32 - 1} {
		if code := g.call("blob_read", blob, at, bufferAt, 1000); code != 1 {
			t.Errorf("read at %d: %d", at, code)
		}
	}
	if code := g.call("blob_close", blob); code != 0 {
		t.Errorf("close: %d", code)
	}
	if code := g.call("blob_read", blob, 0, bufferAt, 10); code != 21 {
		t.Errorf("after its end: %d", code)
	}
	for _, c := range []struct {
		table, column string
		row           uint64
	}{{"t", "b", 9}, {"t", "b", 10}, {"t", "c", 7}, {"u", "b", 7}, {"sqlite_schema", "sql", 99}} {
		if code := open(c.table, c.column, c.row); code == 0 {
			t.Errorf("%v: opened", c)
		}
	}
	if code := open("t", "b", 8); code != 0 || g.out(1) != 3 {
		t.Errorf("a text: %d", code)
	}
}

func TestBounds(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)")
	g := b.guest()
	db := g.mustOpen("data.db")
	for range 15 {
		g.mustOpen("data.db")
	}
	if _, err := g.open("data.db"); err == nil {
		t.Error("a seventeenth database is open")
	}
	for range 128 {
		if _, _, err := g.prepare(db, "SELECT 1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := g.prepare(db, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "finalize") {
		t.Errorf("a further statement: %v", err)
	}
	if code := g.call("close", uint64(db)); code != 0 {
		t.Errorf("close: %d", code)
	}
	db = g.mustOpen("data.db")
	long, _, err := g.prepare(db, "SELECT zeroblob(5000000)")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 100 && err == nil; i++ {
		_, err = g.rows(long, 1, 6<<20)
	}
	if err == nil || !strings.Contains(err.Error(), "256 MiB") {
		t.Error("500 MB of results are handed over")
	}
	if _, _, err := g.prepare(db, "SELECT '"+strings.Repeat("x", 1<<20)+"'"); err == nil {
		t.Error("SQL of a megabyte is compiled")
	}
	if code := g.call("bind", 1, valuesAt, 3<<20); code != 21 {
		t.Errorf("values that are none: %d", code)
	}
}

// What was open when a snapshot was taken is open in all that go on from it.
func TestState(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1),(2)")
	g := b.guest()
	db := g.mustOpen("data.db")
	stmt, _, err := g.prepare(db, "SELECT x FROM t WHERE x >= ?")
	if err != nil {
		t.Fatal(err)
	}
	state, err := g.session.State()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	var again sqlite.State
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	clone := b.goesOn(again)
	for range 3 { // of which each is a request
		values := encode(2)
		clone.module.Memory().Write(valuesAt, values)
		if code := clone.call("bind", uint64(stmt), valuesAt, uint64(len(values))); code != 0 {
			t.Fatal(clone.failure(code))
		}
		if rows, err := clone.rows(stmt, 1, 1000); err != nil || fmt.Sprint(rows) != "[[2]]" {
			t.Errorf("got %v, %v", rows, err)
		}
		if other := clone.mustOpen("data.db"); other == db || other == stmt {
			t.Errorf("the number %d is given twice", other)
		}
		clone.session.Reset()
	}
	if code := g.call("step", uint64(stmt), bufferAt, 9, outAt); code != 101 {
		t.Fatalf("step: %d", code)
	}
	if _, err := g.query(db, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	values := encode(0)
	g.module.Memory().Write(valuesAt, values)
	g.call("bind", uint64(stmt), valuesAt, uint64(len(values)))
	if code := g.call("step", uint64(stmt), bufferAt, 9, outAt); code != 100 {
		t.Fatalf("step: %d", code)
	}
	if _, err := g.session.State(); err == nil || !strings.Contains(err.Error(), "has begun to give rows") {
		t.Errorf("in the middle of a query: %v", err)
	}
	hostile := sqlite.State{Last: 1<<32 - 1, Databases: []sqlite.OpenDatabase{{Number: 1, Name: "../../etc/passwd"}, {Number: 2, Name: "data.db"}}, Statements: []sqlite.OpenStatement{
		{Number: 3, Database: 1, SQL: "SELECT 1"}, {Number: 4, Database: 2, SQL: "DELETE FROM t"}, {Number: 5, Database: 2, SQL: ""},
	}}
	h := b.goesOn(hostile)
	for stmt := range uint64(6) {
		if code := h.call("step", stmt, bufferAt, 100, outAt); code == 100 || code == 101 {
			t.Errorf("statement %d: %d", stmt, code)
		}
	}
	if _, err := h.open("data.db"); err == nil {
		t.Error("it has a number left")
	}
}

// Many at a time have no locks to wait for, and share one descriptor.
func TestConcurrency(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(i INTEGER PRIMARY KEY, s)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, hex(randomblob(100)) FROM n")
	guests := make([]*guest, 64)
	for i := range guests {
		guests[i] = b.guest()
	}
	var work sync.WaitGroup
	for i, g := range guests {
		work.Go(func() {
			for k := range 10 {
				db, err := g.open("data.db")
				if err != nil {
					t.Error(err)
					return
				}
				if rows, err := g.query(db, "SELECT count(*), sum(length(s)) FROM t WHERE i > ?", i); err != nil || fmt.Sprint(rows) != fmt.Sprintf("[[%d %d]]", 2000-i, (2000-i)*200) {
					t.Errorf("got %v, %v", rows, err)
				}
				if k%2 == 0 {
					g.call("close", uint64(db))
				} else {
					g.session.Reset()
				}
			}
		})
	}
	work.Wait()
	if used := b.pool.Used(); used == 0 || used > 8*(2<<20) {
		t.Errorf("the idle connections have %d bytes", used)
	}
}

// budget counts, and has an end.
type budget struct {
	mu         sync.Mutex
	left, most int64
}

func (b *budget) Take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) Give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// What connections take is charged to the node's budget, and given back when they go.
func TestBudget(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)")
	node := &budget{left: 20 << 20, most: 20 << 20}
	b.pool = b.poolOf(node)
	g := b.guest()
	db := g.mustOpen("data.db")
	_, err := g.query(db, "SELECT group_concat(x) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e6) SELECT randomblob(100) x FROM n ORDER BY 1)")
	if err == nil || !strings.Contains(err.Error(), "(7)") && !strings.Contains(err.Error(), "(13)") {
		t.Errorf("it took more than there is: %v", err)
	}
	if rows, err := g.query(db, "SELECT x FROM t"); err != nil || fmt.Sprint(rows) != "[[1]]" {
		t.Errorf("afterwards: %v, %v", rows, err)
	}
	g.session.Close()
	if left := node.left; left < 16<<20 {
		t.Errorf("%d are left while it idles", left)
	}
	b.pool.Close()
	if node.left != node.most {
		t.Errorf("%d of %d are left", node.left, node.most)
	}
	if _, err := g.open("data.db"); err == nil {
		t.Error("a pool that is closed opens files")
	}
}

// T19: the texts of what is prepared are memory of the node, while there is a statement and while its
// session may compile it again; and go with it.
func TestTextsAreCharged(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)")
	node := &budget{left: 30 << 20, most: 30 << 20}
	b.pool = b.poolOf(node)
	g := b.guest()
	db := g.mustOpen("data.db")
	const length = 1 << 20
	text := func(sql string) string { return sql + strings.Repeat(" ", length-len(sql)-1) + ";" }
	prepared := 0
	var err error
	for ; err == nil && prepared < 128; prepared++ {
		before := node.left
		if _, _, err = g.prepare(db, text("SELECT 1")); err == nil && prepared > 0 && before-node.left < 2*length-256<<10 {
			t.Fatalf("statement %d took %d bytes", prepared, before-node.left) // a copy is ours, one the library's
		}
	}
	if err == nil || !strings.Contains(err.Error(), "out of memory") || !strings.Contains(err.Error(), "finalize") || prepared > 15 {
		t.Errorf("after %d statements: %v", prepared, err)
	}
	g.session.Reset()
	if left := node.left; left < node.most-2<<20 {
		t.Errorf("%d of %d are left after the request", left, node.most)
	}
	// What is halted is kept by its text alone.
	db = g.mustOpen("data.db")
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	var halted []uint32
	before := node.left
	for range 5 {
		stmt, columns, err := g.prepare(db, text(endless))
		if err != nil {
			t.Fatal(err)
		}
		g.call("deadline", uint64(db), uint64(time.Millisecond))
		if _, err := g.rows(stmt, columns, 64<<10); err == nil {
			t.Fatal("it was not halted")
		}
		g.call("deadline", uint64(db), 0)
		halted = append(halted, stmt)
	}
	if took := before - node.left; took < 5*length {
		t.Errorf("5 statements that were halted take %d bytes", took)
	}
	g.call("bind", uint64(halted[0]), valuesAt, 0) // compiles it
	for _, stmt := range halted {
		g.call("finalize", uint64(stmt))
	}
	g.session.Reset()
	if left := node.left; left < node.most-2<<20 {
		t.Errorf("%d of %d are left in the end", left, node.most)
	}
	// A short statement keeps nothing of the long text that it began.
	db = g.mustOpen("data.db")
	before = node.left
	for range 20 {
		if _, _, err := g.prepare(db, "SELECT 1;"+text("SELECT 2")[9:]); err != nil {
			t.Fatal(err)
		}
	}
	if took := before - node.left; took > 2<<20 {
		t.Errorf("20 short statements take %d bytes", took)
	}
	g.session.Close()
	b.pool.Close()
	if node.left != node.most {
		t.Errorf("%d of %d are left", node.left, node.most)
	}
}

// A request that is over asks for nothing more.
func TestOver(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)")
	g := b.guest()
	ctx, cancel := context.WithCancel(t.Context())
	g.ctx = ctx
	db := g.mustOpen("data.db")
	cancel()
	if _, err := g.query(db, "SELECT count(*) FROM t"); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

// A guest ends its own queries, and goes on; the request has its deadline all the same.
func TestOwnDeadline(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)")
	g := b.guest()
	db := g.mustOpen("data.db")
	const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	if code := g.call("deadline", uint64(db), uint64(50*time.Millisecond)); code != 0 {
		t.Fatal(g.failure(code))
	}
	began := time.Now()
	if _, err := g.query(db, endless); err == nil || !strings.Contains(err.Error(), "the program has set is over (9)") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took < 50*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if code := g.call("deadline", uint64(db), 0); code != 0 {
		t.Fatal(g.failure(code))
	}
	if rows, err := g.query(db, "SELECT count(*) FROM t"); err != nil || fmt.Sprint(rows) != "[[0]]" {
		t.Errorf("without it: %v, %v", rows, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	g.ctx = ctx
	g.call("deadline", uint64(db), uint64(time.Hour))
	if _, err := g.query(db, endless); err == nil || !strings.Contains(err.Error(), "the request is over") {
		t.Errorf("got %v", err)
	}
	if code := g.call("deadline", uint64(db), 1<<63); code != 21 {
		t.Errorf("before now: %d", code)
	}
	if code := g.call("deadline", 99, 1); code != 21 {
		t.Errorf("of nothing: %d", code)
	}
}
