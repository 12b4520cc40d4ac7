package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

// sqlguest returns the path of the module of testdata/sqlguest.
func sqlguest(t *testing.T) string {
	t.Helper()
	return buildMicro(t, "sqlguest.wasm", "./testdata/sqlguest", asHandler)
}

// A Micro gets for all queries what they give natively.
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
	body, err := json.Marshal(request)
	must(t, err)
	s := serve(t)
	s.pushed("queries", "application/zip", zipped(t, map[string]string{"main.wasm": string(read(t, sqlguest(t))), "data.db": string(read(t, file))}))
	a := s.do(s.request(http.MethodPost, "queries", "/", bytes.NewReader(body), "Content-Type", "application/json"))
	a.is(t, http.StatusOK, "")
	var got, want []sqlitetest.Answer
	must(t, json.Unmarshal([]byte(a.body), &got))
	natively, err := json.Marshal(sqlitetest.Ask(t.Context(), db, request.Queries))
	must(t, err)
	must(t, json.Unmarshal(natively, &want))
	if len(got) != len(cases) {
		t.Fatalf("there are %d answers to %d queries", len(got), len(cases))
	}
	for i, c := range cases {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: %s\ngot  %.1000v\nwant %.1000v", c.Name, c.Query.SQL, got[i], want[i])
		}
	}
}
