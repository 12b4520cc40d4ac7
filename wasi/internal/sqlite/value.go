package sqlite

import (
	"encoding/binary"
	"math"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// The bytes that name the type of a value.
const (
	tagNull = iota
	tagInteger
	tagFloat
	tagText
	tagBlob
	tagTextNotSent
	tagBlobNotSent
)

// longValue is from how many bytes on a value may be not sent.
const longValue = 64

// boundValue is a value as the guest has written it, in the guest's memory.
type boundValue struct {
	tag   byte
	bits  uint64
	bytes []byte
}

// readValue reads the first of the values that follow one another.
func readValue(b []byte) (v boundValue, rest []byte, err error) {
	v.tag, b = b[0], b[1:]
	switch v.tag {
	case tagNull:
		return v, b, nil
	case tagInteger, tagFloat:
		if len(b) < 8 {
			return v, nil, misuse("a value ends in its middle")
		}
		v.bits = binary.LittleEndian.Uint64(b)
		return v, b[8:], nil
	case tagText, tagBlob:
		if len(b) < 4 {
			return v, nil, misuse("a value ends in its middle")
		}
		n := uint64(binary.LittleEndian.Uint32(b))
		if b = b[4:]; uint64(len(b)) < n {
			return v, nil, misuse("a value ends in its middle")
		}
		v.bytes = b[:n]
		return v, b[n:], nil
	}
	return v, nil, misuse("%d is no type of a value", v.tag)
}

// bind gives a statement the value, of which the library keeps a copy: the guest's memory
// may move, and change.
func (v boundValue) bind(tls *libc.TLS, stmt uintptr, i int32) int32 {
	switch v.tag {
	case tagInteger:
		return sqlite3.Xsqlite3_bind_int64(tls, stmt, i, int64(v.bits))
	case tagFloat:
		return sqlite3.Xsqlite3_bind_double(tls, stmt, i, math.Float64frombits(v.bits))
	case tagText, tagBlob:
		if len(v.bytes) > math.MaxInt32-1 {
			return sqlite3.SQLITE_TOOBIG
		}
		p, free := given(tls, v.bytes), pointer(sqlite3.Xsqlite3_free)
		if p == 0 {
			return sqlite3.SQLITE_NOMEM
		}
		if v.tag == tagBlob {
			return sqlite3.Xsqlite3_bind_blob(tls, stmt, i, p, int32(len(v.bytes)), free)
		}
		// With its end marked it need not be copied wherever it is used.
		return sqlite3.Xsqlite3_bind_text64(tls, stmt, i, p, uint64(len(v.bytes)), free, sqlite3.SQLITE_UTF8_ZT)
	}
	return sqlite3.Xsqlite3_bind_null(tls, stmt, i)
}

func appendLength(b []byte, n int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(n)) }

// row writes the row that a statement is at, with its longer values not sent if it is
// asked. It returns how long that is, or would be, and whether there was room.
func (s *statement) row(buffer []byte, columns int, short bool) (n int, ok bool) {
	// The library has the values of a row one behind another.
	first := sqlite3.Xsqlite3_column_value(s.c.tls, s.stmt, 0)
	for i := range columns {
		v := at[sqlite3.Tsqlite3_value](first + uintptr(i)*unsafe.Sizeof(sqlite3.Tsqlite3_value{}))
		n = s.plain(buffer, n, int32(i), v, short)
	}
	return n, n <= len(buffer)
}

// plain is value for one that is as it is to be written, which nearly all are: reading it
// where it stands costs less than the library's functions, of which each column takes three.
func (s *statement) plain(buffer []byte, n int, column int32, v *sqlite3.Tsqlite3_value, short bool) int {
	const number, head = 9, 5
	const kinds = sqlite3.MEM_AffMask | sqlite3.MEM_Zero // a zeroblob is not there yet
	tag := byte(tagInteger)
	switch v.Fflags & kinds {
	case sqlite3.MEM_Real:
		tag = tagFloat
		fallthrough
	case sqlite3.MEM_Int:
		if n+number <= len(buffer) {
			buffer[n] = tag
			binary.LittleEndian.PutUint64(buffer[n+1:], *(*uint64)(unsafe.Pointer(&v.Fu)))
		}
		return n + number
	case sqlite3.MEM_Str:
		size := int(v.Fn)
		if v.Fenc != sqlite3.SQLITE_UTF8 || (short && size >= longValue) {
			break
		}
		if n+head+size <= len(buffer) {
			buffer[n] = tagText
			binary.LittleEndian.PutUint32(buffer[n+1:], uint32(size))
			copy(buffer[n+head:], view(v.Fz, size))
		}
		return n + head + size
	}
	return s.value(buffer, n, column, short)
}

// value writes a value at buffer[n:], and returns where it ends; nothing is written
// beyond the buffer.
func (s *statement) value(buffer []byte, n int, column int32, short bool) int {
	const number, head = 9, 5
	tls, stmt := s.c.tls, s.stmt
	room := func(size int) bool { return n+size <= len(buffer) }
	switch kind := sqlite3.Xsqlite3_column_type(tls, stmt, column); kind {
	case sqlite3.SQLITE_INTEGER:
		if room(number) {
			buffer[n] = tagInteger
			binary.LittleEndian.PutUint64(buffer[n+1:], uint64(sqlite3.Xsqlite3_column_int64(tls, stmt, column)))
		}
		return n + number
	case sqlite3.SQLITE_FLOAT:
		if room(number) {
			buffer[n] = tagFloat
			binary.LittleEndian.PutUint64(buffer[n+1:], math.Float64bits(sqlite3.Xsqlite3_column_double(tls, stmt, column)))
		}
		return n + number
	case sqlite3.SQLITE_TEXT, sqlite3.SQLITE_BLOB:
		content := s.bytes(column)
		tag, size := byte(tagText), head+len(content)
		if kind == sqlite3.SQLITE_BLOB {
			tag = tagBlob
		}
		if short && len(content) >= longValue {
			tag, size = tag+tagTextNotSent-tagText, head
		}
		if room(size) {
			buffer[n] = tag
			binary.LittleEndian.PutUint32(buffer[n+1:], uint32(len(content)))
			copy(buffer[n+head:n+size], content)
		}
		return n + size
	}
	if room(1) {
		buffer[n] = tagNull
	}
	return n + 1
}

// bytes is a text, or blob, of the row that a statement is at, good until its next step.
func (s *statement) bytes(column int32) []byte {
	tls, stmt := s.c.tls, s.stmt
	if sqlite3.Xsqlite3_column_type(tls, stmt, column) == sqlite3.SQLITE_BLOB {
		p := sqlite3.Xsqlite3_column_blob(tls, stmt, column)
		return view(p, int(sqlite3.Xsqlite3_column_bytes(tls, stmt, column)))
	}
	p := sqlite3.Xsqlite3_column_text(tls, stmt, column)
	return view(p, int(sqlite3.Xsqlite3_column_bytes(tls, stmt, column)))
}
