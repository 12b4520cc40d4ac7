package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"io"
	"math"
	"reflect"
	"time"
	"unsafe"
)

const (
	// firstBuffer is the room for the first rows; each batch that fills it makes the
	// next buffer four times larger, up to lastBuffer.
	firstBuffer = 16 << 10
	lastBuffer  = 256 << 10
	// columnBytes is what a column takes at least that is not sent: with room for that a
	// row always fits.
	columnBytes = 5 + 63
	// slabBytes is how much of a batch is made strings of at a time: each that is kept
	// keeps so much.
	slabBytes = 4 << 10
)

// rows are what a statement gives, a batch at a time.
type rows struct {
	conn      *conn
	statement *statement
	ctx       context.Context //nolint:containedctx // Next takes none
	done      bool            // the host has no more
	closed    bool

	buf     []byte // with the batch
	room    int    // for the batch
	left    int    // rows of it that are to come
	at      int    // where the next begins
	current int    // where the row begins that was read last, or is first; -1 for none
	slab    string // what is made strings of
	slabAt  int    // where in the batch it begins
	formats []int8 // of times, by column: the last that matched, plus 1
}

// fill reads the next batch.
func (r *rows) fill(ctx context.Context) error {
	if err := alive(ctx); err != nil {
		return err
	}
	r.grow()
	r.at, r.slab, r.current = 0, "", -1
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
	r.buf, r.left, r.done = r.buf[:size], count, code == codeDone
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
	r.buf = nil
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
	if len(dest) != r.statement.outputs {
		return errBroken
	}
	r.current = r.at
	for i := range dest {
		tag, from, n, next, err := cut(r.buf, r.at)
		if err == nil {
			dest[i], err = r.value(i, tag, from, n)
		}
		if err != nil {
			r.left = 0
			return err
		}
		r.at = next
	}
	r.left--
	return nil
}

// value makes Go's value of one of a row.
func (r *rows) value(column int, tag byte, from, n int) (driver.Value, error) {
	switch tag {
	case tagInteger:
		return r.conn.boxes.integers.box(int64(binary.LittleEndian.Uint64(r.buf[from:]))), nil
	case tagFloat:
		return r.conn.boxes.floats.box(math.Float64frombits(binary.LittleEndian.Uint64(r.buf[from:]))), nil
	case tagText:
		text := r.text(from, n)
		if isTime(r.statement.declared[column]) {
			return r.time(column, text), nil
		}
		return r.conn.boxes.texts.box(text), nil
	case tagBlob:
		if n == 0 {
			return []byte(nil), nil
		}
		return append(make([]byte, 0, n), r.buf[from:from+n]...), nil
	case tagTextKept, tagBlobKept:
		return r.kept(column, tag, n)
	}
	return nil, nil
}

// text makes a string of a part of the batch. The short ones are parts of a longer one,
// so that not each is made by itself.
func (r *rows) text(from, n int) string {
	if n > slabBytes/4 {
		return string(r.buf[from : from+n])
	}
	if from+n > r.slabAt+len(r.slab) || r.slab == "" {
		r.slabAt = from
		r.slab = string(r.buf[from:min(from+slabBytes, len(r.buf))])
	}
	return r.slab[from-r.slabAt:][:n]
}

// time makes a time of a text, if it is one.
func (r *rows) time(column int, text string) driver.Value {
	if r.formats == nil {
		r.formats = make([]int8, r.statement.outputs)
	}
	t, format, ok := parseTime(text, int(r.formats[column])-1)
	if !ok {
		return text
	}
	if r.formats[column] == 0 {
		r.formats[column] = int8(format + 1)
	}
	return t
}

// kept asks for a value that was not sent, which can only be one of the last row of a
// batch.
func (r *rows) kept(column int, tag byte, n int) (driver.Value, error) {
	if r.left != 1 {
		return nil, errBroken
	}
	b := make([]byte, n)
	for at := 0; at < n; {
		got, code := r.conn.host.column(r.statement.id, column, at, b[at:])
		if code != codeOK {
			return nil, r.conn.fail(code)
		}
		if got <= 0 || got > n-at {
			return nil, errBroken
		}
		at += got
	}
	switch {
	case tag == tagBlobKept && n == 0:
		return []byte(nil), nil
	case tag == tagBlobKept:
		return b, nil
	}
	text := unsafe.String(unsafe.SliceData(b), n) // b is nobody else's
	if isTime(r.statement.declared[column]) {
		return r.time(column, text), nil
	}
	return text, nil
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
