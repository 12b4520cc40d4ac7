package cgi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	maxHead = 64 << 10 // bytes of a response's header
	// maxLines bounds the lines of a header: a proxy in front gives up at a hundred
	// or so, and thousands of tiny ones cost more than their bytes tell.
	maxLines = 256
	maxHeld  = 64 << 10 // bytes of a body that are held before it streams
)

// TooLargeError says that a body is larger than its limit, in bytes.
type TooLargeError struct{ Limit int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("response body exceeds %d bytes", e.Limit)
}

// ErrClientGone says that the client no longer takes the response.
var ErrClientGone = errors.New("the client has gone")

// Response turns a guest's standard output into an HTTP response. Up to 64 KiB
// of the body are held, so that a guest that fails early leaves the
// ResponseWriter untouched; then, or at the first Flush, the response is
// committed and streams. It is used by one goroutine at a time.
type Response struct {
	w       http.ResponseWriter
	limit   int64
	isHead  bool
	onError func(error)

	raw  []byte // the header, until its end is found
	head *head
	held []byte // the body, until committed
	size int64  // bytes of body that the guest wrote

	committed bool
	err       error
}

// NewResponse returns the response to r, whose body may have limit bytes.
// onError is called once, when the output can no longer become a response, so
// that the guest can be ended.
func NewResponse(w http.ResponseWriter, r *http.Request, limit int64, onError func(error)) *Response {
	return &Response{w: w, limit: limit, isHead: r.Method == http.MethodHead, onError: onError}
}

// Committed tells whether part of the response has been handed to the client.
func (p *Response) Committed() bool { return p.committed }

// Err is what went wrong with the output, nil if nothing did.
func (p *Response) Err() error { return p.err }

// Write takes the guest's output.
func (p *Response) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n := len(b)
	if p.head == nil {
		rest, err := p.takeHead(b)
		if err != nil {
			return 0, p.fail(err)
		}
		b = rest
	}
	if err := p.body(b); err != nil {
		return 0, p.fail(err)
	}
	return n, nil
}

// takeHead collects the header and returns what of b is body already. It copies
// no more than a header may have: b may be all of the guest's memory.
func (p *Response) takeHead(b []byte) ([]byte, error) {
	const most = maxHead + len("\r\n")
	taken := min(len(b), most-len(p.raw))
	p.raw = append(p.raw, b[:taken]...)
	before, after, ok := splitHead(p.raw)
	if len(before) > maxHead || (!ok && len(p.raw) == most) {
		return nil, badf("the header is larger than %d bytes", maxHead)
	}
	if !ok {
		return nil, nil
	}
	h, err := parseHead(string(before))
	if err != nil {
		return nil, err
	}
	if h.length > p.limit && !p.isHead && !h.bodyless() {
		return nil, &TooLargeError{p.limit}
	}
	p.head, p.raw = h, nil
	return b[taken-len(after):], nil
}

func (p *Response) body(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	p.size += int64(len(b))
	switch {
	case p.size > p.limit:
		return &TooLargeError{p.limit}
	case p.isHead || p.head.bodyless():
		return nil // a body that may not be sent
	case p.head.length >= 0 && p.size > p.head.length:
		return badf("the body is longer than its Content-Length of %d", p.head.length)
	case p.committed:
		return p.send(b)
	}
	p.held = append(p.held, b...)
	if len(p.held) > maxHeld {
		return p.commit()
	}
	return nil
}

// Flush commits the response, once its header is there, and sends what has been
// written. A guest asks for it by fd_sync on its standard output.
func (p *Response) Flush() error {
	if p.err != nil || p.head == nil {
		return p.err
	}
	if !p.committed {
		if err := p.commit(); err != nil {
			return p.fail(err)
		}
	}
	if err := http.NewResponseController(p.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return p.fail(ErrClientGone)
	}
	return nil
}

// Close ends the response after the guest has ended well. An error means that
// nothing was sent, unless [Response.Committed].
func (p *Response) Close() error {
	switch {
	case p.err != nil:
		return p.err
	case p.head == nil && len(p.raw) == 0:
		return p.fail(badf("the program wrote nothing to its standard output"))
	case p.head == nil:
		return p.fail(badf("the output %.80q has no blank line that ends the header", p.raw))
	}
	bodyless := p.isHead || p.head.bodyless()
	if !bodyless && p.head.length >= 0 && p.size < p.head.length {
		return p.fail(badf("the body has %d bytes, its Content-Length says %d", p.size, p.head.length))
	}
	if p.committed {
		return nil
	}
	if p.head.length < 0 && !bodyless {
		p.head.length = p.size
	}
	if err := p.commit(); err != nil {
		return p.fail(err)
	}
	return nil
}

func (p *Response) commit() error {
	header := p.w.Header()
	for name, values := range p.head.header {
		header[name] = values
	}
	if header.Get("Content-Type") == "" {
		header["Content-Type"] = nil // or net/http guesses one
	}
	if p.head.framed() {
		header.Set("Content-Length", strconv.FormatInt(p.head.length, 10))
	}
	p.committed = true
	p.w.WriteHeader(p.head.status)
	held := p.held
	p.held = nil
	return p.send(held)
}

func (p *Response) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := p.w.Write(b); err != nil {
		return ErrClientGone
	}
	return nil
}

func (p *Response) fail(err error) error {
	if p.err == nil {
		p.err = err
		p.onError(err)
	}
	return p.err
}
