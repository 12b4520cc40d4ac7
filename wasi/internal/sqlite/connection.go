package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// What a connection may take of the host.
const (
	heapBytes      = 96 << 20 // all that follow among it
	temporaryBytes = 64 << 20
	cacheKiB       = 1 << 10
)

// The bounds of a statement.
const (
	maxSQL        = 1 << 20
	maxColumns    = 1000
	maxParameters = 1000
	maxArguments  = 100
	maxDepth      = 200 // of expressions
	maxCompound   = 200 // terms of UNION and the like
	maxProgram    = 500_000
	maxPattern    = 10_000 // of LIKE and GLOB, in bytes
)

// progressSteps is how many steps of a query are made between two looks at its context.
//
// A step may compare or convert values of megabytes, which takes milliseconds.
const progressSteps = 100

// Meter is the CPU account of a guest, in fuel.
type Meter interface {
	// Charge counts fuel in.
	Charge(fuel int64)
	// Allows tells whether the guest may use so much more.
	Allows(fuel int64) bool
}

// connection is an open database, and all that the library keeps for it. It is used by one
// session at a time.
type connection struct {
	file   *file
	tls    *libc.TLS
	db     uintptr
	number uint64
	heap   heap
	// temporary are its files beside the database.
	temporary temporary
	prepared  cache
	guards    guards

	// Of the call that runs: nil between two.
	ctx    context.Context //nolint:containedctx // of this call
	meter  Meter
	steps  int64 // of queries, made in this call, as progress has counted them
	made   int64 // of them, as their statements say in the end
	copied int64 // the bytes of large values that were made in it
	// opening is the fuel of having opened it, until somebody has paid.
	opening int64
	// broken says that the library has failed in the middle of something: nobody touches
	// what it has left.
	broken bool
}

