package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	sqlite3 "modernc.org/sqlite/lib"
)

// Export adds the functions of the ABI to a host module. Guests must be called with a
// context of [With].
func Export(builder wazero.HostModuleBuilder) {
	for _, f := range functions() {
		params := make([]api.ValueType, len(f.params))
		for i, c := range f.params {
			params[i] = api.ValueTypeI32
			if c == 'I' {
				params[i] = api.ValueTypeI64
			}
		}
		builder.NewFunctionBuilder().
			WithGoModuleFunction(f.run(), params, []api.ValueType{api.ValueTypeI32}).Export(f.name)
	}
}

// function is one function of the ABI.
type function struct {
	name string
	// params has a letter for each parameter: i is an i32, I an i64.
	params string
	call   func(call) error
}

// errMore is a step after which there may be more rows. It is no failure.
var (
	errMore = errors.New("there may be more rows")
	errDone = errors.New("there are no more rows")
)

// asks tells whether the function has SQLite do more than a look at what is there.
func (f function) asks() bool {
	return slices.Contains([]string{"open", "prepare", "step", "blob_open", "blob_read"}, f.name)
}

func (f function) run() api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		s, ok := ctx.Value(sessionKey{}).(*Session)
		if !ok {
			panic("sqlite: a guest was called without a session in its context")
		}
		s.calls++
		if s.timed {
			defer s.timing(f, uint32(stack[0]))()
		}
		stack[0] = uint64(uint32(s.code(f.call(call{Session: s, ctx: ctx, memory: m.Memory(), stack: stack}))))
	}
}

// code keeps an error for the guest to ask for, and returns its code.
func (s *Session) code(err error) int32 {
	switch {
	case err == nil:
		return sqlite3.SQLITE_OK
	case errors.Is(err, errMore):
		return sqlite3.SQLITE_ROW
	case errors.Is(err, errDone):
		return sqlite3.SQLITE_DONE
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Code: sqlite3.SQLITE_ERROR, Message: err.Error(), Offset: -1}
	}
	if e.Code == sqlite3.SQLITE_OK || e.Code == sqlite3.SQLITE_ROW || e.Code == sqlite3.SQLITE_DONE {
		e.Code = sqlite3.SQLITE_ERROR // it is one
	}
	s.fault = e
	return e.Code
}

// functions lists all functions of the ABI, in the order of its document.
func functions() []function {
	return []function{
		{"open", "iiii", call.open},
		{"close", "i", func(c call) error { return c.closeDatabase(c.u32(0)) }},
		{"prepare", "iiiii", call.prepare},
		{"columns", "iiii", func(c call) error { return c.describe(false) }},
		{"parameters", "iiii", func(c call) error { return c.describe(true) }},
		{"bind", "iii", call.bind},
		{"step", "iiii", call.step},
		{"column", "iiiiii", call.column},
		{"reset", "i", func(c call) error { return c.reset(c.ctx, c.u32(0)) }},
		{"finalize", "i", call.finalize},
		{"blob_open", "iiiiiIi", call.openBlob},
		{"blob_read", "iiii", call.readBlob},
		{"blob_close", "i", call.closeBlob},
		{"error", "iii", call.fault},
		{"deadline", "iI", func(c call) error { return c.deadline(c.u32(0), int64(c.stack[1])) }},
	}
}

// call is one call of a function, and lives no longer.
type call struct {
	*Session
	ctx    context.Context //nolint:containedctx // of this call
	memory api.Memory
	stack  []uint64
}

func (c call) u32(i int) uint32 { return uint32(c.stack[i]) }

// bytes is a view of the guest's memory; parameters i and i+1 are where it is.
func (c call) bytes(i int) ([]byte, error) {
	b, ok := c.memory.Read(c.u32(i), c.u32(i+1))
	if !ok {
		return nil, misuse("%d bytes at %d are not in memory", c.u32(i+1), c.u32(i))
	}
	return b, nil
}

// text copies a text out of the guest's memory, as bytes does.
func (c call) text(i int, most uint32) (string, error) {
	if c.u32(i+1) > most {
		return "", tooMuch("a text of %d bytes is too long: it may have %d", c.u32(i+1), most)
	}
	b, err := c.bytes(i)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", misuse("a text is not UTF-8")
	}
	return string(b), nil
}

// out is where parameter i says that so many numbers are to be written. It is looked for
// before anything is done.
func (c call) out(i, numbers int) (out, error) {
	b, ok := c.memory.Read(c.u32(i), uint32(4*numbers))
	if !ok {
		return nil, misuse("%d bytes at %d are not in memory", 4*numbers, c.u32(i))
	}
	return b, nil
}

// out is a place for numbers in the guest's memory.
type out []byte

