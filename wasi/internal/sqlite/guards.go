package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// The library looks at the context between the steps of a query. Most functions take as
// long for a step as their values are; these take the product of two lengths, which is
// hours for the longest values. They are guarded: called only where the product is one that
// ends soon.
//
// maxWork is the product of two lengths, in bytes, that takes a tenth of a second.
const maxWork = 32 << 20

// guarded are the functions with the number of their arguments.
func guarded() map[string]int32 {
	return map[string]int32{
		"like/2": 2, "like/3": 3, "glob/2": 2, "instr/2": 2, "replace/3": 3,
		"trim/2": 2, "ltrim/2": 2, "rtrim/2": 2, "unhex/2": 2, "json_patch/2": 2, "jsonb_patch/2": 2,
	}
}

// guards are the functions of the library, as they were before they were guarded, by the
// address of what stands in their place.
type guards struct {
	functions map[uintptr]uintptr // of the FuncDef that we have made to what was there
	// kept are the closures that the library calls, which nothing of Go's refers to.
	kept []any
}

// scalar is a function of SQL.
type scalar = func(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr)

// guard puts our functions in the place of the library's.
func (c *connection) guard() (err error) {
	defer c.enter(context.Background(), nil)(&err)
	for name, arguments := range guarded() {
		name, _, _ := strings.Cut(name, "/")
		if err := c.guardFunction(name, arguments); err != nil {
			return err
		}
	}
	return c.guardSnippet()
}

// guardFunction registers a function under the name of one that there is, with all that
// this has but its code. The planner goes on to see what it is: that LIKE can use an
// index, for instance.
func (c *connection) guardFunction(name string, arguments int32) error {
	before, err := c.function(name, arguments)
	if err != nil {
		return err
	}
	was := *at[sqlite3.TFuncDef](before)
	text := cString(c.tls, name)
	defer libc.Xfree(c.tls, text)
	const deterministic = sqlite3.SQLITE_UTF8 | sqlite3.SQLITE_DETERMINISTIC | sqlite3.SQLITE_INNOCUOUS
	run := guardOf(name)
	c.guards.kept = append(c.guards.kept, &run)
	rc := sqlite3.Xsqlite3_create_function_v2(c.tls, c.db, text, arguments, deterministic, was.FpUserData, pointer(run), 0, 0, 0)
	if rc != sqlite3.SQLITE_OK {
		return c.fault(rc)
	}
	after, err := c.function(name, arguments)
	if err != nil {
		return err
	}
	if after == before {
		return fmt.Errorf("set SQLite up: its function %s could not be guarded", name)
	}
	at[sqlite3.TFuncDef](after).FfuncFlags = was.FfuncFlags &^ sqlite3.SQLITE_FUNC_BUILTIN
	if c.guards.functions == nil {
		c.guards.functions = map[uintptr]uintptr{}
	}
	c.guards.functions[after] = was.FxSFunc
	return nil
}

// function finds what the library has of a function: in a statement that calls it.
func (c *connection) function(name string, arguments int32) (uintptr, error) {
	s, _, err := c.compile("SELECT " + name + "(" + strings.TrimSuffix(strings.Repeat("?,", int(arguments)), ",") + ")")
	if err != nil {
		return 0, err
	}
	defer s.free()
	vdbe := at[sqlite3.TVdbe](s.stmt)
	ops := unsafe.Slice(at[sqlite3.TVdbeOp](vdbe.FaOp), vdbe.FnOp)
	for i := range ops {
		if ops[i].Fp4type == sqlite3.P4_FUNCCTX {
			ctx := *(*uintptr)(unsafe.Pointer(&ops[i].Fp4))
			return at[sqlite3.Tsqlite3_context](ctx).FpFunc, nil
		}
	}
	return 0, fmt.Errorf("set SQLite up: its function %s was not found", name)
}

// guardOf is what is called instead of a function.
func guardOf(name string) scalar {
	linear := map[string]scalar{"instr": instr, "replace": replace}[name]
	return func(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr) {
		c := all.owner(tls)
		if c == nil {
			return
		}
		first, second := argument(tls, argv, 0), argument(tls, argv, 1)
		switch {
		case int64(first)*int64(second) <= maxWork:
			c.guards.call(tls, ctx, argc, argv)
		case linear != nil:
			linear(tls, ctx, argc, argv)
		default:
			refuse(tls, ctx, fmt.Sprintf("%s: values of %d and %d bytes take too long together", name, first, second))
		}
	}
}

