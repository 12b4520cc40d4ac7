package sqlite_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// big makes texts of megabytes, within the limit of a value.
const (
	big    = "(SELECT replace(hex(zeroblob(1300000)), '0', 'a'))" // 2.6 MB
	object = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) " +
		"SELECT json_group_object(%s || i, i) FROM n)"
)

// bombs are queries that would take for ever, or all memory, and what they come to.
func bombs() map[string]string {
	nested := func(n int, open, middle, end string) string {
		return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
	}
	laughs := "WITH t0(x) AS (SELECT 1)"
	for i := 1; i < 24; i++ {
		laughs += fmt.Sprintf(", t%d AS (SELECT * FROM t%d UNION ALL SELECT * FROM t%d)", i, i-1, i-1)
	}
	return map[string]string{
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n":                                  "interrupted",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n) SELECT count(*) FROM n":                                      "|",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT group_concat(i) FROM n":                           "|",
		"WITH RECURSIVE n(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM n) SELECT length(s) FROM n":                              "too big",
		"WITH RECURSIVE n(s) AS (SELECT zeroblob(1000) UNION ALL SELECT zeroblob(1000 + rowid) FROM n, t) SELECT count(*) FROM n": "|",
		"SELECT count(*) FROM t a, t b, t c, t d, t e":                                                                            "interrupted",
		"SELECT a.x FROM t a, t b, t c ORDER BY random()":                                                                         "|",
		"SELECT DISTINCT a.x + b.x * 1e6 + c.x FROM t a, t b, t c":                                                                "|",
		"SELECT a.x + b.x * 1e6, count(*) FROM t a, t b, t c GROUP BY 1":                                                          "|",
		"SELECT randomblob(1000001)":                                                                "",
		"SELECT randomblob(1000000000)":                                                             "at most 1 MiB",
		"SELECT zeroblob(1000000000)":                                                               "too big",
		"SELECT printf('%.*c', 1000000000, 'x')":                                                    "too big",
		"SELECT hex(zeroblob(5000000))":                                                             "too big",
		"SELECT group_concat(hex(zeroblob(1000000))) FROM t":                                        "too big",
		"SELECT json_group_array(hex(zeroblob(1000000))) FROM t":                                    "|",
		"SELECT instr(" + big + ", substr(" + big + ", 1, 1000000) || 'b')":                         "",
		"SELECT replace(" + big + ", substr(" + big + ", 1, 1000000) || 'b', '')":                   "",
		"SELECT " + big + " LIKE '%' || substr(" + big + ", 1, 9000) || 'b'":                        "too long together",
		"SELECT " + big + " GLOB '*' || substr(" + big + ", 1, 9000) || 'b'":                        "too long together",
		"SELECT " + big + " LIKE '%' || substr(" + big + ", 1, 90000) || 'b'":                       "too long together",
		"SELECT trim(" + big + ", " + big + ")":                                                     "too long together",
		"SELECT rtrim(" + big + ", " + big + ")":                                                    "too long together",
		"SELECT unhex(" + big + ", " + big + ")":                                                    "too long together",
		"SELECT json_patch(" + fmt.Sprintf(object, "'a'") + ", " + fmt.Sprintf(object, "'b'") + ")": "|",
		"SELECT 'x' LIKE '%' || hex(zeroblob(6000))":                                                "too complex",
		"SELECT " + nested(5000, "(", "1", ")"):                                                     "|",
		"SELECT " + nested(5000, "abs(", "1", ")"):                                                  "|",
		"SELECT " + strings.Repeat("1+", 100_000) + "1":                                             "too large",
		"SELECT 1 WHERE 1 IN (" + strings.Repeat("1,", 100_000) + "1)":                              "",
		"SELECT " + strings.Repeat("1,", 5000) + "1":                                                "too many columns",
		strings.Repeat("SELECT 1 UNION ", 5000) + "SELECT 1":                                        "too many terms",
		"SELECT count(*) FROM " + strings.Repeat("t,", 100) + "t":                                   "at most 64 tables",
		laughs + " SELECT count(*) FROM t23":                                                        "|",
		"SELECT max(x) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM (SELECT a.x FROM t a, t b, t c)":  "|",
		"SELECT group_concat(hex(zeroblob(2000)), '') OVER (ORDER BY x ROWS 1000 PRECEDING) FROM (SELECT a.x FROM t a, t b)":             "full",
		"SELECT count(*) FROM many WHERE many MATCH 'a*'":                                                                                "",
		"SELECT snippet(many, 0, '', '', '', 64) FROM many WHERE many MATCH 'a'":                                                         "more than",
		"SELECT count(*) FROM many WHERE many MATCH 'NEAR(" + strings.Repeat("a ", 800) + ", 1)'":                                        "fts5: a search may have",
		"SELECT count(*) FROM many WHERE many MATCH 'NEAR(" + strings.Repeat("a ", 20) + ", 1)'":                                         "NEAR may have",
		"SELECT count(*) FROM many WHERE many MATCH 'NEAR(" + strings.Repeat("a ", 8) + ", 1)'":                                          "|",
		"SELECT count(*) FROM many WHERE many MATCH '\"" + strings.Repeat("a ", 60) + "\"'":                                              "|",
		"SELECT json(" + "'" + nested(100_000, "[", "1", "]") + "')":                                                                     "malformed JSON",
		"SELECT count(*) FROM json_tree('" + nested(900, "[", "1", "]") + "') a, json_tree('" + nested(900, "[", "1", "]") + "') b, t c": "interrupted",
		"SELECT soundex(" + big + ") || quote(" + big + ")":                                                                              "",
		"SELECT sum(length(x || y)) FROM (SELECT a.x x, zeroblob(5000000) y FROM t a, t b)":                                              "interrupted",
		"SELECT (SELECT count(*) FROM t a, t b, t c WHERE a.x + b.x + c.x + o.x > 1e9) FROM t o":                                         "interrupted",
	}
}

// A query ends within a tenth of a second of its deadline, with an error, and leaves the
// connection as it was.
func TestBombs(t *testing.T) {
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x INTEGER)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO t SELECT i FROM n",
		"CREATE VIRTUAL TABLE many USING fts5(x)", "INSERT INTO many SELECT replace(hex(zeroblob(100000)), '0', 'a ')",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO many SELECT 'a' || i || ' b' || i FROM n")
	const deadline, late = 400 * time.Millisecond, 100 * time.Millisecond
	for query, want := range bombs() {
		name := query[:min(len(query), 90)]
		g := b.guest()
		db := g.mustOpen("data.db")
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		g.ctx = ctx
		began := time.Now()
		rows, err := g.query(db, query)
		took := time.Since(began)
		cancel()
		if took > deadline+late {
			t.Errorf("%s: took %v", name, took)
		}
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && err == nil && want != "|":
			t.Errorf("%s: no error, but %d rows", name, len(rows))
		case want != "" && err != nil && !strings.Contains(err.Error(), want) && want != "|":
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		t.Logf("%-90s %v %v, %d fuel", name, took.Round(time.Millisecond), err, g.meter.used)
		g.ctx = t.Context()
		if rows, err := g.query(db, "SELECT count(*) FROM t"); err != nil || fmt.Sprint(rows) != "[[1000]]" {
			t.Errorf("%s: afterwards %v %v", name, rows, err)
		}
		g.session.Close()
		if used := b.pool.Used(); used > 8<<20 {
			t.Errorf("%s: %d bytes are kept", name, used)
		}
	}
}