// connect opens a connection to a file.
func (f *file) connect(ctx context.Context) (*connection, error) {
	if unfit != nil {
		return nil, unfit
	}
	c := &connection{file: f, tls: libc.NewTLS(), number: all.numbers.Add(1)}
	c.heap.number, c.heap.limit, c.heap.budget = c.number, heapBytes, f.pool.config.Budget
	c.temporary = temporary{heap: &c.heap, limit: temporaryBytes}
	all.connections.Store(c.tls, c)
	all.heaps.Store(c.number, &c.heap)
	err := c.open(ctx)
	// What the library has in memory of a schema is what it has worked on.
	c.opening = openFuel + fuelOf(0, c.heap.used.Load()*schemaWork)
	if err == nil && ctx.Err() != nil { // it may have left a table out
		err = interrupted(ctx)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

const (
	// openFuel is the fuel of opening a connection to the smallest database.
	openFuel = 1_000_000
	// schemaWork is how often the bytes of a schema are copied, as it were, to compile it.
	schemaWork = 40
)

// interrupted is the error of who asks after the end of a context.
func interrupted(ctx context.Context) error {
	message := "interrupted: the request is over"
	if cause := context.Cause(ctx); errors.Is(cause, errOwnDeadline) {
		message = cause.Error()
	}
	return &Error{Code: sqlite3.SQLITE_INTERRUPT, Message: message, Offset: -1}
}

func (c *connection) open(ctx context.Context) error {
	if err := c.openFile(ctx); err != nil {
		return err
	}
	for _, pragma := range []string{
		"query_only = 1", "cell_size_check = 1", "mmap_size = 0", "temp_store = FILE", fmt.Sprintf("cache_size = -%d", cacheKiB),
	} {
		if err := c.run(ctx, "PRAGMA "+pragma); err != nil {
			return err
		}
	}
	if err := c.run(ctx, "SELECT count(*) FROM sqlite_schema"); err != nil { // which reads the schema
		return err
	}
	if err := c.guard(ctx); err != nil {
		return err
	}
	if err := c.connectTables(ctx); err != nil {
		return err
	}
	sqlite3.Xsqlite3_set_authorizer(c.tls, c.db, pointer(authorize), 0)
	return nil
}

// connectTables has the virtual tables make what they work with, among it statements that
// write, of which R-Tree has some that it does not use here. The authorizer would not let
// them. What is wrong with a table shows where it is asked for.
func (c *connection) connectTables(ctx context.Context) (err error) {
	const most = 100
	names, err := c.texts(ctx, fmt.Sprintf("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 LIMIT %d", most))
	if err != nil {
		return err
	}
	defer c.enter(ctx, nil)(&err)
	for _, name := range names {
		if s, _, err := c.compile("SELECT 1 FROM " + quote(name)); err == nil && s != nil {
			s.free()
		}
	}
	return nil
}

func (c *connection) openFile(ctx context.Context) (err error) {
	defer c.enter(ctx, nil)(&err)
	name := cString(c.tls, "db")
	defer libc.Xfree(c.tls, name)
	vfs := cString(c.tls, vfsName)
	defer libc.Xfree(c.tls, vfs)
	out := libc.Xmalloc(c.tls, 8)
	defer libc.Xfree(c.tls, out)
	const flags = sqlite3.SQLITE_OPEN_READONLY | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_PRIVATECACHE | sqlite3.SQLITE_OPEN_EXRESCODE
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, out, flags, vfs)
	c.db = *at[uintptr](out)
	if rc != sqlite3.SQLITE_OK {
		return c.fault(rc)
	}
	c.restrict()
	return nil
}

// restrict sets what a connection can do, before it does anything.
func (c *connection) restrict() {
	for limit, most := range map[int32]int32{
		sqlite3.SQLITE_LIMIT_LENGTH:              int32(c.file.pool.config.MaxValue),
		sqlite3.SQLITE_LIMIT_SQL_LENGTH:          maxSQL,
		sqlite3.SQLITE_LIMIT_COLUMN:              maxColumns,
		sqlite3.SQLITE_LIMIT_EXPR_DEPTH:          maxDepth,
		sqlite3.SQLITE_LIMIT_COMPOUND_SELECT:     maxCompound,
		sqlite3.SQLITE_LIMIT_VDBE_OP:             maxProgram,
		sqlite3.SQLITE_LIMIT_FUNCTION_ARG:        maxArguments,
		sqlite3.SQLITE_LIMIT_ATTACHED:            0,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: maxPattern,
		sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER:     maxParameters,
		sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH:       1,
		sqlite3.SQLITE_LIMIT_WORKER_THREADS:      0,
	} {
		sqlite3.Xsqlite3_limit(c.tls, c.db, limit, most)
	}
	for option, on := range map[int32]int32{
		sqlite3.SQLITE_DBCONFIG_DEFENSIVE:             1,
		sqlite3.SQLITE_DBCONFIG_TRUSTED_SCHEMA:        0,
		sqlite3.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION: 0,
		sqlite3.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER: 0,
		sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER:        0,
		sqlite3.SQLITE_DBCONFIG_WRITABLE_SCHEMA:       0,
		sqlite3.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE:  0,
		sqlite3.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE:   0,
	} {
		c.configure(option, on)
	}
	c.keepModules("fts5", "fts5vocab", "rtree", "rtree_i32", "geopoly", "json_each", "json_tree", "jsonb_each", "jsonb_tree")
	sqlite3.Xsqlite3_progress_handler(c.tls, c.db, progressSteps, pointer(progress), 0)
}

func (c *connection) configure(option, on int32) {
	list := libc.Xmalloc(c.tls, 16)
	defer libc.Xfree(c.tls, list)
	sqlite3.Xsqlite3_db_config(c.tls, c.db, option, libc.VaList(list, on, uintptr(0)))
}

// keepModules takes all table-valued functions away that are not named: those that show
// the pages of the file, or the library's own state.
func (c *connection) keepModules(names ...string) {
	const word = 8
	list := libc.Xcalloc(c.tls, 1, word*uint64(len(names)+1))
	defer libc.Xfree(c.tls, list)
	for i, name := range names {
		p := cString(c.tls, name)
		defer libc.Xfree(c.tls, p)
		*at[uintptr](list + uintptr(i*word)) = p
	}
	sqlite3.Xsqlite3_drop_modules(c.tls, c.db, list)
}

// run runs a statement of ours to its end.
func (c *connection) run(ctx context.Context, sql string) error {
	return c.each(ctx, sql, func(*statement) {})
}

// errBroken is what is left to say when the library has failed in itself.
var errBroken = errors.New("SQLite failed over this database: it may be damaged")

// enter has the connection work under a context and an account, until what it returns is
// called: with an error that it changes where the context is over, or the library broke.
// A fault of the library's memory is an error then, and no end of the process.
func (c *connection) enter(ctx context.Context, meter Meter) func(*error) {
	c.ctx, c.meter, c.steps, c.made, c.copied = ctx, meter, 0, 0, 0
	before := debug.SetPanicOnFault(true)
	return func(err *error) {
		debug.SetPanicOnFault(before)
		if failed := recover(); failed != nil {
			c.broken = true
			stack := fmt.Sprintf("%v\n%s", failed, debug.Stack())
			all.broken.Store(&stack)
			*err = &Error{Code: sqlite3.SQLITE_INTERNAL, Message: fmt.Sprintf("%v (%v)", errBroken, failed), Offset: -1}
		}
		over := *err != nil && ctx.Err() != nil
		steps, copied := max(c.steps, c.made), c.copied
		c.ctx, c.meter = nil, nil
		if over {
			*err = interrupted(ctx)
		}
		if meter != nil {
			meter.Charge(fuelOf(steps, copied))
		}
	}
}

// stepFuel is the fuel of one step of a query: as long as a step takes on average, a guest
// could have made so many instructions.
const stepFuel = 60

// fuelOf is the fuel of so many steps, and of so many bytes of large values.
func fuelOf(steps, bytes int64) int64 { return steps*stepFuel + bytes/4 }

// stopped tells whether the call is to end.
func (c *connection) stopped() bool { return c.ctx != nil && c.ctx.Err() != nil }

// largeBytes is from where on the making of a value is counted in itself: it takes longer
// than a step.
const largeBytes = 128 << 10

// allocate counts memory in for the library.
func (c *connection) allocate(n int64) bool {
	if n >= largeBytes {
		c.copied += n
	}
	return !c.stopped() && c.heap.take(n)
}

// progress is asked by the library while a query runs, or is compiled: not 0 ends it.
func progress(tls *libc.TLS, _ uintptr) int32 {
	c := all.owner(tls)
	if c == nil || c.ctx == nil {
		return 0
	}
	c.steps += progressSteps
	if c.over() {
		return 1
	}
	return 0
}

// over tells whether the call is to end, or the guest's fuel is used.
func (c *connection) over() bool {
	return c.stopped() || (c.meter != nil && !c.meter.Allows(fuelOf(c.steps, c.copied)))
}

// close frees all of it. What a broken connection has stays lost.
func (c *connection) close() {
	if !c.broken {
		err := c.shut()
		c.broken = c.broken || err != nil
	}
	if c.broken {
		return
	}
	all.connections.Delete(c.tls)
	c.heap.close()
	c.tls.Close()
}

func (c *connection) shut() (err error) {
	defer c.enter(context.Background(), nil)(&err)
	c.prepared.clear()
	if rc := sqlite3.Xsqlite3_close(c.tls, c.db); rc != sqlite3.SQLITE_OK {
		return c.fault(rc)
	}
	libc.Xfree(c.tls, c.guards.methods)
	return nil
}
