//go:build !wasip1

package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
	"time"
)

// What is bound is read again as what it was.
func TestValues(t *testing.T) {
	when := time.Date(2024, 2, 29, 12, 34, 56, 7, time.UTC)
	for _, c := range []struct{ value, want driver.Value }{
		{nil, nil},
		{int64(math.MinInt64), int64(math.MinInt64)},
		{2.5, 2.5},
		{math.Inf(-1), math.Inf(-1)},
		{true, int64(1)},
		{false, int64(0)},
		{"", ""},
		{"a\x00ü\xff", "a\x00ü\xff"},
		{[]byte(nil), nil},
		{[]byte{}, []byte(nil)},
		{[]byte{0, 255}, []byte{0, 255}},
		{when, "2024-02-29 12:34:56.000000007 +0000 UTC"},
	} {
		b, err := appendValue([]byte("before"), c.value)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, next, err := cut(b, len("before"))
		if err != nil || next != len(b) {
			t.Fatalf("%v: ends at %d of %d, %v", c.value, next, len(b), err)
		}
		r := &reader{cells: make([]cell, 1), boxes: &boxes{}}
		r.begin(b, 1)
		r.at = len("before")
		_, err = r.advance()
		if err != nil || r.at != len(b) {
			t.Fatalf("%v: ends at %d of %d, %v", c.value, r.at, len(b), err)
		}
		got := r.value(0)
		want, ok := c.want.([]byte)
		if have, is := got.([]byte); err != nil || is != ok || (ok && !bytes.Equal(have, want)) || (!ok && got != c.want) {
			t.Errorf("%#v is read as %#v, %v", c.value, got, err)
		}
	}
	if _, err := appendValue(nil, struct{}{}); err == nil {
		t.Error("a struct is bound")
	}
}

// Times are read in the formats of SQLite and Go, and the one that matched is kept.
func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2024-02-29": "2024-02-29T00:00:00Z", "2024-02-29 12:34": "2024-02-29T12:34:00Z", "2024-02-29T12:34:56.5Z": "2024-02-29T12:34:56.5Z",
		"2024-02-29 12:34:56+02:00": "2024-02-29T12:34:56+02:00", "2024-02-29 12:34:56.5 +0100 CET m=+0.1": "2024-02-29T12:34:56.5+01:00",
		"2024-02-30": "", "": "", "12:34": "", "x": "",
	} {
		for last := -1; last < 7; last++ {
			got, _, ok := parseTime(text, last)
			if ok != (want != "") || (ok && got.Format(time.RFC3339Nano) != want) {
				t.Errorf("%q, with the format %d first, is %v", text, last, got)
			}
		}
	}
}

// scripted is a host that answers with bytes that somebody else has chosen.
type scripted struct {
	host
	bytes  []byte
	budget int // of calls
}

// next is a number from the bytes.
func (s *scripted) next() uint32 {
	if s.budget--; len(s.bytes) < 4 || s.budget < 0 {
		return 0
	}
	n := binary.LittleEndian.Uint32(s.bytes)
	s.bytes = s.bytes[4:]
	return n
}

// code is one of the usual ones, or any.
func (s *scripted) code(usual ...int32) int32 {
	n := s.next()
	if i := n >> 24; int(i) < len(usual) {
		return usual[i]
	}
	return int32(n & 0xffff)
}

func (s *scripted) fill(buf []byte) int {
	n := s.next()
	copy(buf, s.bytes)
	s.bytes = s.bytes[min(len(buf), len(s.bytes), int(n&0xff)):]
	return int(int32(n)) >> 8
}

func (s *scripted) open(string) (uint32, int32) { return 1, codeOK }
func (s *scripted) close(uint32) int32          { return codeOK }

func (s *scripted) prepare(uint32, string) (prepared, int32) {
	return prepared{s.next() & 3, int(s.next() & 15), int(s.next() & 7), int(s.next() & 3)}, s.code(codeOK)
}

func (s *scripted) columns(_ uint32, buf []byte) (int, int32) { return s.fill(buf), s.code(codeOK) }

func (s *scripted) parameters(_ uint32, buf []byte) (int, int32) { return s.fill(buf), s.code(codeOK) }
func (s *scripted) bind(uint32, []byte) int32                    { return s.code(codeOK) }
func (s *scripted) step(_ uint32, buf []byte) (int, int, int32) {
	size := s.fill(buf)
	return int(int32(s.next())), size, s.code(codeRow, codeDone)
}

func (s *scripted) column(_ uint32, _, _ int, buf []byte) (int, int32) {
	return s.fill(buf), s.code(codeOK)
}
func (s *scripted) reset(uint32) int32    { return s.code(codeOK) }
func (s *scripted) finalize(uint32) int32 { return s.code(codeOK) }
func (s *scripted) failure(buf []byte) (code, offset int32, size int) {
	return int32(s.next()), int32(s.next()), s.fill(buf)
}

// FuzzHost holds that whatever a host answers gives rows or errors, and an end.
func FuzzHost(f *testing.F) {
	word := func(words ...uint32) (b []byte) {
		for _, w := range words {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		return b
	}
	row := []byte("\x01\x07\x00\x00\x00\x00\x00\x00\x00\x03\x02\x00\x00\x00ab\x00")
	columns := bytes.Repeat([]byte("\x01\x00\x00\x00a\x04\x00\x00\x00date\xff\xff\xff\xff\xff\xff\xff\xff"), 3)
	good := append(word(1, 8, 0, 3, 0, uint32(len(columns))<<8|uint32(len(columns))), columns...)
	good = append(good, word(0, uint32(len(row))<<8|uint32(len(row)))...)
	f.Add(append(append(append([]byte{}, good...), row...), word(1, 1<<24)...))
	f.Add(append(append(append([]byte{}, good...), "\x05\xff\xff\xff\x00\x06\x00\x00\x00\x00\x00"...), word(1, 0)...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, script []byte) {
		asRows(t, script)
		db := sql.OpenDB(connector{engine{&scripted{bytes: script, budget: 1000}}, "/data.db"})
		defer db.Close()
		// The two, and the whole, are seven, eight and fifteen bytes.
		rows, err := db.QueryContext(context.Background(), "select:aselect$b", 1, 2, 3, 4, 5, 6, 7)
		if err != nil {
			return
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range types {
			_, _ = c.Length()
			_ = c.ScanType()
		}
		dest := make([]any, len(types))
		for i := range dest {
			dest[i] = new(any)
		}
		for rows.Next() {
			if err := rows.Scan(dest...); err != nil {
				t.Fatal(err)
			}
		}
		if errors.Is(rows.Err(), io.EOF) {
			t.Error("the end is an error")
		}
	})
}

// asRows asks the same without database/sql.
func asRows(t *testing.T, script []byte) {
	c, err := engine{&scripted{bytes: script, budget: 1000}}.connect("/data.db")
	if err != nil {
		t.Fatal(err)
	}
	db := DB{direct{c}}
	defer db.Close()
	rows, err := db.Query("select:aselect$b", 1, 2, 3, 4, 5, 6, 7)
	if err != nil {
		return
	}
	defer rows.Close()
	for n := len(rows.Columns()); rows.Next(); {
		for i := range n {
			row := Row{reader: rows.reader, cells: rows.cells}
			_, _, _, _, _, _ = row.Int64(i), row.Float64(i), row.Text(i), row.Raw(i), row.Time(i), row.Value(i)
		}
	}
	if errors.Is(rows.Err(), io.EOF) {
		t.Error("the end is an error")
	}
	_ = db.QueryRow("select:aselect$b", 1, 2, 3, 4, 5, 6, 7).Text(0)
}
