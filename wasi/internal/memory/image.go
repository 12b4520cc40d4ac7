package memory

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"slices"
)

// Image is the content that memories begin with, and go back to. It is immutable,
// and safe for concurrent use. It outlives the memories that are made of it, and
// is to be closed.
type Image struct {
	content []byte // read only; the host's where there is a source
	zero    []bool // for each page of the host, whether it is known to be all zero
	source  source
}

// Part is a piece of an image.
type Part struct {
	Offset uint64
	Bytes  []byte
}

// NewImage returns an image of size bytes, whole pages of WebAssembly, that is
// zero but for the parts; a later part covers an earlier one. The parts are
// copied, each before the next is asked for; their first error ends it.
func NewImage(size uint64, parts iter.Seq2[Part, error]) (*Image, error) {
	const most = 4 << 30 // of a linear memory
	if size%PageSize != 0 || size > most {
		return nil, fmt.Errorf("make a memory image: %d bytes are more than 4 GiB, or no whole pages", size)
	}
	zero := slices.Repeat([]bool{true}, int(size)/hostPage())
	content, source, err := seal(size, func(w io.WriterAt) error {
		for p, err := range parts {
			if err != nil {
				return err
			}
			if p.Offset > size || uint64(len(p.Bytes)) > size-p.Offset {
				return fmt.Errorf("%d bytes at %d do not fit", len(p.Bytes), p.Offset)
			}
			if err := place(w, p, zero); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make a memory image of %d bytes: %w", size, err)
	}
	return &Image{content: content, zero: zero, source: source}, nil
}

// Of returns parts that are at hand.
func Of(parts ...Part) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		for _, p := range parts {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Parts returns what of a memory is not zero: an image of them is the same. They
// are views of it, of about 1 MiB at most.
func Parts(content []byte) iter.Seq2[Part, error] {
	const most = 1 << 20
	page := hostPage()
	empty := make([]byte, page)
	return func(yield func(Part, error) bool) {
		begin := -1 // of the pages up to at that hold something
		for at := 0; ; at += page {
			holds := at < len(content) && !bytes.Equal(content[at:at+page], empty)
			if begin >= 0 && (!holds || at-begin >= most) {
				if !yield(Part{Offset: uint64(begin), Bytes: content[begin:at]}, nil) {
					return
				}
				begin = -1
			}
			if at >= len(content) {
				return
			}
			if holds && begin < 0 {
				begin = at
			}
		}
	}
}

// place writes a part, and notes the pages of the host that hold something. Zeros
// are not written where there is nothing yet: a page that is touched is memory of
// the machine's, and most of a large memory is never used.
func place(w io.WriterAt, p Part, zero []bool) error {
	page := hostPage()
	empty := make([]byte, page)
	begin := 0 // of what is to be written, up to at
	flush := func(at int) error {
		if at == begin {
			return nil
		}
		_, err := w.WriteAt(p.Bytes[begin:at], int64(p.Offset)+int64(begin))
		return err
	}
	for at := 0; at < len(p.Bytes); {
		k := (int(p.Offset) + at) / page
		n := min(len(p.Bytes)-at, page-(int(p.Offset)+at)%page)
		if zero[k] && bytes.Equal(p.Bytes[at:at+n], empty[:n]) {
			if err := flush(at); err != nil {
				return err
			}
			begin = at + n
		} else {
			zero[k] = false
		}
		at += n
	}
	return flush(len(p.Bytes))
}

// Size is the size of the memory, in bytes.
func (i *Image) Size() uint64 { return uint64(len(i.content)) }

// Content is the memory itself. It is not to be changed, and not to be used
// after Close.
func (i *Image) Content() []byte { return i.content }

// Close gives the image back. It is idempotent.
func (i *Image) Close() error {
	content := i.content
	i.content = nil
	return i.source.close(content)
}

// restore copies the pages from first up to end back into a memory, which may be
// larger than the image: what is beyond it is zero.
func (i *Image) restore(into []byte, first, end int) {
	page := hostPage()
	for k := first; k < end; k++ {
		if k >= len(i.zero) || i.zero[k] {
			clear(into[k*page : (k+1)*page])
		} else {
			copy(into[k*page:(k+1)*page], i.content[k*page:])
		}
	}
}
