package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"unicode"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// FTS5 looks for the words of a search in one document without asking anybody: for each
// word it goes over its places, and for those of NEAR over each other's. A document can
// have millions.
const (
	maxMatchBytes = 4 << 10
	maxMatchWords = 64
	maxNearWords  = 8 // of a search that has NEAR
)

// filter is how a virtual table is asked.
type filter = func(tls *libc.TLS, cursor uintptr, number int32, text uintptr, n int32, values uintptr) int32

// guardMatch gives FTS5's tables another way to be asked, which bounds searches. The
// table of its functions is one for the process, so the connection gets a copy.
func (c *connection) guardMatch() error {
	for e := at[sqlite3.Tsqlite3](c.db).FaModule.Ffirst; e != 0; e = at[sqlite3.THashElem](e).Fnext {
		module := at[sqlite3.TModule](at[sqlite3.THashElem](e).Fdata)
		if libc.GoString(module.FzName) != "fts5" {
			continue
		}
		methods := libc.Xmalloc(c.tls, types.Size_t(unsafe.Sizeof(sqlite3.Tsqlite3_module{})))
		if methods == 0 {
			return errors.New("set SQLite up: the system has no memory")
		}
		*at[sqlite3.Tsqlite3_module](methods) = *at[sqlite3.Tsqlite3_module](module.FpModule)
		run := guardOfFilter(at[sqlite3.Tsqlite3_module](methods).FxFilter)
		c.guards.kept, c.guards.methods = append(c.guards.kept, &run), methods
		at[sqlite3.Tsqlite3_module](methods).FxFilter = pointer(run)
		module.FpModule = methods
		return nil
	}
	return errors.New("set SQLite up: FTS5 was not found")
}

func guardOfFilter(was uintptr) filter {
	return func(tls *libc.TLS, cursor uintptr, number int32, plan uintptr, n int32, values uintptr) int32 {
		for i := range int(n) {
			if sqlite3.Xsqlite3_value_type(tls, value(values, i)) != sqlite3.SQLITE_TEXT {
				continue
			}
			search, _ := text(tls, values, i)
			if fault := checkMatch(search); fault != "" {
				table := at[sqlite3.Tsqlite3_vtab](at[sqlite3.Tsqlite3_vtab_cursor](cursor).FpVtab)
				sqlite3.Xsqlite3_free(tls, table.FzErrMsg)
				table.FzErrMsg = given(tls, fault)
				return sqlite3.SQLITE_ERROR
			}
		}
		return (*(*filter)(unsafe.Pointer(&struct{ uintptr }{was})))(tls, cursor, number, plan, n, values)
	}
}

// checkMatch says why a search is too much, "" if it is not.
func checkMatch(search []byte) string {
	words := 0
	if len(search) <= maxMatchBytes {
		words = len(bytes.FieldsFunc(search, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }))
	}
	switch {
	case len(search) > maxMatchBytes:
		return fmt.Sprintf("fts5: a search may have %d bytes, and this has %d", maxMatchBytes, len(search))
	case words > maxMatchWords:
		return fmt.Sprintf("fts5: a search may have %d words, and this has %d", maxMatchWords, words)
	case words > maxNearWords+1 && bytes.Contains(search, []byte("NEAR")):
		return fmt.Sprintf("fts5: a search with NEAR may have %d words", maxNearWords)
	}
	return ""
}
