package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
)

// The first byte of a value names its type.
const (
	tagNull    = 0
	tagInteger = 1
	tagFloat   = 2
	tagText    = 3
	tagBlob    = 4
	// A longer value of a row that is too large for the buffer is not sent.
	tagTextKept = 5
	tagBlobKept = 6
)

// maxKept is the longest value that is asked for in parts. The host's limit, that of
// payloads, is less.
const maxKept = 64 << 20

// appendValue writes a value that is bound.
func appendValue(b []byte, value driver.Value) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, tagNull), nil
	case int64:
		return appendInteger(b, v), nil
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, tagFloat), math.Float64bits(v)), nil
	case bool:
		if v {
			return appendInteger(b, 1), nil
		}
		return appendInteger(b, 0), nil
	case string:
		return append(appendLength(b, tagText, len(v)), v...), nil
	case []byte:
		if v == nil {
			return append(b, tagNull), nil
		}
		return append(appendLength(b, tagBlob, len(v)), v...), nil
	case time.Time:
		text := v.String()
		return append(appendLength(b, tagText, len(text)), text...), nil
	}
	return b, fmt.Errorf("sqlite: invalid driver.Value type %T", value)
}

func appendInteger(b []byte, v int64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, tagInteger), uint64(v))
}

func appendLength(b []byte, tag byte, n int) []byte {
	return binary.LittleEndian.AppendUint32(append(b, tag), uint32(n))
}

// cut finds the value that begins at an offset: its type, where its content is, which is
// none for one that was not sent, how long the value is, and where the next begins.
func cut(b []byte, at int) (tag byte, from, length, next int, err error) {
	if at >= len(b) {
		return 0, 0, 0, 0, errBroken
	}
	tag, from = b[at], at+1
	switch tag {
	case tagNull:
		return tag, from, 0, from, nil
	case tagInteger, tagFloat:
		if len(b)-from < 8 {
			return 0, 0, 0, 0, errBroken
		}
		return tag, from, 8, from + 8, nil
	case tagText, tagBlob, tagTextKept, tagBlobKept:
		if len(b)-from < 4 {
			return 0, 0, 0, 0, errBroken
		}
		n := uint64(binary.LittleEndian.Uint32(b[from:]))
		from += 4
		if tag == tagTextKept || tag == tagBlobKept {
			if n > maxKept {
				return 0, 0, 0, 0, errBroken
			}
			return tag, from, int(n), from, nil
		}
		if n > uint64(len(b)-from) {
			return 0, 0, 0, 0, errBroken
		}
		return tag, from, int(n), from + int(n), nil
	}
	return 0, 0, 0, 0, errBroken
}

// optionalTexts reads as many texts as there must be, each of which may be absent: then
// it is empty.
func optionalTexts(b []byte, count int) ([]string, error) {
	const absent = math.MaxUint32
	if count > len(b)/4 {
		return nil, errBroken
	}
	all := string(b) // of which the texts are parts
	texts := make([]string, count)
	at := 0
	for i := range texts {
		if len(b)-at < 4 {
			return nil, errBroken
		}
		n := uint64(binary.LittleEndian.Uint32(b[at:]))
		at += 4
		if n == absent {
			continue
		}
		if n > uint64(len(b)-at) {
			return nil, errBroken
		}
		texts[i] = all[at : at+int(n)]
		at += int(n)
	}
	return texts, nil
}

// timesOf tells the columns whose texts are times, if they can be read as such, by their
// declared types. It is nil where there is none.
func timesOf(declared []string) (times []bool) {
	for i, d := range declared {
		if d == "DATE" || d == "DATETIME" || d == "TIMESTAMP" {
			if times == nil {
				times = make([]bool, len(declared))
			}
			times[i] = true
		}
	}
	return times
}

// parseTime reads a time as modernc.org/sqlite does: what time.String writes, and the
// formats 1 to 7 of https://www.sqlite.org/lang_datefunc.html. The format that has
// matched last is tried first; its number is returned, or -1.
func parseTime(text string, last int) (time.Time, int, bool) {
	const written = "2006-01-02 15:04:05.999999999 -0700 MST"
	s := text
	if monotonic := strings.Index(s, "m="); monotonic > 0 {
		s = s[:monotonic]
	}
	if t, err := time.Parse(written, strings.TrimSpace(s)); err == nil {
		return t, -1, true
	}
	formats := [...]string{
		"2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05.999999999-07:00",
		"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999",
		"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02",
	}
	s = strings.TrimSuffix(text, "Z")
	if last >= 0 {
		if t, err := time.Parse(formats[last], s); err == nil {
			return t, last, true
		}
	}
	for i, format := range formats {
		if i == last {
			continue
		}
		if t, err := time.Parse(format, s); err == nil {
			return t, i, true
		}
	}
	return time.Time{}, -1, false
}
