//go:build !wasip1

package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

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

// All that is usual can be scanned into.
func TestScan(t *testing.T) {
	db, _ := over(t, `create table t(i integer, r real, t text, b blob, n, yes boolean, d datetime);
		insert into t values (7, 1.5, 'text', x'00ff', null, 1, '2024-02-29 12:34:56'), (-1, 2, '12', x'', 5, 0, '2024-02-29T12:34:56Z')`)
	var (
		i     int
		i64   int64
		u8    uint8
		f     float64
		s     string
		b     []byte
		raw   sql.RawBytes
		yes   bool
		when  time.Time
		n     sql.NullInt64
		ns    sql.NullString
		nf    sql.NullFloat64
		nb    sql.NullBool
		nt    sql.NullTime
		p     *string
		whole any
	)
	row := func(columns string) *sql.Row { return db.QueryRow("select " + columns + " from t where i = 7") }
	for _, err := range []error{
		row("i, i + 0, +i, r, t, b, yes, d").Scan(&i, &i64, &u8, &f, &s, &b, &yes, &when),
		row("i, t, r, yes, d, t, b").Scan(&n, &ns, &nf, &nb, &nt, &p, &whole),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	if i != 7 || i64 != 7 || u8 != 7 || f != 1.5 || s != "text" || string(b) != "\x00\xff" || !yes || !when.Equal(want) {
		t.Errorf("scanned %v %v %v %v %q %q %v %v", i, i64, u8, f, s, b, yes, when)
	}
	if n.Int64 != 7 || ns.String != "text" || nf.Float64 != 1.5 || !nb.Bool || !nt.Time.Equal(want) || *p != "text" || string(whole.([]byte)) != "\x00\xff" {
		t.Errorf("scanned %v %v %v %v %v %v %v", n, ns, nf, nb, nt, *p, whole)
	}
	if err := row("n, +n, n, +n, n, +n, n").Scan(&n, &ns, &nf, &nb, &nt, &p, &whole); err != nil {
		t.Fatal(err)
	}
	if n.Valid || ns.Valid || nf.Valid || nb.Valid || nt.Valid || p != nil || whole != nil {
		t.Errorf("NULL is %v %v %v %v %v %v %v", n, ns, nf, nb, nt, p, whole)
	}
	if err := row("t").Scan(&i); err == nil {
		t.Error("a text is a number")
	}
	if err := row("n").Scan(&s); err == nil {
		t.Error("NULL is a text")
	}
	rows, err := db.Query("select b, t from t order by i")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got string
	for rows.Next() {
		if err := rows.Scan(&raw, &s); err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprintf("%q %s ", []byte(raw), s)
	}
	if got != `"" 12 "\x00\xff" text ` {
		t.Errorf("raw bytes are %s", got)
	}
}

// A query by primary key is two calls of the host, prepared or not, once it has run.
func TestFewCalls(t *testing.T) {
	db, l := over(t, "create table t(id integer primary key, name text); insert into t values (1, 'one'), (2, 'two')")
	db.SetMaxOpenConns(1)
	var name string
	const text = "select name from t where id = ?"
	find, err := db.Prepare(text)
	if err != nil {
		t.Fatal(err)
	}
	defer find.Close()
	look := map[string]func(id int) error{
		"prepared": func(id int) error { return find.QueryRow(id).Scan(&name) },
		"text": func(id int) error {
			return db.QueryRow("select name from t where id = :id", sql.Named("id", id)).Scan(&name)
		},
	}
	for what, look := range look {
		if err := look(1); err != nil || name != "one" {
			t.Errorf("%s: %q, %v", what, name, err)
		}
		l.calls = nil
		if err := look(2); err != nil || name != "two" || !slices.Equal(l.calls, []string{"bind", "step"}) {
			t.Errorf("%s: %q by %v, %v", what, name, l.calls, err)
		}
		if err := look(3); !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("%s: what is not there gives %v", what, err)
		}
		allocs := testing.AllocsPerRun(100, func() { _ = look(1) })
		if allocs > 25 { // of which database/sql makes most, and the host of the test
			t.Errorf("%s: %v allocations", what, allocs)
		}
	}
}

