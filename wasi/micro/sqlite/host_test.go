//go:build !wasip1

package sqlite

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// library is a host whose engine is SQLite itself: what docs/sqlite-abi.md says, in the
// process of the test.
type library struct {
	t       *testing.T
	tls     *libc.TLS
	next    uint32
	handles map[uint32]uintptr // databases, statements and blobs
	of      map[uint32]uint32  // the database of each statement
	ahead   map[uint32]bool    // the statement is on a row that is to be written
	last    failure
	calls   []string
	after   time.Duration // of the latest deadline

	fault map[string]int32 // codes that functions fail with, once
}

type failure struct {
	code, offset int32
	message      string
}

func newLibrary(t *testing.T) *library {
	l := &library{t: t, tls: libc.NewTLS(), handles: map[uint32]uintptr{}, of: map[uint32]uint32{}, ahead: map[uint32]bool{}, fault: map[string]int32{}}
	t.Cleanup(l.tls.Close)
	return l
}

// called notes a call, and whether it is to fail.
func (l *library) called(name string) (int32, bool) {
	l.calls = append(l.calls, name)
	code, ok := l.fault[name]
	if ok {
		delete(l.fault, name)
		l.last = failure{code, -1, "made to fail"}
	}
	return code, ok
}

func (l *library) add(p uintptr) uint32 {
	l.next++
	l.handles[l.next] = p
	return l.next
}

