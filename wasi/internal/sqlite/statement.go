package sqlite

import (
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// statement is a compiled statement of one connection, whose memory its text is counted in.
type statement struct {
	c    *connection
	sql  string // as far as it was read
	stmt uintptr
	tail int // how much of the text was read
}

// compile compiles the first statement of a text: nil where there is none. The text must
// have no NUL.
func (c *connection) compile(sql string) (s *statement, tail int, err error) {
	counted := int64(len(sql))
	if !c.heap.take(counted) {
		return nil, 0, c.outOfMemory()
	}
	defer func() { c.heap.give(counted) }() // what the statement does not keep
	text := given(c.tls, sql)
	if text == 0 {
		return nil, 0, c.outOfMemory()
	}
	defer sqlite3.Xsqlite3_free(c.tls, text)
	out := libc.Xcalloc(c.tls, 1, 16)
	defer libc.Xfree(c.tls, out)
	if rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(sql)+1), 0, out, out+8); rc != sqlite3.SQLITE_OK {
		return nil, 0, c.fault(rc)
	}
	stmt := *at[uintptr](out)
	tail = len(sql)
	if end := *at[uintptr](out + 8); end != 0 {
		tail = int(end - text)
	}
	if stmt == 0 {
		return nil, tail, nil
	}
	counted -= int64(tail)
	if tail < len(sql) {
		sql = strings.Clone(sql[:tail]) // or it would keep all of it
	}
	return &statement{c: c, sql: sql, stmt: stmt, tail: tail}, tail, nil
}

// reset ends what the statement does, and takes its values back. What it says of how
// that had gone is known already.
func (s *statement) reset() {
	sqlite3.Xsqlite3_reset(s.c.tls, s.stmt)
	sqlite3.Xsqlite3_clear_bindings(s.c.tls, s.stmt)
}

func (s *statement) free() {
	s.finalize()
	s.c.heap.give(int64(len(s.sql)))
}

// finalize frees what the library has of the statement; its text stays counted.
func (s *statement) finalize() {
	sqlite3.Xsqlite3_finalize(s.c.tls, s.stmt)
	s.stmt = 0
}

// cache are the statements of a connection that nobody uses, by their text: compiling one
// takes longer than to look a row up.
type cache struct {
	idle []*statement // the latest used last
}

const (
	cachedStatements = 24
	cachedSQL        = 8 << 10
)

// take returns a statement that was compiled of the text before, and is whole.
func (k *cache) take(sql string) *statement {
	for i := len(k.idle) - 1; i >= 0; i-- {
		if s := k.idle[i]; s.sql == sql {
			k.idle = append(k.idle[:i], k.idle[i+1:]...)
			return s
		}
	}
	return nil
}

// put takes a statement back.
func (k *cache) put(s *statement) {
	s.reset()
	if len(s.sql) > cachedSQL {
		s.free()
		return
	}
	k.idle = append(k.idle, s)
	if len(k.idle) > cachedStatements {
		k.idle[0].free()
		k.idle = append(k.idle[:0], k.idle[1:]...)
	}
}

func (k *cache) clear() {
	for _, s := range k.idle {
		s.free()
	}
	k.idle = nil
}
