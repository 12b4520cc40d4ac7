package memory

import (
	"bytes"
	"fmt"
)

// Image is the content that memories begin with, and go back to. It is immutable,
// and safe for concurrent use. It outlives the memories that are made of it, and
// is to be closed.
type Image struct {
	content []byte // read only; the host's where there is a source
	zero    []bool // for each page of the host, whether it is all zero
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
	if size%PageSize != 0 {
		return nil, fmt.Errorf("make a memory image: %d bytes are no whole pages", size)
	}
	for _, p := range parts {
		if p.Offset > size || uint64(len(p.Bytes)) > size-p.Offset {
			return nil, fmt.Errorf("make a memory image: %d bytes at %d do not fit into %d", len(p.Bytes), p.Offset, size)
		}
	}
	content, source, err := seal(size, parts)
	if err != nil {
		return nil, fmt.Errorf("make a memory image of %d bytes: %w", size, err)
	}
	return &Image{content: content, zero: zeroPages(content), source: source}, nil
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

// zeroPages finds the pages of the host that hold nothing.
func zeroPages(content []byte) []bool {
	page := hostPage()
	empty := make([]byte, page)
	zero := make([]bool, (len(content)+page-1)/page)
	for i := range zero {
		part := content[i*page : min((i+1)*page, len(content))]
		zero[i] = bytes.Equal(part, empty[:len(part)])
	}
	return zero
}

// restore copies the pages from first up to end back into a memory.
func (i *Image) restore(into []byte, first, end int) {
	page := hostPage()
	for k := first; k < end; k++ {
		if i.zero[k] {
			clear(into[k*page : (k+1)*page])
		} else {
			copy(into[k*page:(k+1)*page], i.content[k*page:])
		}
	}
}