// Long results come in batches that grow; rows that are left early reset their statement,
// and rows of one connection do not disturb each other.
func TestBatches(t *testing.T) {
	db, l := over(t, `create table t(id integer primary key, name text);
		with recursive c(i) as (select 1 union all select i + 1 from c where i < 30000) insert into t select i, 'name of ' || i from c`)
	count := func(query func(string, ...any) (*sql.Rows, error), most int) int {
		rows, err := query("select id, name from t")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for n < most && rows.Next() {
			n++
			var id int
			var name string
			if err := rows.Scan(&id, &name); err != nil || id != n || name != fmt.Sprint("name of ", n) {
				t.Fatalf("row %d: %d %q, %v", n, id, name, err)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(db.Query, math.MaxInt); n != 30000 {
		t.Errorf("there are %d rows", n)
	}
	if steps := strings.Count(strings.Join(l.calls, " "), "step"); steps > 7 {
		t.Errorf("30000 rows were fetched by %d calls", steps)
	}
	l.calls = nil
	if count(db.Query, 1); !slices.Contains(l.calls, "reset") {
		t.Errorf("rows that were left: %v", l.calls)
	}
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelSerializable})
	if err != nil {
		t.Fatal(err)
	}
	same, err := tx.Prepare("select id, name from t where id > ?")
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := same.Query(10)
	second, err2 := same.Query(20)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for i := range 9000 {
		var a, b int
		var name string
		first.Next()
		second.Next()
		if err := errors.Join(first.Scan(&a, &name), second.Scan(&b, &name)); err != nil || a != 11+i || b != 21+i {
			t.Fatalf("two at a time: %d %d, %v", a, b, err)
		}
		if i == 5000 {
			count(tx.Query, 6000)
		}
	}
	if err := errors.Join(first.Close(), second.Close(), same.Close(), tx.Commit()); err != nil {
		t.Error(err)
	}
	if tx, err = db.Begin(); err == nil {
		err = tx.Rollback()
	}
	if err != nil {
		t.Error(err)
	}
}

// A value that is not sent with its row is read in parts; what goes wrong is said.
func TestKeptValues(t *testing.T) {
	db, l := over(t, "create table t(a, b, d date); insert into t values (replace(hex(zeroblob(100000)), '00', 'xyz'), zeroblob(250000), '2024-02-29' || hex(zeroblob(50000))), ('short', x'01', null)")
	db.SetMaxOpenConns(1)
	for range 2 {
		var a, b string
		var d any
		if err := db.QueryRow("select * from t").Scan(&a, &b, &d); err != nil || len(a) != 300000 || len(b) != 250000 || strings.Trim(a, "xyz") != "" {
			t.Fatalf("%d %d, %v", len(a), len(b), err)
		}
		if text, ok := d.(string); !ok || len(text) != 100010 {
			t.Errorf("what is no time is a %T", d)
		}
	}
	if n := strings.Count(strings.Join(l.calls, " "), "column "); n < 2*(3+3+2)-1 {
		t.Errorf("they were read in %d parts", n)
	}
	var n int
	rows, err := db.Query("select length(a), length(b), a from t")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	l.fault["column"] = 18
	var e *hostError
	if err := db.QueryRow("select a from t").Scan(new(string)); !errors.As(err, &e) || e.Code() != 18 || err.Error() != "string or blob too big: made to fail (18)" {
		t.Errorf("a part that cannot be read: %v", err)
	}
	// As many columns as there may be always fit.
	wide := "select " + strings.TrimSuffix(strings.Repeat("substr(a, 1, 100),", 1000), ",") + " from t"
	if rows, err = db.Query(wide); err != nil {
		t.Fatal(err)
	}
	for n = 0; rows.Next(); n++ {
	}
	if err := rows.Err(); err != nil || n != 2 {
		t.Errorf("%d wide rows, %v", n, err)
	}
}

// Errors are those of modernc.org/sqlite, with where in the text they are.
func TestErrors(t *testing.T) {
	db, l := over(t, "create table t(a)")
	var e *hostError
	_, err := db.Query("select nosuch from t")
	if !errors.As(err, &e) || e.Code() != 1 || e.Error() != "SQL logic error: no such column: nosuch (1)" || Offset(err) != 7 {
		t.Errorf("%v at %d", err, Offset(err))
	}
	if Offset(io.EOF) != -1 {
		t.Error("any error is somewhere")
	}
	if _, err := db.Exec("insert into t values (1)"); !errors.As(err, &e) || e.Code() != 8 {
		t.Errorf("what writes: %v", err)
	}
	for _, function := range []string{"columns", "parameters", "bind", "step"} {
		l.fault[function] = 7
		var a, x any
		err := db.QueryRow("select a, :x from t -- "+function, sql.Named("x", 1)).Scan(&a, &x)
		if !errors.As(err, &e) || e.Code() != 7 {
			t.Errorf("%s that fails: %v", function, err)
		}
		if len(l.fault) > 0 {
			t.Errorf("%s was not called", function)
		}
	}
	// It may be that too many statements are open: those that are idle are finalized.
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
	l.fault["prepare"], l.calls = 1, nil
	if err := db.QueryRow("select count(*) from t").Scan(new(int)); err != nil || !slices.Contains(l.calls, "finalize") {
		t.Errorf("a statement that may be one too many: %v, by %v", err, l.calls)
	}
	for code := range 30 << 5 {
		text := sqlite3.Xsqlite3_errstr(l.tls, int32(code))
		if want := goString(text); codeText(code) != want {
			t.Errorf("%d is %q, for SQLite %q", code, codeText(code), want)
		}
	}
}

// A connection that the host does not know is replaced, once.
func TestUnknownHandles(t *testing.T) {
	db, l := over(t, "create table t(a); insert into t values (5)")
	for _, function := range []string{"prepare", "bind", "step"} {
		l.fault[function] = codeMisuse
		l.calls = nil
		var n int
		if err := db.QueryRow("select a from t where a = ? -- "+function, 5).Scan(&n); err != nil || n != 5 {
			t.Errorf("%s of what is not known: %v", function, err)
		}
		if !slices.Contains(l.calls, "open") {
			t.Errorf("%s: no connection was opened: %v", function, l.calls)
		}
	}
	l.fault["open"] = 14
	other := sql.OpenDB(connector{engine{l}, "/none.db"})
	var e *hostError
	if err := other.Ping(); !errors.As(err, &e) || e.Code() != 14 {
		t.Errorf("what is not there: %v", err)
	}
}

// A context that has ended, or whose time is over, ends a query between two batches.
func TestContext(t *testing.T) {
	db, l := over(t, `create table t(a);
		with recursive c(i) as (select 1 union all select i + 1 from c where i < 10000) insert into t select i from c`)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for what, end := range map[string]func() (context.Context, context.CancelFunc){
		"ended": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		},
		"late": func() (context.Context, context.CancelFunc) { return late{t.Context()}, func() {} },
	} {
		ctx, cancel := end()
		defer cancel()
		l.calls = nil
		err := conn.Raw(func(c any) error {
			own := c.(engineConn)
			_, err1 := own.QueryContext(ctx, "select 1", nil)
			_, err2 := own.ExecContext(ctx, "select 1", nil)
			_, err3 := own.PrepareContext(ctx, "select 1")
			_, err4 := own.BeginTx(ctx, driver.TxOptions{})
			for _, err := range []error{err1, err2, err3, err4, own.Ping(ctx)} {
				if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", what, err)
				}
			}
			r, err := own.QueryContext(t.Context(), "select a from t", nil)
			if err != nil {
				return err
			}
			r.(*rows).ctx = ctx
			for dest := make([]driver.Value, 1); err == nil; {
				err = r.Next(dest)
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, between two batches: %v", what, err)
			}
			return r.Close()
		})
		if err != nil {
			t.Error(err)
		}
		if n := strings.Count(strings.Join(l.calls, " "), "step"); n != 1 {
			t.Errorf("%s: the host was asked: %v", what, l.calls)
		}
	}
}

