package sqlite

// temporary are the temporary files of one connection: what does not fit into the page
// cache of what a query sorts, or keeps beside. They are memory, so that no query writes to
// the host's disk, and have a bound.
type temporary struct {
	heap  *heap
	limit int64
	taken int64
	last  int64
	files map[int64]*scratch
}

// scratch is one of the files, in pieces of one size: the library writes page by page, and
// a file that grows is not copied.
type scratch struct {
	pieces [][]byte
	size   int64
}

const pieceBytes = 64 << 10

func (t *temporary) open() int64 {
	t.last++
	if t.files == nil {
		t.files = map[int64]*scratch{}
	}
	t.files[t.last] = &scratch{}
	return t.last
}

func (t *temporary) close(number int64) {
	if number == 0 {
		return
	}
	t.truncate(number, 0)
	delete(t.files, number)
}

func (t *temporary) size(number int64) int64 {
	if f := t.files[number]; f != nil {
		return f.size
	}
	return 0
}

// read fills b from offset on, and returns how much there was.
func (t *temporary) read(number int64, b []byte, offset int64) int {
	f := t.files[number]
	if f == nil || offset >= f.size {
		return 0
	}
	b = b[:min(int64(len(b)), f.size-offset)]
	read := 0
	for read < len(b) {
		piece := f.pieces[(offset+int64(read))/pieceBytes]
		within := (offset + int64(read)) % pieceBytes
		if piece == nil { // a hole
			n := min(len(b)-read, int(pieceBytes-within))
			clear(b[read : read+n])
			read += n
			continue
		}
		read += copy(b[read:], piece[within:])
	}
	return read
}

// write writes b at offset, or returns false if there is no room.
func (t *temporary) write(number int64, b []byte, offset int64) bool {
	f := t.files[number]
	end := offset + int64(len(b))
	if f == nil || end > t.limit {
		return false
	}
	for int64(len(f.pieces))*pieceBytes < end {
		f.pieces = append(f.pieces, nil)
	}
	for len(b) > 0 {
		piece := &f.pieces[offset/pieceBytes]
		if *piece == nil && !t.add(piece) {
			return false
		}
		n := copy((*piece)[offset%pieceBytes:], b)
		b, offset = b[n:], offset+int64(n)
		f.size = max(f.size, offset)
	}
	return true
}

func (t *temporary) add(piece *[]byte) bool {
	if t.taken+pieceBytes > t.limit || !t.heap.take(pieceBytes) {
		return false
	}
	t.taken += pieceBytes
	*piece = make([]byte, pieceBytes)
	return true
}

func (t *temporary) truncate(number, size int64) {
	f := t.files[number]
	if f == nil || size >= f.size {
		return
	}
	keep := (size + pieceBytes - 1) / pieceBytes
	for i, piece := range f.pieces[keep:] {
		if piece != nil {
			t.taken -= pieceBytes
			t.heap.give(pieceBytes)
		}
		f.pieces[int(keep)+i] = nil
	}
	f.pieces, f.size = f.pieces[:keep], size
	if within := size % pieceBytes; within > 0 && f.pieces[keep-1] != nil {
		clear(f.pieces[keep-1][within:])
	}
}
