package memory

import (
	"bytes"
	"fmt"
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
// copied.
func NewImage(size uint64, parts []Part) (*Image, error) {
	const most = 4 << 30 // of a linear memory
	if size%PageSize != 0 || size > most {
		return nil, fmt.Errorf("make a memory image: %d bytes are more than 4 GiB, or no whole pages", size)
	}
	for _, p := range parts {
		if p.Offset > size || uint64(len(p.Bytes)) > size-p.Offset {
			return nil, fmt.Errorf("make a memory image: %d bytes at %d do not fit into %d", len(p.Bytes), p.Offset, size)
		}
	}
	zero := slices.Repeat([]bool{true}, int(size)/hostPage())
	content, source, err := seal(size, func(content []byte) {
		for _, p := range parts {
			place(content, p, zero)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("make a memory image of %d bytes: %w", size, err)
	}
	return &Image{content: content, zero: zero, source: source}, nil
}

// place writes a part, and notes the pages of the host that hold something. Zeros
// are not written where there is nothing yet: a page that is touched is memory of
// the machine's, and most of a large memory is never used.
func place(content []byte, p Part, zero []bool) {
	page := hostPage()
	empty := make([]byte, page)
	at, left := int(p.Offset), p.Bytes
	for len(left) > 0 {
		n := min(len(left), page-at%page)
		if !zero[at/page] || !bytes.Equal(left[:n], empty[:n]) {
			copy(content[at:], left[:n])
			zero[at/page] = false
		}
		at, left = at+n, left[n:]
	}
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