// engineConn is the driver's connection, as a variable of the test has its name.
type engineConn = *conn

// late is a context whose time is over, but which nothing has ended yet.
type late struct{ context.Context } //nolint:containedctx // it is one

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

// A blob is read by the host's own functions, from any place in it.
func TestBlob(t *testing.T) {
	db, l := over(t, "create table t(a, b); insert into t values ('0123456789', 5)")
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	source, size, err := openHostBlob(c, "t", "a", 1)
	if err != nil {
		t.Fatal(err)
	}
	b := &Blob{ctx: t.Context(), source: source, size: size}
	if err := iotest.TestReader(b, []byte("0123456789")); err != nil {
		t.Error(err)
	}
	l.fault["blobRead"] = 11
	var e *hostError
	if _, err := b.ReadAt(make([]byte, 1), 0); !errors.As(err, &e) || e.Code() != 11 {
		t.Errorf("what cannot be read: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	for want, at := range map[string]int64{"no such rowid: 2": 2, "cannot open value of type integer": 1} {
		if _, _, err := openHostBlob(c, "t", "b", at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not %s", err, want)
		}
	}
}

// The name of a database is a path, or a URI of one; what it cannot ask for is said.
func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"/data.db": "/data.db", "data.db": "data.db", "/a%20b": "/a%20b", "file:/a%20b?mode=ro": "/a b", "file:a.db?immutable=1&cache=shared": "a.db",
		"file:///x": "/x", "file://localhost/x": "/x", "/d.db?_query_only=1": "/d.db",
	} {
		if got, err := parseName(name); err != nil || got != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"/d.db?mode=rwc", "/d.db?_pragma=x", "/d.db?_inttotime=1", "file://elsewhere/x", "file:%zz", "/d.db?%zz"} {
		if got, err := parseName(name); err == nil {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// The host is told of the deadline of a context, and that there is none any more.
func TestDeadline(t *testing.T) {
	db, l := over(t, "create table t(a)")
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, c := range []struct {
		ctx  context.Context //nolint:containedctx // of a query
		told bool
		from time.Duration
		to   time.Duration
	}{
		{t.Context(), false, 0, 0},
		{ctx, true, 59 * time.Minute, time.Hour},
		{ctx, true, 59 * time.Minute, time.Hour},
		{t.Context(), true, 0, 0},
		{t.Context(), false, 0, 0},
	} {
		l.calls = nil
		if _, err := db.ExecContext(c.ctx, "select 1"); err != nil {
			t.Fatal(err)
		}
		if told := slices.Contains(l.calls, "deadline"); told != c.told || told && (l.after < c.from || l.after > c.to) {
			t.Errorf("told %v, %v; want %v, %v to %v", told, l.after, c.told, c.from, c.to)
		}
	}
}
