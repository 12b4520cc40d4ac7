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

// measure is what a function's work grows with.
type measure int

const (
	product measure = iota // of the lengths of its first two arguments
	paths                  // the length of its first argument, for each of the others
	length                 // that of its first argument: it is ended between two calls only
	amount                 // what its first argument says, while which nobody else gets any
)

// guarded are the functions with how they are called, any number of arguments being -1.
func guarded() []guardedFunction {
	list := []guardedFunction{
		{"like", 2, product},
		{"like", 3, product},
		{"glob", 2, product},
		{"instr", 2, product},
		{"replace", 3, product},
		{"trim", 2, product},
		{"ltrim", 2, product},
		{"rtrim", 2, product},
		{"unhex", 2, product},
		{"json_patch", 2, product},
		{"jsonb_patch", 2, product},
		{"geopoly_overlap", 2, product},
		{"geopoly_within", 2, product},
		{"randomblob", 1, amount},
		{"length", 1, length},
		{"substr", 2, length},
		{"substr", 3, length},
		{"substring", 2, length},
		{"substring", 3, length},
		{"abs", 1, length},
		{"round", 1, length},
		{"soundex", 1, length},
		{"trim", 1, length},
		{"ltrim", 1, length},
		{"rtrim", 1, length},
		{"json_valid", 1, length},
		{"json_valid", 2, length},
		{"json_error_position", 1, length},
		{"json_array_length", 1, length},
		{"json_array_length", 2, length},
		{"json_type", 1, length},
		{"json_type", 2, length},
	}
	for _, name := range []string{"extract", "set", "insert", "replace", "remove"} {
		list = append(list, guardedFunction{"json_" + name, -1, paths}, guardedFunction{"jsonb_" + name, -1, paths})
	}
	return list
}

// guardedFunction is a function that is guarded.
type guardedFunction struct {
	name      string
	arguments int32
	by        measure
}

// work is what a call comes to.
func (m measure) work(tls *libc.TLS, argc int32, argv uintptr) int64 {
	if argc == 0 {
		return 0
	}
	if m == amount {
		const each = 32 // one MiB
		return each * min(max(sqlite3.Xsqlite3_value_int64(tls, value(argv, 0)), 0), 1<<40)
	}
	first := int64(argument(tls, argv, 0))
	switch m {
	case product:
		return first * int64(argument(tls, argv, 1))
	case paths:
		return first * int64(argc-1)
	case length, amount:
	}
	return first
}

// excuse says why a call is not made.
func (f guardedFunction) excuse(tls *libc.TLS, argv uintptr) string {
	if f.by == amount {
		return f.name + ": it makes at most 1 MiB at a time"
	}
	return fmt.Sprintf("%s: values of %d bytes and more take too long together", f.name, argument(tls, argv, 0))
}

// guards are the functions of the library, as they were before they were guarded, by the
// address of what stands in their place.
type guards struct {
	functions map[uintptr]uintptr // of the FuncDef that we have made to what was there
	// kept are the closures that the library calls, which nothing of Go's refers to.
	kept []any
	// methods are those of FTS5's tables, in the library's memory.
	methods uintptr
}

// scalar is a function of SQL.
type scalar = func(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr)

// guard puts our functions in the place of the library's.
func (c *connection) guard(ctx context.Context) (err error) {
	defer c.enter(ctx, nil)(&err)
	for _, f := range guarded() {
		if err := c.guardFunction(f); err != nil {
			return err
		}
	}
	if err := c.guardAuxiliary(); err != nil {
		return err
	}
	return c.guardMatch()
}

// guardFunction registers a function under the name of one that there is, with all that
// this has but its code. The planner goes on to see what it is: that LIKE can use an
// index, for instance.
func (c *connection) guardFunction(f guardedFunction) error {
	name, arguments := f.name, f.arguments
	before, err := c.function(name, arguments)
	if err != nil {
		return err
	}
	was := *at[sqlite3.TFuncDef](before)
	text := cString(c.tls, name)
	defer libc.Xfree(c.tls, text)
	const deterministic = sqlite3.SQLITE_UTF8 | sqlite3.SQLITE_DETERMINISTIC | sqlite3.SQLITE_INNOCUOUS
	run := guardOf(f)
	c.guards.kept = append(c.guards.kept, &run)
	rc := sqlite3.Xsqlite3_create_function_v2(c.tls, c.db, text, arguments, deterministic, was.FpUserData, pointer(run), 0, 0, 0)
	if rc != sqlite3.SQLITE_OK {
		return c.fault(rc)
	}
	after, err := c.function(name, arguments)
	if err != nil {
		return err
	}
	if at[sqlite3.TFuncDef](after).FxSFunc != pointer(run) {
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
	if arguments < 0 {
		arguments = 3 // which all that take any number take
	}
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

// guardOf is what is called instead of a function. It looks at the context, as a thousand
// calls may be in one row, with nothing between that does, and counts what is done in.
func guardOf(f guardedFunction) scalar {
	linear := map[string]scalar{"instr": instr, "replace": replace}[f.name]
	return func(tls *libc.TLS, ctx uintptr, argc int32, argv uintptr) {
		c := all.owner(tls)
		if c == nil {
			return
		}
		work, run := f.by.work(tls, argc, argv), c.guards.call
		if linear != nil && work > maxWork {
			work, run = int64(argument(tls, argv, 0)), linear
		}
		switch {
		case work >= largeBytes && c.over():
			interrupt(tls, ctx)
		case work > maxWork:
			refuse(tls, ctx, f.excuse(tls, argv))
		default:
			c.copied += work
			run(tls, ctx, argc, argv)
		}
	}
}

// interrupt ends the query that calls a function.
func interrupt(tls *libc.TLS, ctx uintptr) {
	sqlite3.Xsqlite3_result_error_code(tls, ctx, sqlite3.SQLITE_INTERRUPT)
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
	const number = 24
	switch v := value(argv, i); sqlite3.Xsqlite3_value_type(tls, v) {
	case sqlite3.SQLITE_INTEGER, sqlite3.SQLITE_FLOAT:
		return number // it is not made a text to be measured
	case sqlite3.SQLITE_NULL:
		return 0
	default:
		return sqlite3.Xsqlite3_value_bytes(tls, v)
	}
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