// call calls what a guard stands for.
func (g *guards) call(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr) {
	was := g.functions[at[sqlite3.Tsqlite3_context](ctx).FpFunc]
	(*(*scalar)(unsafe.Pointer(&struct{ uintptr }{was})))(tls, ctx, argc, argv)
}

// value is the i-th argument of a function.
func value(argv uintptr, i int) uintptr { return *at[uintptr](argv + uintptr(i)*unsafe.Sizeof(argv)) }

// argument is the length of the i-th argument of a function, as the text that it is or can
// be made.
func argument(tls *libc.TLS, argv uintptr, i int) int32 {
	return sqlite3.Xsqlite3_value_bytes(tls, value(argv, i))
}

// text is the i-th argument, false if it is NULL.
func text(tls *libc.TLS, argv uintptr, i int) ([]byte, bool) {
	v := value(argv, i)
	p := sqlite3.Xsqlite3_value_text(tls, v)
	if p == 0 {
		return nil, false
	}
	return view(p, int(sqlite3.Xsqlite3_value_bytes(tls, v))), true
}

// blob is the i-th argument as it is stored, if it is a blob.
func blob(tls *libc.TLS, argv uintptr, i int) ([]byte, bool) {
	v := value(argv, i)
	if sqlite3.Xsqlite3_value_type(tls, v) != sqlite3.SQLITE_BLOB {
		return nil, false
	}
	p := sqlite3.Xsqlite3_value_blob(tls, v)
	return view(p, int(sqlite3.Xsqlite3_value_bytes(tls, v))), true
}

func refuse(tls *libc.TLS, ctx uintptr, message string) {
	p := cString(tls, message)
	defer libc.Xfree(tls, p)
	sqlite3.Xsqlite3_result_error(tls, ctx, p, int32(len(message)))
}

// instr is instr(X,Y) for long values. A place in a text is counted in characters.
func instr(tls *libc.TLS, ctx uintptr, _ int32, argv uintptr) {
	stack, isBlob := blob(tls, argv, 0)
	needle, both := blob(tls, argv, 1)
	if isBlob && both {
		sqlite3.Xsqlite3_result_int(tls, ctx, int32(bytes.Index(stack, needle)+1))
		return
	}
	stack, ok := text(tls, argv, 0)
	needle, also := text(tls, argv, 1)
	if !ok || !also {
		return // NULL
	}
	place := int32(0)
	for from := 0; ; {
		i := bytes.Index(stack[from:], needle)
		if i < 0 {
			sqlite3.Xsqlite3_result_int(tls, ctx, 0)
			return
		}
		place += characters(stack[from : from+i])
		from += i
		if !continues(stack[from]) || from == 0 {
			sqlite3.Xsqlite3_result_int(tls, ctx, place+1)
			return
		}
		from++ // in the middle of a character nothing begins
	}
}

// continues tells whether a byte of UTF-8 is not the first of its character.
func continues(b byte) bool { return b&0xc0 == 0x80 }

func characters(s []byte) (n int32) {
	for _, b := range s {
		if !continues(b) {
			n++
		}
	}
	return n
}

// replace is replace(X,Y,Z) for long values.
func replace(tls *libc.TLS, ctx uintptr, _ int32, argv uintptr) {
	in, ok := text(tls, argv, 0)
	pattern, also := text(tls, argv, 1)
	if !ok || !also {
		return // NULL
	}
	if len(pattern) == 0 || pattern[0] == 0 {
		sqlite3.Xsqlite3_result_value(tls, ctx, value(argv, 0))
		return
	}
	by, ok := text(tls, argv, 2)
	if !ok {
		return
	}
	c := all.owner(tls)
	size := int64(len(in)) + int64(bytes.Count(in, pattern))*int64(len(by)-len(pattern))
	if size > c.file.pool.config.MaxValue || size > math.MaxInt32 {
		sqlite3.Xsqlite3_result_error_toobig(tls, ctx)
		return
	}
	out := sqlite3.Xsqlite3_malloc64(tls, uint64(size+1))
	if out == 0 {
		sqlite3.Xsqlite3_result_error_nomem(tls, ctx)
		return
	}
	to := view(out, int(size+1))
	for {
		i := bytes.Index(in, pattern)
		if i < 0 {
			copy(to, in)
			break
		}
		to = to[copy(to, in[:i]):]
		to = to[copy(to, by):]
		in = in[i+len(pattern):]
	}
	sqlite3.Xsqlite3_result_text64(tls, ctx, out, uint64(size), pointer(sqlite3.Xsqlite3_free), sqlite3.SQLITE_UTF8)
}
