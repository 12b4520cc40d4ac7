package sqlite

import (
	"database/sql/driver"
	"math"
	"time"
	"unsafe"
)

// slabBytes is how much of a batch is made strings of at a time: each that is kept
// keeps so much.
const slabBytes = 4 << 10

// reader finds the values of rows where they stand in a batch: for the driver, and for
// [Row].
type reader struct {
	buf   []byte // with the batch
	left  int    // rows of it that are to come
	at    int    // where the next begins
	cells []cell // of the row that was read last
	row   []byte // that they are parts of: the batch, or what was made of one
	own   bool   // row is nobody else's, and does not change

	slab   string // what is made strings of
	slabAt int    // where in row it begins

	times   []bool // which columns are declared to have times; nil is none
	formats []int8 // of times, by column: the last that matched, plus 1
	boxes   *boxes
}

// cell is a value in a row: its type, and the bits of a number, or where in the row the
// bytes are, and how many.
type cell struct {
	tag     byte
	number  uint64
	from, n int
}

func (c cell) integer() int64 { return int64(c.number) }

func (c cell) float() float64 { return math.Float64frombits(c.number) }

// begin takes a batch.
func (r *reader) begin(batch []byte, count int) {
	r.buf, r.left, r.at = batch, count, 0
	r.row, r.own, r.slab = batch, false, ""
}

// advance finds the values of the next row, and tells whether there are some that were
// not sent. It does what cut does, which would be a call for each value, and has the types
// that are usual first.
func (r *reader) advance() (unsent bool, err error) {
	b, at, cells := r.buf, r.at, r.cells
	for i := range cells {
		if at >= len(b) {
			return false, errBroken
		}
		tag := b[at]
		at++
		switch {
		case tag == tagInteger || tag == tagFloat:
			if len(b)-at < 8 {
				return false, errBroken
			}
			cells[i] = cell{tag: tag, number: load64(b[at:])}
			at += 8
			continue
		case tag == tagNull:
			cells[i] = cell{tag: tag}
			continue
		case tag > tagBlobKept, len(b)-at < 4:
			return false, errBroken
		}
		n := load32(b[at:])
		at += 4
		if tag >= tagTextKept {
			if n > maxKept {
				return false, errBroken
			}
			cells[i] = cell{tag: tag, from: at, n: int(n)}
			unsent = true
			continue
		}
		if uint64(n) > uint64(len(b)-at) {
			return false, errBroken
		}
		cells[i] = cell{tag: tag, from: at, n: int(n)}
		at += int(n)
	}
	r.at = at
	r.left--
	return unsent, nil
}

// bytes are those of a text or blob, where they stand.
func (r *reader) bytes(c cell) []byte { return r.row[c.from : c.from+c.n : c.from+c.n] }

// text makes a string of a text or blob. The short ones are parts of a longer one, so that
// not each is made by itself.
func (r *reader) text(c cell) string {
	from, to := c.from-r.slabAt, c.from-r.slabAt+c.n
	if from < 0 || to > len(r.slab) || r.slab == "" {
		switch {
		case r.own:
			r.slabAt, r.slab = 0, unsafe.String(unsafe.SliceData(r.row), len(r.row))
		case c.n > slabBytes/4:
			return string(r.bytes(c))
		default:
			r.slabAt, r.slab = c.from, string(r.row[c.from:min(c.from+slabBytes, len(r.row))])
		}
		from, to = c.from-r.slabAt, c.from-r.slabAt+c.n
	}
	return r.slab[from:to]
}

// blob is a copy of a blob. An empty one is nil, as modernc.org/sqlite has it.
func (r *reader) blob(c cell) []byte {
	switch {
	case c.n == 0:
		return nil
	case r.own:
		return r.bytes(c)
	}
	return append(make([]byte, 0, c.n), r.bytes(c)...)
}

// time is that of a text in a column that is declared to have times, if it is one.
func (r *reader) time(column int, c cell) (time.Time, bool) {
	if c.tag != tagText || r.times == nil || !r.times[column] {
		return time.Time{}, false
	}
	if r.formats == nil {
		r.formats = make([]int8, len(r.cells))
	}
	t, format, ok := parseTime(r.text(c), int(r.formats[column])-1)
	if ok && r.formats[column] == 0 {
		r.formats[column] = int8(format + 1)
	}
	return t, ok
}

// value makes Go's value of one of the row.
func (r *reader) value(column int) driver.Value {
	c := r.cells[column]
	switch c.tag {
	case tagInteger:
		return r.boxes.integers.box(c.integer())
	case tagFloat:
		return r.boxes.floats.box(c.float())
	case tagText:
		if t, ok := r.time(column, c); ok {
			return t
		}
		return r.boxes.texts.box(r.text(c))
	case tagBlob:
		return r.blob(c)
	}
	return nil
}

// detach is a reader of the row alone, which stays when the batch is written over.
func (r *reader) detach() reader {
	alone := reader{row: r.row, own: true, cells: r.cells, times: r.times, boxes: r.boxes}
	if r.own {
		return alone
	}
	begin, end := len(r.row), 0
	for _, c := range r.cells {
		if c.n > 0 {
			begin, end = min(begin, c.from), max(end, c.from+c.n)
		}
	}
	if begin < end {
		alone.row = append([]byte(nil), r.row[begin:end]...)
	}
	for i, c := range alone.cells {
		if alone.cells[i].from = 0; c.n > 0 {
			alone.cells[i].from = c.from - begin
		}
	}
	return alone
}

// assemble makes a row whole, the values of which that were not sent are asked for.
func (r *reader) assemble(ask func(column, offset int, b []byte) (int, error)) error {
	size := 0
	for _, c := range r.cells {
		size += c.n
	}
	row := make([]byte, 0, size)
	for i, c := range r.cells {
		from := len(row)
		if c.tag < tagTextKept {
			row = append(row, r.row[c.from:c.from+c.n]...)
			r.cells[i].from = from
			continue
		}
		row = row[:from+c.n]
		for at := from; at < len(row); {
			n, err := ask(i, at-from, row[at:])
			if err != nil {
				return err
			}
			if n <= 0 || n > len(row)-at {
				return errBroken
			}
			at += n
		}
		r.cells[i] = cell{tag: c.tag - (tagTextKept - tagText), from: from, n: c.n}
	}
	r.row, r.own, r.slab = row, true, ""
	return nil
}
