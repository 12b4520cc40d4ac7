package runner

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/space"
)

// bodyTime is how long a client may take to send a request's body.
const bodyTime = time.Minute

// A body is kept in chunks, each as large as all before it within these bounds,
// so that it takes little more memory than has arrived, and is never copied.
const (
	minChunk = 4 << 10
	maxChunk = 256 << 10
)

// body is a request's body in memory that a budget is charged for. It is to be
// released.
type body struct {
	budget  *pool.Budget // nil has no end
	chunks  net.Buffers
	size    int64
	charged int64
}

// readBody reads the request's body whole, so that a slow client holds no
// instance. What has not arrived takes no memory.
func (m *Micro) readBody(w http.ResponseWriter, r *http.Request) (*body, error) {
	limit := m.config.Limits.Payload
	if r.ContentLength > limit {
		return nil, m.bodyTooLarge()
	}
	if r.ContentLength == 0 {
		return &body{}, nil // most have none, and need no clock
	}
	control := http.NewResponseController(w)
	// Writers that know no deadlines are those of tests.
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	b := &body{budget: m.config.Node.Bodies}
	err := b.fill(io.LimitReader(r.Body, limit+1), r.ContentLength)
	if err == nil && b.size <= limit {
		return b, nil
	}
	b.release()
	switch {
	case b.size > limit:
		return nil, m.bodyTooLarge()
	case errors.Is(err, pool.ErrNoRoom):
		return nil, m.config.Node.full("the server is busy: it has no room for the request's body; try again shortly")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, space.Errorf(space.CodeBadRequest,
			"the request's body came too slowly, or was not whole within %v", bodyTime)
	}
	e := space.Errorf(space.CodeBadRequest, "the request's body broke off")
	e.Err = err
	return nil, e
}

func (m *Micro) bodyTooLarge() error {
	return space.Errorf(space.CodePayloadTooLarge, "the request's body is larger than the %d bytes that a Micro takes",
		m.config.Limits.Payload)
}

// fill reads r to its end, whose length is declared, or -1.
func (b *body) fill(r io.Reader, declared int64) error {
	if declared == 0 {
		return nil
	}
	for {
		size := min(max(b.size, minChunk), maxChunk)
		if declared > 0 {
			size = min(size, declared-b.size+1) // one more, to see the end
		}
		if !b.charge(size) {
			return pool.ErrNoRoom
		}
		switch err := b.add(r, make([]byte, size)); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// add reads a chunk until it is full, or there is an error. (That of io.ReadFull
// would not tell an end from a body that broke off.)
func (b *body) add(r io.Reader, chunk []byte) error {
	n := 0
	var err error
	for n < len(chunk) && err == nil {
		var k int
		k, err = r.Read(chunk[n:])
		n += k
	}
	b.chunks = append(b.chunks, chunk[:n])
	b.size += int64(n)
	return err
}

func (b *body) charge(n int64) bool {
	if b.budget != nil && !b.budget.Take(n) {
		return false
	}
	b.charged += n
	return true
}

// reader returns the body to be read once.
func (b *body) reader() io.ReadCloser { return io.NopCloser(&b.chunks) }

// release gives back what was charged.
func (b *body) release() {
	if b.budget != nil {
		b.budget.Give(b.charged)
	}
	b.chunks, b.charged = nil, 0
}
