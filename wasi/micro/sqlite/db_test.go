//go:build !wasip1

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

// both opens /data.db, which a script makes, as a Micro does, over SQLite's library, and
// natively.
func both(t *testing.T, script string) (map[string]*DB, *library) {
	t.Helper()
	_, l := over(t, script)
	c, err := engine{l}.connect("/data.db")
	if err != nil {
		t.Fatal(err)
	}
	native, err := Open("/data.db")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*DB{"direct": {direct{c}}, "native": native}
	t.Cleanup(func() {
		for _, db := range all {
			if err := errors.Join(db.Close(), db.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	return all, l
}

// By rows all queries give what they give by database/sql, prepared or not, and each value
// is converted as Scan does.
func TestRowsSameAsNatively(t *testing.T) {
	all, l := both(t, sqlitetest.Schema)
	native, err := sql.Open("sqlite", "/data.db")
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close()
	cases, err := sqlitetest.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for how, db := range all {
		query := func(text string, args ...any) (sqlitetest.Rows, error) { return db.Query(text, args...) }
		prepared := func(text string, args ...any) (sqlitetest.Rows, error) {
			s, err := db.Prepare(text)
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { _ = s.Close() })
			return s.Query(args...)
		}
		for _, c := range cases {
			q := []sqlitetest.Query{c.Query}
			want := sqlitetest.Ask(t.Context(), native, q)[0].WithoutTypes()
			for way, ask := range map[string]func(string, ...any) (sqlitetest.Rows, error){"text": query, "prepared": prepared} {
				if got := sqlitetest.AskRows(ask, q)[0]; !reflect.DeepEqual(got, want) {
					t.Errorf("%s, %s, %s: %s\ngot  %.1000s\nwant %.1000s", how, way, c.Name, c.Query.SQL, fmt.Sprint(got), fmt.Sprint(want))
				}
			}
			if !c.Fails {
				sameScan(t, how+", "+c.Name, db, native, c.Query)
			}
		}
	}
	if !slices.Contains(l.calls, "column") {
		t.Error("no value was read that was not sent")
	}
}

// sameScan holds that columns are what Scan makes of them, but NULL, and whole numbers
// that Scan takes for none.
func sameScan(t *testing.T, name string, db *DB, native *sql.DB, q sqlitetest.Query) {
	t.Helper()
	args, err := q.Arguments()
	if err != nil {
		t.Fatal(err)
	}
	got, err1 := db.Query(q.SQL, args...)
	want, err2 := native.Query(q.SQL, args...)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer got.Close()
	defer want.Close()
	for got.Next() && want.Next() {
		for i := range got.Columns() {
			var whole any
			skip := make([]any, len(got.Columns()))
			for j := range skip {
				skip[j] = new(any)
			}
			scan := func(to any) error {
				skip[i] = to
				return want.Scan(skip...)
			}
			if err := scan(&whole); err != nil {
				t.Fatal(err)
			}
			if got.Null(i) != (whole == nil) {
				t.Errorf("%s: column %d is NULL: %v", name, i, got.Null(i))
			}
			row := Row{reader: got.reader, cells: got.cells} // whose errors are not the rows'
			same(t, name, scan, row, whole, i)
		}
	}
	if err := got.Err(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func same(t *testing.T, name string, scan func(any) error, row Row, whole any, i int) {
	t.Helper()
	var text string
	var raw []byte
	var n int64
	var f float64
	var when time.Time
	null := whole == nil
	check := func(what string, err error, equal bool) {
		t.Helper()
		_, float := whole.(float64)
		switch {
		case null && (row.err != nil || !equal):
			t.Errorf("%s: NULL as %s: %v", name, what, row.err)
		case null, err == nil && row.err == nil && equal, err != nil && row.err != nil && equal:
		case what == "time" && err != nil && row.err == nil: // it is a text
		case what == "integer" && float && err != nil && row.err == nil: // 1e+06
		default:
			t.Errorf("%s: column %d, %.100v as %s: equal %v, %v, by Scan %v", name, i, whole, what, equal, row.err, err)
		}
		row.err = nil
	}
	err := scan(&text)
	check("text", err, row.Text(i) == text)
	if err := scan(&raw); !null {
		check("raw", err, string(row.Raw(i)) == string(raw))
		check("bytes", err, string(row.Bytes(i)) == string(raw) && row.Bytes(i) != nil)
	}
	err = scan(&n)
	got := row.Int64(i)
	check("integer", err, got == n || err != nil)
	err = scan(&f)
	check("number", err, row.Float64(i) == f || err != nil || f != f)
	err = scan(&when)
	check("time", err, row.Time(i).Equal(when) || err != nil)
}

const things = `create table t(id integer primary key, name text, price real, data blob, at datetime, none);
	insert into t values (1, 'one', 1.5, x'00ff', '2024-02-29 12:34:56', null), (2, 'zwei', 1e6, x'', 'x', null), (3, '3', 3, x'33', '2024-02-29', null)`

// Columns are read as what is wanted of them; what they are not is said once.
func TestRowColumns(t *testing.T) {
	all, _ := both(t, things)
	for how, db := range all {
		row := db.QueryRow("select id, name, price, data, at, none from t where id = ?", 1)
		when := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
		if row.Int64(0) != 1 || row.Text(1) != "one" || row.Float64(2) != 1.5 || string(row.Bytes(3)) != "\x00\xff" || !row.Time(4).Equal(when) || !row.Null(5) {
			t.Errorf("%s: %d %q %v %q %v", how, row.Int64(0), row.Text(1), row.Float64(2), row.Bytes(3), row.Time(4))
		}
		if row.Int64(5) != 0 || row.Float64(5) != 0 || row.Text(5) != "" || row.Raw(5) != nil || row.Bytes(5) != nil || !row.Time(5).IsZero() || row.Value(5) != nil {
			t.Errorf("%s: NULL is not the zero value", how)
		}
		if row.Float64(0) != 1 || row.Text(0) != "1" || string(row.Raw(2)) != "1.5" || row.Text(4) != "2024-02-29T12:34:56Z" || string(row.Raw(1)) != "one" {
			t.Errorf("%s: converted %v %q %q %q", how, row.Float64(0), row.Text(0), row.Raw(2), row.Text(4))
		}
		if err := row.Err(); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		data := row.Value(3).([]byte)
		if data[0] = 'x'; row.Text(3) != "\x00\xff" {
			t.Errorf("%s: a value is not a copy", how)
		}
		row = db.QueryRow("select name, price, data, at from t where id = 2")
		if row.Int64(1) != 1e6 || row.Bytes(2) == nil || row.Text(3) != "x" || row.Err() != nil {
			t.Errorf("%s: %d %v %q, %v", how, row.Int64(1), row.Bytes(2), row.Text(3), row.Err())
		}
		if row = db.QueryRow("select name, data from t where id = 3"); row.Int64(0) != 3 || row.Float64(1) != 3 || row.Err() != nil {
			t.Errorf("%s: texts are %d, %v, %v", how, row.Int64(0), row.Float64(1), row.Err())
		}
		for _, c := range []struct {
			want string
			read func(r *Row) bool
		}{
			{`column 0 is "zwei", which is not an integer`, func(r *Row) bool { return r.Int64(0) == 0 }},
			{`column 0 is "zwei", which is not a number`, func(r *Row) bool { return r.Float64(0) == 0 }},
			{`column 2 is "x", which is not a time`, func(r *Row) bool { return r.Time(2).IsZero() }},
			{`column 1 is "1e+06", which is not a time`, func(r *Row) bool { return r.Time(1).IsZero() }},
			{"there is no column 3: the query gives 3", func(r *Row) bool { return r.Text(3) == "" }},
			{"there is no column -1", func(r *Row) bool { return r.Value(-1) == nil && r.Int64(7) == 0 }},
		} {
			row := db.QueryRow("select name, price, at from t where id = 2")
			if zero := c.read(row); !zero || row.Err() == nil || !strings.Contains(row.Err().Error(), c.want) {
				t.Errorf("%s: %s: %v, %v", how, c.want, zero, row.Err())
			}
		}
	}
}

// An error of a column ends the rows, and there is no row before the first and after the
// last.
func TestRowsErrors(t *testing.T) {
	all, _ := both(t, things)
	for how, db := range all {
		query := func(text string, args ...any) *Rows {
			rows, err := db.Query(text, args...)
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		rows := query("select name from t order by id")
		n := 0
		for ; rows.Next(); n++ {
			_ = rows.Int64(0)
		}
		if n != 1 || rows.Err() == nil || rows.Close() != nil {
			t.Errorf("%s: %d rows, %v", how, n, rows.Err())
		}
		for what, r := range map[string]*Rows{"before the first": query("select 1"), "after the last": query("select 1 where 0"), "closed": query("select 1")} {
			switch what {
			case "after the last":
				r.Next()
			case "closed":
				r.Next()
				_ = r.Close()
			}
			if r.Int64(0) != 0 || r.Err() == nil || !strings.Contains(r.Err().Error(), "there is no row") || r.Next() {
				t.Errorf("%s, %s: %v", how, what, r.Err())
			}
			_ = r.Close()
		}
		var coded *Error
		if _, err := db.Prepare("select nosuch"); err == nil {
			t.Errorf("%s: what is wrong is compiled", how)
		}
		for _, text := range []string{"select nosuch", "select ?", "select abs(-9223372036854775808)"} {
			if err := db.QueryRow(text).Err(); err == nil || errors.Is(err, sql.ErrNoRows) {
				t.Errorf("%s: %s: %v", how, text, err)
			}
		}
		if row := db.QueryRow("select name from t where id = ?", 9); row.Text(0) != "" || !errors.Is(row.Err(), sql.ErrNoRows) {
			t.Errorf("%s: what is not there is %q, %v", how, row.Text(0), row.Err())
		}
		rows, err := db.Query("select abs(iif(id = 3, -9223372036854775808, id)) from t")
		for err == nil && rows.Next() {
		}
		if err == nil {
			err = rows.Err()
		}
		if err == nil || (how == "native" && !errors.As(err, &coded)) || !strings.Contains(err.Error(), "integer overflow (1)") {
			t.Errorf("%s: %v", how, err)
		}
		if _, err := db.Query("select ?", struct{}{}); err == nil {
			t.Errorf("%s: a struct is bound", how)
		}
	}
}

// Arguments are those of database/sql.
func TestRowsArguments(t *testing.T) {
	type kind int16
	all, _ := both(t, things)
	when := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	for how, db := range all {
		row := db.QueryRow("select ?, ?, ?, ?, ?, ?, ?, ?", 1, int64(2), kind(3), 1.5, "text", []byte{1}, true, when)
		if row.Int64(0) != 1 || row.Int64(1) != 2 || row.Int64(2) != 3 || row.Float64(3) != 1.5 || row.Text(4) != "text" || row.Text(5) != "\x01" ||
			row.Int64(6) != 1 || !row.Time(7).Equal(when) || row.Err() != nil {
			t.Errorf("%s: %v, %v", how, row.Time(7), row.Err())
		}
		row = db.QueryRow("select :a || :b, ?3", sql.Named("a", "x"), sql.Named("b", sql.NullString{String: "y", Valid: true}), sql.NullInt64{})
		if row.Text(0) != "xy" || !row.Null(1) || row.Err() != nil {
			t.Errorf("%s: %q, %v", how, row.Text(0), row.Err())
		}
	}
}

// A row that stands alone is not changed by what is asked after it, and a statement may be
// asked while its rows are read.
func TestRowsAtOnce(t *testing.T) {
	all, _ := both(t, things)
	for how, db := range all {
		find, err := db.Prepare("select id, name from t where id >= ? order by id")
		if err != nil {
			t.Fatal(err)
		}
		first, second := find.QueryRow(1), find.QueryRow(2)
		rows, err := find.Query(1)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for rows.Next() {
			inner := find.QueryRow(rows.Int64(0))
			if inner.Text(1) != rows.Text(1) || inner.Err() != nil {
				t.Errorf("%s: %q is %q, %v", how, rows.Text(1), inner.Text(1), inner.Err())
			}
			names = append(names, rows.Text(1))
		}
		if first.Text(1) != "one" || second.Text(1) != "zwei" || first.Int64(0) != 1 || strings.Join(names, " ") != "one zwei 3" || rows.Err() != nil {
			t.Errorf("%s: %q %q %q, %v", how, first.Text(1), second.Text(1), names, rows.Err())
		}
		if !slices.Equal(rows.Columns(), []string{"id", "name"}) {
			t.Errorf("%s: columns %q", how, rows.Columns())
		}
		if err := errors.Join(find.Close(), find.Close(), db.Close()); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		if find.QueryRow(1).Err() == nil || db.QueryRow("select 1").Err() == nil {
			t.Errorf("%s: what is closed answers", how)
		}
	}
}

// The deadline of a context is the host's, and one that has ended asks nothing more.
func TestRowsContext(t *testing.T) {
	all, l := both(t, things)
	for how, db := range all {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		rows, err := db.QueryContext(ctx, "select id from t")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		if how == "direct" && (l.after <= 0 || l.after > time.Hour) {
			t.Errorf("the host's deadline is in %v", l.after)
		}
		cancel()
		_ = rows.Close()
		find, err := db.Prepare("select id from t")
		if err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{"query": db.QueryRowContext(ctx, "select 1").Err(), "statement": find.QueryRowContext(ctx).Err()} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v", how, what, err)
			}
		}
		if _, err := db.PrepareContext(ctx, "select 1"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", how, err)
		}
		if err := find.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Values that are not sent with their row are there all the same, or the error is.
func TestRowsUnsent(t *testing.T) {
	all, l := both(t, "create table t(a, b); insert into t values (replace(hex(zeroblob(300000)), '00', 'xyz'), zeroblob(250000)), ('short', x'01')")
	for how, db := range all {
		row := db.QueryRow("select a, b from t")
		if row.Text(0) != strings.Repeat("xyz", 300000) || len(row.Raw(1)) != 250000 || row.Err() != nil {
			t.Errorf("%s: %d and %d bytes, %v", how, len(row.Text(0)), len(row.Raw(1)), row.Err())
		}
		rows, err := db.Query("select a, 7, b from t")
		if err != nil {
			t.Fatal(err)
		}
		var sizes []int
		for rows.Next() {
			sizes = append(sizes, len(rows.Text(0)), int(rows.Int64(1)), len(rows.Bytes(2)))
		}
		if !slices.Equal(sizes, []int{900000, 7, 250000, 5, 7, 1}) || rows.Err() != nil {
			t.Errorf("%s: %v, %v", how, sizes, rows.Err())
		}
	}
	l.fault["column"] = 7
	if err := all["direct"].QueryRow("select a from t").Err(); err == nil || !strings.Contains(err.Error(), "made to fail (7)") {
		t.Errorf("a value that cannot be read: %v", err)
	}
}

// A row by its key is two calls of the host and a handful of allocations; of a row that is
// read there is none.
func TestRowsCost(t *testing.T) {
	all, l := both(t, `create table t(id integer primary key, name text, price real);
		with recursive c(i) as (select 1 union all select i + 1 from c where i < 3000) insert into t select i, 'name of ' || i, i / 7.0 from c`)
	db := all["direct"]
	find, err := db.Prepare("select name, price from t where id = ?")
	if err != nil {
		t.Fatal(err)
	}
	if row := find.QueryRow(1000); row.Text(0) != "name of 1000" || row.Err() != nil {
		t.Fatal(row.Err())
	}
	l.calls = nil
	if row := find.QueryRow(2000); row.Text(0) != "name of 2000" || row.Err() != nil || !slices.Equal(l.calls, []string{"bind", "step"}) {
		t.Errorf("%q by %v, %v", row.Text(0), l.calls, row.Err())
	}
	bare := testing.AllocsPerRun(100, func() { // the host of the test allocates, too
		_ = l.bind(find.querier.(directStmt).own.id, []byte("\x01\x07\x00\x00\x00\x00\x00\x00\x00"))
		_, _, _ = l.step(find.querier.(directStmt).own.id, make([]byte, 100))
	})
	const most = 10
	if n := testing.AllocsPerRun(100, func() { _ = find.QueryRow(2000).Text(0) }); n > bare+most {
		t.Errorf("a row by its key makes %v allocations, of which %v are the host's", n, bare)
	}
	rows, err := db.Query("select id, name, price from t limit 300") // which are one batch
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if n := testing.AllocsPerRun(200, func() {
		if !rows.Next() || rows.Int64(0) == 0 || len(rows.Raw(1)) == 0 || rows.Float64(2) == 0 {
			t.Error(rows.Err())
		}
	}); n != 0 {
		t.Errorf("a row makes %v allocations", n)
	}
}
