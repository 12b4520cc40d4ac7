//go:build !linux

package memory

import (
	"fmt"
	"io"
	"os"
)

// source is nothing where an image is copied.
type source struct{}

func hostPage() int { return os.Getpagesize() }

func seal(size uint64, write func(io.WriterAt) error) ([]byte, source, error) {
	content := make([]byte, size)
	return content, source{}, write(inMemory(content))
}

// inMemory is bytes that can be written to.
type inMemory []byte

// WriteAt implements [io.WriterAt].
func (m inMemory) WriteAt(p []byte, at int64) (int, error) { return copy(m[at:], p), nil }

func (source) close([]byte) error { return nil }

// Load makes the image the content of the memory, which has not been used yet
// and is large enough. The image is to stay open as long as the memory.
func (r *Reservation) Load(image *Image) error {
	size := image.Size()
	if size > uint64(cap(r.bytes)) {
		return fmt.Errorf("an image of %d bytes does not fit into a memory of %d", size, cap(r.bytes))
	}
	r.image = image
	copy(r.bytes[:size], image.content)
	return nil
}
