package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Row is a row of what a query gives. Its columns are counted from 0.
//
// A column is read as what is wanted of it, whatever type it has, by the rules of
// [database/sql.Rows.Scan] with three differences: NULL is the zero value, which
// [Row.Null] tells from others; a REAL that is whole is an integer, however it is
// written; and an empty BLOB is empty, but not nil. What cannot be converted is the zero value, and an error that [Row.Err] has.
type Row struct {
	reader *reader
	cells  []cell // of the reader; none where there is no row
	err    error
}

// Err returns the first error there was: of the query, or of reading a column. It is
// [database/sql.ErrNoRows] where a row was asked for and there is none.
func (r *Row) Err() error { return r.err }

// Null tells whether a column is NULL.
func (r *Row) Null(column int) bool { return r.cell(column).tag == tagNull }

// Int64 is a column as an integer.
func (r *Row) Int64(column int) int64 {
	if uint(column) < uint(len(r.cells)) && r.cells[column].tag == tagInteger {
		return r.cells[column].integer()
	}
	return r.toInt64(column)
}

// Float64 is a column as a floating-point number.
func (r *Row) Float64(column int) float64 {
	if uint(column) < uint(len(r.cells)) && r.cells[column].tag == tagFloat {
		return r.cells[column].float()
	}
	return r.toFloat64(column)
}

// Text is a column as a text. It may be kept; short ones share memory with others of
// their batch, up to 4 KiB, so of a few that are kept for long a [strings.Clone] is smaller.
func (r *Row) Text(column int) string {
	c := r.cell(column)
	switch c.tag {
	case tagNull:
		return ""
	case tagText:
		if r.reader.times == nil || !r.reader.times[column] {
			return r.reader.text(c)
		}
	case tagBlob:
		return r.reader.text(c)
	}
	return string(r.format(nil, column, c))
}

// Raw is what is in a column, or its text where that is no text and no blob, and nil for
// NULL. It is not to be changed, and is good until the next call of [Rows.Next] or
// [Rows.Close]: nothing is copied.
func (r *Row) Raw(column int) []byte {
	c := r.cell(column)
	switch c.tag {
	case tagNull:
		return nil
	case tagText:
		if r.reader.times == nil || !r.reader.times[column] {
			return r.reader.bytes(c)
		}
	case tagBlob:
		return r.reader.bytes(c)
	}
	return r.format(nil, column, c)
}

// Bytes is a copy of what Raw is.
func (r *Row) Bytes(column int) []byte {
	raw := r.Raw(column)
	if raw == nil {
		return nil
	}
	return append(make([]byte, 0, len(raw)), raw...)
}

// Time is a column as a time: one that is declared DATE, DATETIME or TIMESTAMP, or any
// that has a text of such a form.
func (r *Row) Time(column int) time.Time {
	c := r.cell(column)
	switch c.tag {
	case tagNull:
		return time.Time{}
	case tagText:
		if t, ok := r.reader.time(column, c); ok {
			return t
		}
		if t, _, ok := parseTime(r.reader.text(c), -1); ok {
			return t
		}
	}
	r.wrong(column, c, "a time")
	return time.Time{}
}

// Value is a column as database/sql gives it: nil, int64, float64, string, []byte or
// [time.Time].
func (r *Row) Value(column int) any {
	if c := r.cell(column); c.tag == tagNull {
		return nil
	}
	value := r.reader.value(column)
	if b, ok := value.([]byte); ok && r.reader.own { // which is to stay as it is
		return bytes.Clone(b)
	}
	return value
}

// cell finds a column, or says that there is none such: then it is NULL.
func (r *Row) cell(column int) cell {
	if uint(column) < uint(len(r.cells)) {
		return r.cells[column]
	}
	return r.none(column)
}

func (r *Row) none(column int) cell {
	switch {
	case r.err != nil:
	case r.reader == nil:
		r.err = errors.New("sqlite: a column is read where there is no row: Next goes on to one, and says when there is none")
	default:
		r.err = fmt.Errorf("sqlite: there is no column %d: the query gives %d, the first of which is 0", column, len(r.cells))
	}
	return cell{tag: tagNull}
}

func (r *Row) toInt64(column int) int64 {
	c := r.cell(column)
	switch c.tag {
	case tagNull:
		return 0
	case tagFloat:
		if f := c.float(); f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			return int64(f)
		}
	case tagText, tagBlob:
		if n, err := strconv.ParseInt(r.reader.text(c), 10, 64); err == nil {
			return n
		}
	}
	r.wrong(column, c, "an integer")
	return 0
}

func (r *Row) toFloat64(column int) float64 {
	c := r.cell(column)
	switch c.tag {
	case tagNull:
		return 0
	case tagInteger:
		return float64(c.integer())
	case tagText, tagBlob:
		if f, err := strconv.ParseFloat(r.reader.text(c), 64); err == nil {
			return f
		}
	}
	r.wrong(column, c, "a number")
	return 0
}

// format writes a column as a text.
func (r *Row) format(b []byte, column int, c cell) []byte {
	switch c.tag {
	case tagInteger:
		return strconv.AppendInt(b, c.integer(), 10)
	case tagFloat:
		return strconv.AppendFloat(b, c.float(), 'g', -1, 64)
	}
	if t, ok := r.reader.time(column, c); ok {
		return t.AppendFormat(b, time.RFC3339Nano)
	}
	return append(b, r.reader.bytes(c)...)
}

// wrong keeps the error of a column that is not what is wanted of it.
func (r *Row) wrong(column int, c cell, want string) {
	if r.err != nil {
		return
	}
	const most = 40
	text := r.format(nil, column, c)
	r.err = fmt.Errorf("sqlite: column %d is %.*q, which is not %s", column, most, text, want)
}
