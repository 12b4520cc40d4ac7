package sqlite

import (
	"context"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// prepared is what prepare says of a statement.
type prepared struct {
	number, tail, parameters, columns uint32
}

// prepare compiles the first statement of a text.
func (s *Session) prepare(ctx context.Context, database uint32, sql string) (p prepared, err error) {
	d, c, err := s.database(ctx, database)
	if err != nil {
		return p, err
	}
	if len(s.statements) >= maxStatements {
		return p, &Error{Code: sqlite3.SQLITE_ERROR, Message: "128 statements are prepared already: finalize those that are not used", Offset: -1}
	}
	if strings.Contains(sql, "\x00") {
		return p, misuse("the SQL has a NUL in it")
	}
	defer c.enter(ctx, s.meter)(&err)
	q := &query{database: d, number: database}
	if q.s = c.prepared.take(sql); q.s != nil {
		p.tail = uint32(q.s.tail)
	} else {
		var tail int
		if q.s, tail, err = c.compile(sql); err != nil {
			return p, err
		}
		p.tail = uint32(tail)
		c.made += c.steps + int64(tail)*compileSteps
	}
	if q.s == nil {
		return p, nil
	}
	q.sql = q.s.sql
	if p.number, err = s.next(); err != nil {
		c.prepared.put(q.s)
		return p, err
	}
	if s.statements == nil {
		s.statements = map[uint32]*query{}
	}
	s.statements[p.number] = q
	q.describe()
	p.columns = uint32(q.columns)
	p.parameters = uint32(sqlite3.Xsqlite3_bind_parameter_count(c.tls, q.s.stmt))
	return p, nil
}

// compileSteps is how many steps of a query take as long as to compile a byte of its text.
const compileSteps = 4

func (q *query) describe() {
	q.columns = int(sqlite3.Xsqlite3_column_count(q.s.c.tls, q.s.stmt))
}

// query returns what the guest has a number of, compiled.
func (s *Session) query(ctx context.Context, number uint32) (*query, *connection, error) {
	q := s.statements[number]
	if q == nil {
		return nil, nil, misuse("no statement is prepared under the number %d", number)
	}
	c, err := s.connection(ctx, q.database)
	return q, c, err
}

// compiled makes the statement of a query that a snapshot has begun with. The connection
// has been entered.
func (q *query) compiled(c *connection) (err error) {
	if q.s != nil {
		return nil
	}
	if q.s = c.prepared.take(q.sql); q.s == nil {
		if q.s, _, err = c.compile(q.sql); err != nil {
			return err
		}
		if q.s == nil {
			return misuse("the statement is empty")
		}
	}
	c.heap.give(q.kept) // the statement has it
	q.kept = 0
	q.describe()
	return nil
}

// finalize frees a query, at the cost of an account; nil is nobody's.
func (s *Session) finalize(number uint32, meter Meter) {
	q := s.statements[number]
	delete(s.statements, number)
	if q == nil || q.database.c == nil || q.database.c.broken {
		return
	}
	if q.s == nil {
		q.database.c.heap.give(q.kept)
		return
	}
	var err error
	defer q.database.c.enter(context.Background(), meter)(&err) // it has no more to say
	q.account()
	q.database.c.prepared.put(q.s)
}

// account counts the steps that the query has made since it was asked last.
func (q *query) account() {
	c := q.s.c
	c.made += int64(sqlite3.Xsqlite3_stmt_status(c.tls, q.s.stmt, sqlite3.SQLITE_STMTSTATUS_VM_STEP, 1))
}

// maxNames bounds the description of the columns: a thousand of them may be of one table,
// whose name has a megabyte.
const maxNames = 4 << 20

// names appends the optional texts that describe the columns, or the parameters.
func (s *Session) names(ctx context.Context, number uint32, parameters bool) (out []byte, err error) {
	q, c, err := s.query(ctx, number)
	if err != nil {
		return nil, err
	}
	defer c.enter(ctx, s.meter)(&err)
	if err := q.compiled(c); err != nil {
		return nil, err
	}
	stmt := q.s.stmt
	if parameters {
		for i := range sqlite3.Xsqlite3_bind_parameter_count(c.tls, stmt) {
			out = appendOptional(out, sqlite3.Xsqlite3_bind_parameter_name(c.tls, stmt, i+1))
		}
		return out, nil
	}
	for i := range int32(q.columns) {
		out = appendOptional(out, sqlite3.Xsqlite3_column_name(c.tls, stmt, i))
		out = appendOptional(out, sqlite3.Xsqlite3_column_decltype(c.tls, stmt, i))
		out = appendOptional(out, sqlite3.Xsqlite3_column_table_name(c.tls, stmt, i))
		out = appendOptional(out, sqlite3.Xsqlite3_column_origin_name(c.tls, stmt, i))
		if len(out) > maxNames {
			return nil, tooMuch("the names of the columns have more than %d MiB", maxNames>>20)
		}
	}
	c.copied += int64(len(out))
	return out, nil
}

// reset has a query begin again.
func (s *Session) reset(ctx context.Context, number uint32) (err error) {
	q, c, err := s.query(ctx, number)
	if err != nil {
		return err
	}
	defer c.enter(ctx, s.meter)(&err)
	if q.s != nil {
		q.end()
	}
	return nil
}

// end ends the run of a query; its values stay bound.
func (q *query) end() {
	q.account()
	sqlite3.Xsqlite3_reset(q.s.c.tls, q.s.stmt)
	q.phase = ready
}

// bind gives a query its values.
func (s *Session) bind(ctx context.Context, number uint32, values []byte) (err error) {
	q, c, err := s.query(ctx, number)
	if err != nil {
		return err
	}
	defer c.enter(ctx, s.meter)(&err)
	if err := q.compiled(c); err != nil {
		return err
	}
	q.end()
	sqlite3.Xsqlite3_clear_bindings(c.tls, q.s.stmt)
	for i := int32(1); len(values) > 0; i++ {
		v, rest, err := readValue(values)
		if err != nil {
			return err
		}
		values = rest
		if rc := v.bind(c.tls, q.s.stmt, i); rc != sqlite3.SQLITE_OK {
			return c.fault(rc)
		}
	}
	return nil
}

// step runs a query and writes rows, as many as there is room for, and tells whether
// there may be more.
func (s *Session) step(ctx context.Context, number uint32, buffer []byte) (rows, n int, more bool, err error) {
	q, c, err := s.query(ctx, number)
	if err != nil {
		return 0, 0, false, err
	}
	ctx, cancel := q.database.within(ctx)
	defer cancel()
	defer c.enter(ctx, s.meter)(&err)
	if err := q.compiled(c); err != nil {
		return 0, 0, false, err
	}
	rows, n, more, halted, err := q.watched(buffer)
	if err == nil {
		err = s.took(n)
	}
	if err != nil {
		q.end()
	}
	if halted {
		q.kept = int64(len(q.s.sql))
		q.s.finalize()
		q.s = nil
	}
	c.copied += int64(n)
	return rows, n, more, err
}

// watched is step, which the end of the context halts wherever it is. A statement that was
// halted is to be freed.
func (q *query) watched(buffer []byte) (rows, n int, more, halted bool, err error) {
	ended := q.s.watch(q.s.c.ctx)
	defer func() {
		if halted = ended(); halted && err == nil {
			err = interrupted(q.s.c.ctx)
		}
	}()
	rows, n, more, err = q.step(buffer)
	return rows, n, more, false, err
}

func (q *query) step(buffer []byte) (rows, n int, more bool, err error) {
	for {
		if q.phase != pending {
			switch rc := sqlite3.Xsqlite3_step(q.s.c.tls, q.s.stmt); rc {
			case sqlite3.SQLITE_ROW:
				q.phase = running
			case sqlite3.SQLITE_DONE:
				q.end()
				return rows, n, false, nil
			default:
				return 0, 0, false, q.s.c.fault(rc)
			}
		}
		wrote, ok := q.s.row(buffer[n:], q.columns, false)
		if ok {
			rows, n, q.phase = rows+1, n+wrote, running
			continue
		}
		q.account()
		if rows > 0 {
			q.phase = pending
			return rows, n, true, nil
		}
		wrote, ok = q.s.row(buffer, q.columns, true)
		if !ok {
			return 0, 0, false, tooMuch("the buffer has %d bytes, and the row needs %d", len(buffer), wrote)
		}
		q.phase = stopped
		return 1, wrote, true, nil
	}
}

// column reads a part of a value that was not sent.
func (s *Session) column(ctx context.Context, number, column, offset uint32, buffer []byte) (n int, err error) {
	q, c, err := s.query(ctx, number)
	if err != nil {
		return 0, err
	}
	defer c.enter(ctx, s.meter)(&err)
	if q.phase != stopped {
		return 0, misuse("the statement is at no row with values that were not sent")
	}
	if column >= uint32(q.columns) {
		return 0, &Error{Code: sqlite3.SQLITE_RANGE, Message: "column index out of range", Offset: -1}
	}
	value := q.s.bytes(int32(column))
	if uint64(offset) > uint64(len(value)) {
		return 0, misuse("the value has %d bytes only", len(value))
	}
	n = copy(buffer, value[offset:])
	c.copied += int64(n)
	return n, s.took(n)
}

func appendOptional(out []byte, text uintptr) []byte {
	if text == 0 {
		return append(out, 0xff, 0xff, 0xff, 0xff)
	}
	s := libc.GoString(text)
	return append(appendLength(out, len(s)), s...)
}
