package sqlite

import (
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxInstances is how often the words of a search may be in one document for snippet(),
// which compares each place with each other.
const maxInstances = 4000

// auxiliary is an auxiliary function of FTS5.
type auxiliary = func(tls *libc.TLS, api, fts, ctx uintptr, n int32, values uintptr)

// guardAuxiliary puts functions before those of FTS5, in the list that it has of them.
func (c *connection) guardAuxiliary() error {
	api, err := c.fts5()
	if err != nil {
		return err
	}
	guarded := 0
	for p := at[sqlite3.TFts5Global](api).FpAux; p != 0; p = at[sqlite3.TFts5Auxiliary](p).FpNext {
		aux := at[sqlite3.TFts5Auxiliary](p)
		name := libc.GoString(aux.FzFunc)
		if name != "snippet" && name != "highlight" && name != "bm25" {
			continue
		}
		run := guardOfAuxiliary(name, aux.FxFunc)
		c.guards.kept = append(c.guards.kept, &run)
		aux.FxFunc = pointer(run)
		guarded++
	}
	if guarded != 3 {
		return errors.New("set SQLite up: the functions of FTS5 were not found")
	}
	return nil
}

func guardOfAuxiliary(name string, was uintptr) auxiliary {
	return func(tls *libc.TLS, api, fts, ctx uintptr, n int32, values uintptr) {
		c := all.owner(tls)
		switch {
		case c == nil:
		case c.over():
			interrupt(tls, ctx)
		case name == "snippet" && instances(tls, api, fts) > maxInstances:
			refuse(tls, ctx, fmt.Sprintf("snippet: the words are in a document more than %d times, which takes too long", maxInstances))
		default:
			(*(*auxiliary)(unsafe.Pointer(&struct{ uintptr }{was})))(tls, api, fts, ctx, n, values)
		}
	}
}

// instances is how often the words of the search are in the document.
func instances(tls *libc.TLS, api, fts uintptr) int32 {
	out := libc.Xcalloc(tls, 1, 8)
	defer libc.Xfree(tls, out)
	count := at[sqlite3.TFts5ExtensionApi](api).FxInstCount
	if (*(*func(*libc.TLS, uintptr, uintptr) int32)(unsafe.Pointer(&struct{ uintptr }{count})))(tls, fts, out) != sqlite3.SQLITE_OK {
		return 0 // and so will snippet find
	}
	return *at[int32](out)
}

// fts5 asks for the interface of FTS5, which is the beginning of what it has of the
// connection.
func (c *connection) fts5() (uintptr, error) {
	s, _, err := c.compile("SELECT fts5(?1)")
	if err != nil {
		return 0, err
	}
	defer s.free()
	kind := cString(c.tls, "fts5_api_ptr")
	defer libc.Xfree(c.tls, kind)
	out := libc.Xcalloc(c.tls, 1, 8)
	defer libc.Xfree(c.tls, out)
	sqlite3.Xsqlite3_bind_pointer(c.tls, s.stmt, 1, out, kind, 0)
	if rc := sqlite3.Xsqlite3_step(c.tls, s.stmt); rc != sqlite3.SQLITE_ROW {
		return 0, c.fault(rc)
	}
	return *at[uintptr](out), nil
}
