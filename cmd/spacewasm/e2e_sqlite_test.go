package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// sqlguest returns the path of the module of testdata/sqlguest.
func sqlguest(t *testing.T) string {
	t.Helper()
	return buildMicro(t, "sqlguest.wasm", "./testdata/sqlguest", asHandler)
}

// A Micro gets for all queries what they give natively, by database/sql and without.
func TestE2ESQLiteQueries(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	must(t, sqlitetest.Make(t.Context(), file))
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&immutable=1")
	must(t, err)
	defer db.Close()
	cases, err := sqlitetest.Cases()
	must(t, err)
	request := sqlitetest.Request{Path: "/data.db"}
	for _, c := range cases {
		request.Queries = append(request.Queries, c.Query)
	}
	natively, err := json.Marshal(sqlitetest.Ask(t.Context(), db, request.Queries))
	must(t, err)
	var want []sqlitetest.Answer
	must(t, json.Unmarshal(natively, &want))
	s := serve(t)
	s.pushed("queries", "application/zip", zipped(t, map[string]string{"main.wasm": string(read(t, sqlguest(t))), "data.db": string(read(t, file))}))
	for _, request.Rows = range []bool{false, true} {
		body, err := json.Marshal(request)
		must(t, err)
		a := s.do(s.request(http.MethodPost, "queries", "/", bytes.NewReader(body), "Content-Type", "application/json"))
		a.is(t, http.StatusOK, "")
		var got []sqlitetest.Answer
		must(t, json.Unmarshal([]byte(a.body), &got))
		if len(got) != len(cases) {
			t.Fatalf("there are %d answers to %d queries", len(got), len(cases))
		}
		for i, c := range cases {
			want := want[i]
			if request.Rows {
				want = want.WithoutTypes()
			}
			if !reflect.DeepEqual(got[i], want) {
				t.Errorf("%s, by rows %v: %s\ngot  %.1000v\nwant %.1000v", c.Name, request.Rows, c.Query.SQL, got[i], want)
			}
		}
	}
}

// A query that would not end does so with the request, and others go on meanwhile (T8).
func TestE2ESQLiteDeadline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	must(t, sqlitetest.Make(t.Context(), file))
	s := serve(t, "--timeout", "2s")
	s.pushed("queries", "application/zip", zipped(t, map[string]string{"main.wasm": string(read(t, sqlguest(t))), "data.db": string(read(t, file))}))
	ask := func(query string) answer {
		body, err := json.Marshal(sqlitetest.Request{Path: "/data.db", Queries: []sqlitetest.Query{{SQL: query}}})
		must(t, err)
		return s.do(s.request(http.MethodPost, "queries", "/", bytes.NewReader(body), "Content-Type", "application/json"))
	}
	ask("SELECT 1").is(t, http.StatusOK, "")
	done := make(chan time.Duration)
	go func() {
		began := time.Now()
		ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").is(t, http.StatusGatewayTimeout, "deadline")
		done <- time.Since(began)
	}()
	for ended := false; !ended; {
		select {
		case took := <-done:
			ended = true
			if took > 3*time.Second { // a tenth of a second later, on a machine with nothing else to do
				t.Errorf("it took %v", took)
			}
		default:
			ask("SELECT 1").is(t, http.StatusOK, "")
		}
	}
}

// A database that is damaged, or of which a part is elsewhere, is refused with its mend, and
// a good one is listed (T8).
func TestE2ESQLitePush(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data.db")
	must(t, sqlitetest.Make(t.Context(), file))
	good := read(t, file)
	module := read(t, sqlguest(t))
	s := serve(t)
	push := func(files map[string]string) answer {
		files["main.wasm"] = string(module)
		return s.put("queries", "application/zip", bytes.NewReader(zipped(t, files)))
	}
	damaged := bytes.Clone(good)
	copy(damaged[len(damaged)/2:], bytes.Repeat([]byte{0xff}, 4096))
	a := push(map[string]string{"sub/bad.db": string(damaged), "good.db": string(good)})
	a.is(t, http.StatusUnprocessableEntity, "refused")
	contains(t, a.body, "sub/bad.db")
	contains(t, a.body, ".recover")
	a = push(map[string]string{"data.db": string(good), "data.db-wal": "something"})
	a.is(t, http.StatusUnprocessableEntity, "refused")
	contains(t, a.body, "PRAGMA journal_mode = DELETE")
	a = push(map[string]string{"data.db": string(good)})
	a.is(t, http.StatusCreated, "")
	contains(t, a.body, `"page_size":4096`)
	contains(t, a.body, `"rows":`)

	// To a Micro that asks nothing of it, it is a file like others.
	plain := map[string]string{"bad.db": string(damaged), "main.wasm": string(read(t, buildMicro(t, "hello.wasm", "../../examples/hello", asHandler)))}
	a = s.put("plain", "application/zip", bytes.NewReader(zipped(t, plain)))
	a.is(t, http.StatusCreated, "")
	contains(t, a.body, `"fault":"the database is damaged`)

	must(t, os.WriteFile(file, damaged, 0o600))
	out, _ := console(t, 1, "", "inspect", file)
	contains(t, out, "cannot be queried: the database is damaged")
}

// A database that ends within its header has no size of its pages.
func TestInspectShortDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "short.db")
	must(t, os.WriteFile(file, []byte("SQLite format 3\x00and no more"), 0o600))
	out, _ := console(t, 1, "", "inspect", file)
	contains(t, out, "short.db, 27 B: cannot be queried: the database is damaged: it ends within its header")
}

// A program in C asks the database of its bundle by the header, as a command.
func TestE2ESQLiteInC(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.db")
	must(t, sqlitetest.Make(t.Context(), file))
	s := serve(t)
	s.pushed("c", "application/zip", zipped(t, map[string]string{"main.wasm": string(wasitest.Guest("sqlite_c")), "data.db": string(read(t, file))}))
	for query, want := range map[string]string{
		"select%20id,name,born%20from%20artists%20where%20id%3C5":                    "1|Ada|1815-12-10\n2|Grace|1906-12-09\n3|Alan|1912-06-23\n4|Ámbar|NULL\ndone\n",
		"select%201.5,x'00ff';%20select%20length(t),t%20from%20longs%20where%20id=1": "1.5|00ff\n150000|" + strings.Repeat("long ", 30000) + "\ndone\n",
		"delete%20from%20artists": "prepare: 23 at -1: not authorized: databases are only read, by SELECT, VALUES, WITH and EXPLAIN\n",
		"select%20nosuch":         "prepare: 1 at 7: no such column: nosuch\n",
	} {
		if got := s.ok("c", "/?"+query); got != want {
			t.Errorf("%s answers %.300q", query, got)
		}
	}
	a := s.do(s.request(http.MethodPost, "c", "/", strings.NewReader("bind\nAda\n\nselect id, ?1 from artists where name = ?1")))
	if a.is(t, http.StatusOK, ""); a.body != "1|Ada\ndone\n" {
		t.Errorf("with what is bound it answers %q", a.body)
	}
}