func (l *library) text(s string) uintptr {
	p, err := libc.CString(s)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

func (l *library) fails(db uintptr, code int32) int32 {
	l.last = failure{code, sqlite3.Xsqlite3_error_offset(l.tls, db), libc.GoString(sqlite3.Xsqlite3_errmsg(l.tls, db))}
	return code
}

func (l *library) open(path string) (uint32, int32) {
	if code, ok := l.called("open"); ok {
		return 0, code
	}
	p := l.text(path)
	defer libc.Xfree(l.tls, p)
	out := l.tls.Alloc(8)
	defer l.tls.Free(8)
	code := sqlite3.Xsqlite3_open_v2(l.tls, p, out, sqlite3.SQLITE_OPEN_READONLY, 0)
	db := *in[uintptr](out)
	if code != codeOK {
		l.fails(db, code)
		sqlite3.Xsqlite3_close_v2(l.tls, db)
		return 0, code
	}
	return l.add(db), code
}

func (l *library) close(database uint32) int32 {
	if code, ok := l.called("close"); ok {
		return code
	}
	db, ok := l.handles[database]
	if !ok {
		return codeMisuse
	}
	for s, d := range l.of {
		if d == database {
			sqlite3.Xsqlite3_finalize(l.tls, l.handles[s])
			delete(l.handles, s)
			delete(l.of, s)
		}
	}
	delete(l.handles, database)
	return sqlite3.Xsqlite3_close_v2(l.tls, db)
}

func (l *library) prepare(database uint32, text string) (prepared, int32) {
	if code, ok := l.called("prepare"); ok {
		return prepared{}, code
	}
	db, ok := l.handles[database]
	if !ok {
		return prepared{}, codeMisuse
	}
	p := l.text(text)
	defer libc.Xfree(l.tls, p)
	out := l.tls.Alloc(16)
	defer l.tls.Free(16)
	if code := sqlite3.Xsqlite3_prepare_v2(l.tls, db, p, -1, out, out+8); code != codeOK {
		return prepared{}, l.fails(db, code)
	}
	s, tail := *in[uintptr](out), *in[uintptr](out + 8)
	if s == 0 {
		return prepared{read: int(tail - p)}, codeOK
	}
	id := l.add(s)
	l.of[id] = database
	return prepared{
		id: id, read: int(tail - p), inputs: int(sqlite3.Xsqlite3_bind_parameter_count(l.tls, s)),
		outputs: int(sqlite3.Xsqlite3_column_count(l.tls, s)),
	}, codeOK
}

// fill writes what fits, and tells how long it is.
func fill(buf, all []byte) (int, int32) {
	if len(all) <= len(buf) {
		copy(buf, all)
	}
	return len(all), codeOK
}

func optional(b []byte, p uintptr) []byte {
	if p == 0 {
		return binary.LittleEndian.AppendUint32(b, math.MaxUint32)
	}
	s := libc.GoString(p)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

func (l *library) columns(statement uint32, buf []byte) (int, int32) {
	if code, ok := l.called("columns"); ok {
		return 0, code
	}
	s := l.handles[statement]
	var b []byte
	for i := range sqlite3.Xsqlite3_column_count(l.tls, s) {
		b = optional(b, sqlite3.Xsqlite3_column_name(l.tls, s, i))
		b = optional(b, sqlite3.Xsqlite3_column_decltype(l.tls, s, i))
		b = optional(b, sqlite3.Xsqlite3_column_table_name(l.tls, s, i))
		b = optional(b, sqlite3.Xsqlite3_column_origin_name(l.tls, s, i))
	}
	return fill(buf, b)
}

func (l *library) parameters(statement uint32, buf []byte) (int, int32) {
	if code, ok := l.called("parameters"); ok {
		return 0, code
	}
	s := l.handles[statement]
	var b []byte
	for i := range sqlite3.Xsqlite3_bind_parameter_count(l.tls, s) {
		b = optional(b, sqlite3.Xsqlite3_bind_parameter_name(l.tls, s, i+1))
	}
	return fill(buf, b)
}

func (l *library) bind(statement uint32, values []byte) int32 {
	if code, ok := l.called("bind"); ok {
		return code
	}
	s := l.handles[statement]
	sqlite3.Xsqlite3_reset(l.tls, s)
	sqlite3.Xsqlite3_clear_bindings(l.tls, s)
	l.ahead[statement] = false
	i := int32(1)
	for at := 0; at < len(values); i++ {
		tag, from, n, next, err := cut(values, at)
		if err != nil {
			return codeMisuse
		}
		var code int32
		const transient = ^uintptr(0)
		var p uintptr
		if n > 0 {
			p = uintptr(unsafe.Pointer(&values[from]))
		}
		switch tag {
		case tagInteger:
			code = sqlite3.Xsqlite3_bind_int64(l.tls, s, i, int64(binary.LittleEndian.Uint64(values[from:])))
		case tagFloat:
			code = sqlite3.Xsqlite3_bind_double(l.tls, s, i, math.Float64frombits(binary.LittleEndian.Uint64(values[from:])))
		case tagText:
			z := l.text(string(values[from : from+n]))
			code = sqlite3.Xsqlite3_bind_text(l.tls, s, i, z, int32(n), transient)
			libc.Xfree(l.tls, z)
		case tagBlob:
			if n == 0 {
				code = sqlite3.Xsqlite3_bind_zeroblob(l.tls, s, i, 0)
			} else {
				code = sqlite3.Xsqlite3_bind_blob(l.tls, s, i, p, int32(n), transient)
			}
		}
		if code != codeOK {
			return l.fails(sqlite3.Xsqlite3_db_handle(l.tls, s), code)
		}
		at = next
	}
	return codeOK
}

// value writes a column of the row that a statement is on.
func (l *library) value(b []byte, s uintptr, i int32, send int) []byte {
	long := func(tag byte, p uintptr) []byte {
		n := int(sqlite3.Xsqlite3_column_bytes(l.tls, s, i))
		if n > send {
			return appendLength(b, tag+2, n)
		}
		return append(appendLength(b, tag, n), unsafe.Slice(in[byte](p), n)...)
	}
	switch sqlite3.Xsqlite3_column_type(l.tls, s, i) {
	case sqlite3.SQLITE_INTEGER:
		return appendInteger(b, sqlite3.Xsqlite3_column_int64(l.tls, s, i))
	case sqlite3.SQLITE_FLOAT:
		return binary.LittleEndian.AppendUint64(append(b, tagFloat), math.Float64bits(sqlite3.Xsqlite3_column_double(l.tls, s, i)))
	case sqlite3.SQLITE_TEXT:
		return long(tagText, sqlite3.Xsqlite3_column_text(l.tls, s, i))
	case sqlite3.SQLITE_BLOB:
		return long(tagBlob, sqlite3.Xsqlite3_column_blob(l.tls, s, i))
	}
	return append(b, tagNull)
}

func (l *library) row(s uintptr, send int) []byte {
	var b []byte
	for i := range sqlite3.Xsqlite3_column_count(l.tls, s) {
		b = l.value(b, s, i, send)
	}
	return b
}

func (l *library) step(statement uint32, buf []byte) (count, size int, code int32) {
	if code, ok := l.called("step"); ok {
		return 0, 0, code
	}
	s, ok := l.handles[statement]
	if !ok {
		return 0, 0, codeMisuse
	}
	for {
		if !l.ahead[statement] {
			switch code := sqlite3.Xsqlite3_step(l.tls, s); code {
			case codeRow:
			case codeDone:
				sqlite3.Xsqlite3_reset(l.tls, s)
				return count, size, codeDone
			default:
				return 0, 0, l.fails(sqlite3.Xsqlite3_db_handle(l.tls, s), code)
			}
		}
		row := l.row(s, math.MaxInt)
		if len(row) > len(buf)-size && count > 0 {
			l.ahead[statement] = true
			return count, size, codeRow
		}
		l.ahead[statement] = false
		last := false
		if len(row) > len(buf) {
			row, last = l.row(s, 63), true
		}
		if len(row) > len(buf) {
			l.last = failure{18, -1, "the row does not fit"}
			return 0, 0, 18
		}
		count, size = count+1, size+copy(buf[size:], row)
		if last {
			return count, size, codeRow
		}
	}
}

func (l *library) column(statement uint32, column, offset int, buf []byte) (int, int32) {
	if code, ok := l.called("column"); ok {
		return 0, code
	}
	s := l.handles[statement]
	var p uintptr
	if sqlite3.Xsqlite3_column_type(l.tls, s, int32(column)) == sqlite3.SQLITE_TEXT {
		p = sqlite3.Xsqlite3_column_text(l.tls, s, int32(column))
	} else {
		p = sqlite3.Xsqlite3_column_blob(l.tls, s, int32(column))
	}
	all := unsafe.Slice(in[byte](p), sqlite3.Xsqlite3_column_bytes(l.tls, s, int32(column)))
	const part = 100_000 // so that there are several
	return copy(buf[:min(len(buf), part)], all[offset:]), codeOK
}

func (l *library) reset(statement uint32) int32 {
	if code, ok := l.called("reset"); ok {
		return code
	}
	l.ahead[statement] = false
	return sqlite3.Xsqlite3_reset(l.tls, l.handles[statement])
}

func (l *library) finalize(statement uint32) int32 {
	if code, ok := l.called("finalize"); ok {
		return code
	}
	s := l.handles[statement]
	delete(l.handles, statement)
	delete(l.of, statement)
	return sqlite3.Xsqlite3_finalize(l.tls, s)
}

func (l *library) blobOpen(database uint32, table, column string, row int64) (blob, size uint32, code int32) {
	if code, ok := l.called("blobOpen"); ok {
		return 0, 0, code
	}
	main, t, c := l.text("main"), l.text(table), l.text(column)
	out := l.tls.Alloc(8)
	defer l.tls.Free(8)
	db := l.handles[database]
	if code := sqlite3.Xsqlite3_blob_open(l.tls, db, main, t, c, row, 0, out); code != codeOK {
		return 0, 0, l.fails(db, code)
	}
	b := *in[uintptr](out)
	return l.add(b), uint32(sqlite3.Xsqlite3_blob_bytes(l.tls, b)), codeOK
}

func (l *library) blobRead(blob uint32, offset int64, buf []byte) int32 {
	if code, ok := l.called("blobRead"); ok {
		return code
	}
	return sqlite3.Xsqlite3_blob_read(l.tls, l.handles[blob], uintptr(unsafe.Pointer(unsafe.SliceData(buf))), int32(len(buf)), int32(offset))
}

func (l *library) blobClose(blob uint32) int32 {
	if code, ok := l.called("blobClose"); ok {
		return code
	}
	b := l.handles[blob]
	delete(l.handles, blob)
	return sqlite3.Xsqlite3_blob_close(l.tls, b)
}

// deadline is kept for who asks what was set.
func (l *library) deadline(_ uint32, after time.Duration) int32 {
	if code, ok := l.called("deadline"); ok {
		return code
	}
	l.after = after
	return codeOK
}

func (l *library) failure(buf []byte) (code, offset int32, size int) {
	copy(buf, l.last.message)
	return l.last.code, l.last.offset, len(l.last.message)
}

var _ host = (*library)(nil)

func goString(p uintptr) string { return libc.GoString(p) }
