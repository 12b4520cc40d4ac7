package binary

import (
	"fmt"
	"unicode/utf8"
)

// reader takes values off a module and never reads past end, which is the end of the section or function at hand. It
// keeps the first fault in err; from then on it is at its end and yields zeroes, so that only loops have to look.
type reader struct {
	data    []byte // the whole file, so that pos is an offset in it
	pos     int
	end     int
	section string // for errors; empty between sections
	err     *Error
}

// fail keeps a fault at the current position, unless there is an earlier one, and stops the reader.
func (r *reader) fail(code Code, format string, args ...any) {
	r.failAt(r.pos, code, format, args...)
}

func (r *reader) failAt(offset int, code Code, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Section: r.section, Message: fmt.Sprintf(format, args...), Code: code}
	}
	r.end = r.pos
}

// overrun keeps the fault of a read past the end. Only between sections is that the end of the file; a section that
// is too short for its content was made so.
func (r *reader) overrun() {
	if r.section == "" {
		r.fail(Truncated, "the file ends within the header of a section")
		return
	}
	r.fail(Malformed, "unexpected end of the section or function")
}

func (r *reader) left() int { return r.end - r.pos }

// enter narrows the reader to the next size bytes, which must be there, and returns the end to hand to leave.
func (r *reader) enter(size int) int {
	outer := r.end
	r.end = r.pos + size
	return outer
}

// leave ends what enter began: all of its bytes must have been read.
func (r *reader) leave(outer int) {
	if n := r.left(); n > 0 {
		r.fail(Malformed, "%d bytes are left over at the end", n)
	}
	if r.err == nil {
		r.end = outer
	}
}

func (r *reader) byte() byte {
	if r.pos >= r.end {
		r.overrun()
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

// skip passes over n bytes whose values do not matter.
func (r *reader) skip(n int) {
	if n > r.left() {
		r.overrun()
		return
	}
	r.pos += n
}

// u32 reads an unsigned LEB128 number (core specification 5.2.2). Nearly all take one byte, which is worth the detour.
func (r *reader) u32() uint32 {
	if r.pos < r.end && r.data[r.pos] < 0x80 {
		b := r.data[r.pos]
		r.pos++
		return uint32(b)
	}
	return r.longU32()
}

func (r *reader) longU32() uint32 {
	var v uint32
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if shift == 28 && b > 0x0f {
			r.badInteger(b)
			return 0
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

// signed reads a signed LEB128 number of the given width in bits: 32, 33 or 64.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if room := bits - shift; room < 7 && !signExtends(b, room) {
			r.badInteger(b)
			return 0
		}
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if unused := 64 - 7 - shift; unused > 0 {
				v = v << unused >> unused
			}
			return v
		}
	}
}

// signExtends tells whether b can be the last byte of a signed number of which it holds the upper bits: nothing
// follows, and what lies beyond those bits repeats the sign.
func signExtends(b byte, bits int) bool {
	rest := int8(b<<1) >> bits
	return b < 0x80 && (rest == 0 || rest == -1)
}

// badInteger keeps the fault of a number whose last possible byte, just read, does not fit.
func (r *reader) badInteger(b byte) {
	if b >= 0x80 {
		r.failAt(r.pos-1, Malformed, "integer representation too long")
		return
	}
	r.failAt(r.pos-1, Malformed, "integer too large")
}

// count reads how many things follow. Before anyone allocates for them it holds the number against the bytes left,
// of which each takes at least least, and against limit.
func (r *reader) count(what string, limit, least int) int {
	at := r.pos
	n := r.u32()
	switch {
	case uint64(n)*uint64(least) > uint64(r.left()):
		r.failAt(at, Malformed, "%d %s cannot fit into the %d bytes left", n, what, r.left())
		return 0
	case uint64(n) > uint64(max(limit, 0)):
		r.failAt(at, TooLarge, "%d %s are more than the limit of %d", n, what, limit)
		return 0
	}
	return int(n)
}

// name reads a name of at most limit bytes (core specification 5.2.4).
func (r *reader) name(limit int) string {
	at := r.pos
	n := r.count("bytes of a name", limit, 1)
	raw := r.data[r.pos : r.pos+n]
	if !utf8.Valid(raw) {
		r.failAt(at, Malformed, "a name is not valid UTF-8")
		return ""
	}
	r.pos += n
	return string(raw)
}

// zero reads a byte that the format reserves and that must be zero.
func (r *reader) zero(what string) {
	if b := r.byte(); b != 0 {
		r.failAt(r.pos-1, Malformed, "zero byte expected for %s, found %#02x", what, b)
	}
}
