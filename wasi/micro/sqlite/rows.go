package sqlite

import (
	"context"
	"database/sql/driver"
	"io"
	"math"
	"reflect"
	"time"
)

const (
	// firstBuffer is the room for the first rows; each batch that fills it makes the
	// next buffer four times larger, up to lastBuffer.
	firstBuffer = 16 << 10
	lastBuffer  = 256 << 10
	// columnBytes is what a column takes at least that is not sent: with room for that a
	// row always fits.
	columnBytes = 5 + 63
)

// rows are what a statement gives, a batch at a time.
type rows struct {
	conn      *conn
	statement *statement
	ctx       context.Context //nolint:containedctx // Next takes none
	done      bool            // the host has no more
	closed    bool

	reader
	room    int // for the batch
	current int // where the row begins that was read last, or is first; -1 for none
}

// fill reads the next batch.
func (r *rows) fill(ctx context.Context) error {
	if err := alive(ctx); err != nil {
		return err
	}
	r.grow()
	r.begin(r.buf[:0], 0)
	r.current = -1
	if err := r.conn.limit(ctx); err != nil {
		return err
	}
	count, size, code := r.conn.host.step(r.statement.id, r.buf[:r.room])
	if code != codeRow && code != codeDone {
		if err := alive(ctx); err != nil {
			return err
		}
		return r.conn.fail(code)
	}
	if size < 0 || size > r.room || count < 0 || count > size || (count == 0 && code == codeRow) ||
		(count > 0 && r.statement.outputs == 0) {
		return errBroken
	}
	r.begin(r.buf[:size], count)
	r.done = code == codeDone
	return nil
}

// grow gets a buffer, the connection's if that is large enough, and makes more room in it
// for each batch, as the first may be all that somebody wants.
func (r *rows) grow() {
	if r.room = min(4*r.room, lastBuffer); r.room == 0 {
		r.buf, r.conn.buffer = r.conn.buffer, nil
		r.room = firstBuffer
	}
	r.room = max(r.room, r.statement.outputs*columnBytes)
	if cap(r.buf) < r.room {
		r.buf = make([]byte, 0, r.room)
	}
}

// Columns implements [driver.Rows].
func (r *rows) Columns() []string { return r.statement.columns }

// Close implements [driver.Rows].
func (r *rows) Close() error {
	if r.closed {
		return nil
	}
	s := r.statement
	r.closed, r.left, r.current = true, 0, -1
	if cap(r.buf) > cap(r.conn.buffer) {
		r.conn.buffer = r.buf[:0]
	}
	r.reader = reader{}
	if s.id == 0 || r.conn.closed {
		return nil
	}
	if !r.done { // else the host has done it
		// The code is that of the last step once more, but where the host does not know it.
		if code := r.conn.host.reset(s.id); code == codeMisuse {
			return r.conn.fail(code)
		}
	}
	if s.busy = false; !s.kept {
		r.conn.give(s)
	}
	return nil
}

// Next implements [driver.Rows].
func (r *rows) Next(dest []driver.Value) error {
	if err := r.next(); err != nil {
		return err
	}
	if len(dest) != len(r.cells) {
		return errBroken
	}
	for i := range dest {
		dest[i] = r.value(i)
	}
	return nil
}

// next goes on to the next row, or says [io.EOF].
func (r *rows) next() error {
	if r.closed {
		return io.EOF
	}
	if r.left == 0 {
		r.current = -1
		if r.done {
			return io.EOF
		}
		if err := r.fill(r.ctx); err != nil {
			return err
		}
		if r.left == 0 {
			return io.EOF
		}
	}
	r.current = r.at
	unsent, err := r.advance()
	if err == nil && unsent {
		err = r.whole()
	}
	if err != nil {
		r.left = 0
	}
	return err
}

// whole asks for the values that were not sent, which only the last row of a batch has.
func (r *rows) whole() error {
	if r.left != 0 {
		return errBroken
	}
	return r.assemble(func(column, offset int, b []byte) (int, error) {
		n, code := r.conn.host.column(r.statement.id, column, offset, b)
		if code != codeOK {
			return 0, r.conn.fail(code)
		}
		return n, nil
	})
}

// tag is the type of a column in the row that was read last. Before the first it is that
// of the first, behind the last it is that of NULL.
func (r *rows) tag(index int) byte {
	at := r.current
	if at < 0 {
		return tagNull
	}
	for i := 0; ; i++ {
		tag, _, _, next, err := cut(r.buf, at)
		if err != nil || i == index {
			return tag
		}
		at = next
	}
}

// ColumnTypeDatabaseTypeName implements [driver.RowsColumnTypeDatabaseTypeName].
func (r *rows) ColumnTypeDatabaseTypeName(index int) string { return r.statement.declared[index] }

// ColumnTypeLength implements [driver.RowsColumnTypeLength].
func (r *rows) ColumnTypeLength(index int) (length int64, ok bool) {
	switch r.tag(index) {
	case tagText, tagBlob, tagTextKept, tagBlobKept:
		return math.MaxInt64, true
	}
	return 0, false
}

// ColumnTypeNullable implements [driver.RowsColumnTypeNullable].
func (r *rows) ColumnTypeNullable(int) (nullable, ok bool) { return true, true }

// ColumnTypePrecisionScale implements [driver.RowsColumnTypePrecisionScale].
func (r *rows) ColumnTypePrecisionScale(int) (precision, scale int64, ok bool) { return 0, 0, false }

// ColumnTypeScanType implements [driver.RowsColumnTypeScanType].
func (r *rows) ColumnTypeScanType(index int) reflect.Type {
	switch r.tag(index) {
	case tagInteger:
		switch r.statement.declared[index] {
		case "BOOLEAN":
			return reflect.TypeFor[bool]()
		case "DATE", "DATETIME", "TIME", "TIMESTAMP":
			return reflect.TypeFor[time.Time]()
		}
		return reflect.TypeFor[int64]()
	case tagFloat:
		return reflect.TypeFor[float64]()
	case tagText, tagTextKept:
		return reflect.TypeFor[string]()
	case tagBlob, tagBlobKept:
		return reflect.TypeFor[[]byte]()
	}
	return nil
}

var (
	_ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rows)(nil)
	_ driver.RowsColumnTypeNullable         = (*rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*rows)(nil)
)