func (o out) put(numbers ...uint32) {
	for i, n := range numbers {
		binary.LittleEndian.PutUint32(o[4*i:], n)
	}
}

// flags is a parameter that is 0 until there is one.
func (c call) flags(i int) error {
	if c.u32(i) != 0 {
		return misuse("the flags %#x mean nothing: they are to be 0", c.u32(i))
	}
	return nil
}

func (c call) open() error {
	to, err := c.out(3, 1)
	if err != nil {
		return err
	}
	path, err := c.text(0, maxPath)
	if err == nil {
		err = c.flags(2)
	}
	if err != nil {
		return err
	}
	number, err := c.Session.open(c.ctx, path)
	if err == nil {
		to.put(number)
	}
	return err
}

func (c call) prepare() error {
	to, err := c.out(4, 4)
	if err != nil {
		return err
	}
	sql, err := c.text(1, maxSQL)
	if err == nil {
		err = c.flags(3)
	}
	if err != nil {
		return err
	}
	p, err := c.Session.prepare(c.ctx, c.u32(0), sql)
	if err == nil {
		to.put(p.number, p.tail, p.parameters, p.columns)
	}
	return err
}

// describe writes the names of columns or parameters.
func (c call) describe(parameters bool) error {
	to, err := c.out(3, 1)
	if err != nil {
		return err
	}
	buffer, err := c.bytes(1)
	if err != nil {
		return err
	}
	names, err := c.names(c.ctx, c.u32(0), parameters)
	if err != nil {
		return err
	}
	if len(names) <= len(buffer) {
		copy(buffer, names)
	}
	to.put(uint32(len(names)))
	return nil
}

func (c call) bind() error {
	values, err := c.bytes(1)
	if err != nil {
		return err
	}
	return c.Session.bind(c.ctx, c.u32(0), values)
}

func (c call) step() error {
	to, err := c.out(3, 2)
	if err != nil {
		return err
	}
	buffer, err := c.bytes(1)
	if err != nil {
		return err
	}
	rows, n, more, err := c.Session.step(c.ctx, c.u32(0), buffer)
	if err != nil {
		return err
	}
	to.put(uint32(rows), uint32(n))
	if more {
		return errMore
	}
	return errDone
}

func (c call) column() error {
	to, err := c.out(5, 1)
	if err != nil {
		return err
	}
	buffer, err := c.bytes(3)
	if err != nil {
		return err
	}
	n, err := c.Session.column(c.ctx, c.u32(0), c.u32(1), c.u32(2), buffer)
	if err == nil {
		to.put(uint32(n))
	}
	return err
}

func (c call) finalize() error {
	if c.statements[c.u32(0)] == nil {
		return misuse("no statement is prepared under the number %d", c.u32(0))
	}
	c.Session.finalize(c.u32(0), c.meter)
	return nil
}

func (c call) openBlob() error {
	const longest = 4 << 10
	to, err := c.out(6, 2)
	if err != nil {
		return err
	}
	table, err := c.text(1, longest)
	if err != nil {
		return err
	}
	column, err := c.text(3, longest)
	if err != nil {
		return err
	}
	number, size, err := c.Session.openBlob(c.ctx, c.u32(0), table, column, int64(c.stack[5]))
	if err == nil {
		to.put(number, size)
	}
	return err
}

func (c call) readBlob() error {
	buffer, err := c.bytes(2)
	if err != nil {
		return err
	}
	return c.Session.readBlob(c.ctx, c.u32(0), c.u32(1), buffer)
}

func (c call) closeBlob() error {
	if c.blobs[c.u32(0)] == nil {
		return misuse("no blob is open under the number %d", c.u32(0))
	}
	c.Session.closeBlob(c.u32(0), c.meter)
	return nil
}

// fault writes what the last call that failed had to say, and is none of them.
func (c call) fault() error {
	to, err := c.out(2, 3)
	if err != nil {
		return err
	}
	buffer, err := c.bytes(0)
	if err != nil {
		return err
	}
	last := c.Session.fault
	if last == nil {
		last = &Error{Offset: -1}
	}
	copy(buffer, last.Message)
	to.put(uint32(last.Code), uint32(last.Offset), uint32(len(last.Message)))
	return nil
}

// sessionKey is where a guest's session stands in the context of its call.
type sessionKey struct{}

// sessionContext carries a session to the host functions.
type sessionContext struct {
	context.Context //nolint:containedctx // it is a context
	session         *Session
}

// Value implements [context.Context].
func (c sessionContext) Value(key any) any {
	if key == (sessionKey{}) {
		return c.session
	}
	return c.Context.Value(key)
}

// With returns the context to call a guest with whose session s is.
func With(ctx context.Context, s *Session) context.Context { return sessionContext{ctx, s} }
