package sqlite_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// FuzzFunctions calls the functions of the ABI with whatever a guest may pass: pointers and
// lengths that are nowhere, numbers of what is closed, SQL that is none. It gets codes only,
// and what is good works on afterwards.
func FuzzFunctions(f *testing.F) {
	f.Add([]byte("SELECT x FROM t"), []byte{0, 2, 6, 6, 9, 1})
	f.Add([]byte("SELECT ?, snippet(f, 0, '', '', '', 3) FROM f WHERE f MATCH 'a'"), []byte{0, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 9, 1, 0, 0, 2})
	f.Add([]byte("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n"), []byte{2, 6, 6, 6, 6, 9, 6})
	f.Add(encode("text", []byte("blob"), 1, 2.5, nil), []byte{2, 5, 6, 0xff, 0xfe, 0x80, 5, 6})
	b := newBundle(f)
	b.make("data.db", "CREATE TABLE t(x)", "INSERT INTO t VALUES(1),('two'),(x'03')", "CREATE VIRTUAL TABLE f USING fts5(x)", "INSERT INTO f VALUES('a b c')")
	names := []string{
		"open", "close", "prepare", "columns", "parameters", "bind", "step", "column", "reset", "finalize", "blob_open", "blob_read", "blob_close", "error", "deadline",
	}
	g := b.guest()
	params := functionParams()
	f.Fuzz(func(t *testing.T, content, moves []byte) {
		g.t = t
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		g.ctx = ctx
		memory := g.module.Memory()
		memory.Write(textAt, content[:min(len(content), 1<<20)])
		for i := range min(len(moves), 64) {
			name := names[int(moves[i])%len(names)]
			arguments := make([]uint64, len(params[name]))
			for k := range arguments {
				arguments[k] = argument(moves, i*7+k, content)
			}
			began := time.Now()
			code := g.call(name, arguments...)
			if took := time.Since(began); took > 10*time.Second {
				t.Fatalf("%s%v took %v", name, arguments, took)
			}
			if code < 0 {
				t.Fatalf("%s%v: code %d", name, arguments, code)
			}
		}
		g.ctx = t.Context()
		g.session.Reset()
		db := g.mustOpen("data.db")
		if rows, err := g.query(db, "SELECT x FROM t"); err != nil || len(rows) != 3 {
			t.Fatalf("afterwards: %v, %v", rows, err)
		}
		g.session.Reset()
	})
}

// argument makes a parameter of a call: mostly one that could be meant.
func argument(moves []byte, at int, content []byte) uint64 {
	m := moves[at%len(moves)]
	switch m % 16 {
	case 0, 1, 2, 3, 4, 5:
		return uint64(m % 16) // a number of something
	case 6:
		return textAt
	case 7:
		return uint64(len(content))
	case 8:
		return bufferAt
	case 9:
		return uint64(m) * 256
	case 10:
		return 16<<20 - uint64(m)
	case 11:
		return 1<<32 - uint64(m)
	case 12:
		return uint64(binary.LittleEndian.Uint32(append(moves[at%len(moves):len(moves):len(moves)], 1, 2, 3, 4)))
	}
	return 0
}

// FuzzFile opens a database that has been changed somewhere, FTS5 first: nothing but an
// error comes of it (T8). What quick_check finds at the push does not get as far as this.
func FuzzFile(f *testing.F) {
	b := newBundle(f)
	b.make("data.db", "PRAGMA page_size = 512", "CREATE TABLE t(i INTEGER PRIMARY KEY, s, j)", "CREATE INDEX i ON t(s)",
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO t SELECT i, 'word' || i, '{"a":[1,2,{"b":' || i || '}]}' FROM n`,
		"CREATE VIRTUAL TABLE f USING fts5(s, content='t', content_rowid='i', prefix='2 3')", "INSERT INTO f(f) VALUES('rebuild')",
		"CREATE VIRTUAL TABLE own USING fts5(s)", "INSERT INTO own SELECT s || ' ' || s FROM t", "CREATE VIRTUAL TABLE r USING rtree(i, a, b)",
		"INSERT INTO r SELECT i, i - 1, i + 1 FROM t", "CREATE TABLE w(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID", "INSERT INTO w SELECT i, s FROM t")
	good, err := os.ReadFile(filepath.Join(b.dir, "data.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 0, 0, 0})
	for i := range 40 {
		f.Add([]byte{byte(i), byte(i * 37), byte(i * 11), byte(255 - i), 3, byte(i), 0xff, 0xff})
	}
	queries := []string{
		"SELECT count(*), sum(length(s)), max(j ->> '$.a[2].b') FROM t", "SELECT s FROM t WHERE s > 'word3' ORDER BY s DESC",
		"SELECT highlight(own, 0, '<', '>'), snippet(own, 0, '<', '>', '…', 5), bm25(own) FROM own WHERE own MATCH 'word* NOT word5' ORDER BY rank",
		"SELECT s FROM f WHERE f MATCH 'NEAR(word1 word1) OR wo* OR \"word2\"'", "SELECT count(*) FROM own WHERE own MATCH 's : word1 + word1'",
		"SELECT * FROM r WHERE a > 10 AND b < 50", "SELECT * FROM w WHERE a > 5", "SELECT * FROM f_data", "SELECT * FROM own_docsize, own_content, f_idx LIMIT 100",
		"SELECT name, sql FROM sqlite_schema", "SELECT t.key, t.value FROM t AS x, json_tree(x.j) AS t",
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		content := append([]byte(nil), good...)
		for i := 0; i+3 < len(changes); i += 4 { // a place, and two bytes
			at := (int(changes[i])<<8 | int(changes[i+1])) * len(content) / (1 << 16)
			content[at] = changes[i+2]
			content[(at+1)%len(content)] ^= changes[i+3]
		}
		bundle := newBundle(t)
		if err := os.WriteFile(filepath.Join(bundle.dir, "bad.db"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		g := bundle.guest()
		for _, query := range queries {
			db, err := g.open("bad.db")
			if err != nil {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			g.ctx = ctx
			began := time.Now()
			_, _ = g.query(db, query)
			if took := time.Since(began); took > 10*time.Second { // of a busy machine
				t.Errorf("%s took %v", query, took)
			}
			cancel()
			g.ctx = t.Context()
			g.call("close", uint64(db))
		}
		g.session.Close()
		if stack := sqlite.Broken(); stack != "" {
			t.Error(stack)
		}
	})
}
