// Package answer is what a guest answers to a request, whatever its contract: the
// header that it may set, a body within its limit, and an error page for the client
// as long as nothing has been sent.
package answer

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

const (
	// MaxHead bounds a response's header, in bytes.
	MaxHead = 64 << 10
	// MaxLines bounds the lines of a header: a proxy in front gives up at a hundred
	// or so, and thousands of tiny ones cost more than their bytes tell.
	MaxLines = 256
	// MaxHeld is how much of a body is held before it streams, in bytes.
	MaxHeld = 64 << 10
)

// TooLargeError says that a body is larger than its limit, in bytes.
type TooLargeError struct{ Limit int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("response body exceeds %d bytes", e.Limit)
}

// ErrClientGone says that the client no longer takes the response.
var ErrClientGone = errors.New("the client has gone")

// Response is a guest's response. Up to 64 KiB of the body are held, so that a
// guest that fails early leaves the ResponseWriter untouched; then, or at the first
// Flush, the response is committed and streams. It is used by one goroutine at a
// time.
type Response struct {
	w       http.ResponseWriter
	limit   int64
	isHead  bool
	onError func(error)

	head *Head  // nil before Begin
	held []byte // the body, until committed
	size int64  // bytes of body that the guest wrote

	committed bool
	err       error
}

// New returns the response to r, whose body may have limit bytes. onError is called
// once, when there can be no response any more, so that the guest can be ended.
func New(w http.ResponseWriter, r *http.Request, limit int64, onError func(error)) *Response {
	return &Response{w: w, limit: limit, isHead: r.Method == http.MethodHead, onError: onError}
}

// Begin sets what stands above the body. It is called once, before anything else.
func (p *Response) Begin(head *Head) error {
	if p.err != nil {
		return p.err
	}
	if head.Length > p.limit && !p.isHead && !head.bodyless() {
		return p.Fail(&TooLargeError{p.limit})
	}
	p.head = head
	return nil
}

// Begun tells whether Begin has been called.
func (p *Response) Begun() bool { return p.head != nil }

// Committed tells whether part of the response has been handed to the client.
func (p *Response) Committed() bool { return p.committed }

// Err is what went wrong with the response, nil if nothing did.
func (p *Response) Err() error { return p.err }

// Write takes a part of the body.
func (p *Response) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	if err := p.body(b); err != nil {
		return 0, p.Fail(err)
	}
	return len(b), nil
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
	case p.head.Length >= 0 && p.size > p.head.Length:
		return Badf("the body is longer than its Content-Length of %d", p.head.Length)
	case p.committed:
		return p.send(b)
	}
	if len(p.held)+len(b) > MaxHeld {
		if err := p.commit(); err != nil {
			return err
		}
		return p.send(b)
	}
	p.held = append(p.held, b...)
	return nil
}

// Flush commits the response and sends what has been written.
func (p *Response) Flush() error {
	if p.err != nil {
		return p.err
	}
	if !p.committed {
		if err := p.commit(); err != nil {
			return p.Fail(err)
		}
	}
	if err := http.NewResponseController(p.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return p.Fail(ErrClientGone)
	}
	return nil
}

// Close ends the response after the guest has ended well. An error means that
// nothing was sent, unless [Response.Committed].
func (p *Response) Close() error {
	if p.err != nil {
		return p.err
	}
	bodyless := p.isHead || p.head.bodyless()
	if !bodyless && p.head.Length >= 0 && p.size < p.head.Length {
		return p.Fail(Badf("the body has %d bytes, its Content-Length says %d", p.size, p.head.Length))
	}
	if p.committed {
		return nil
	}
	if p.head.Length < 0 && !bodyless {
		p.head.Length = p.size
	}
	if err := p.commit(); err != nil {
		return p.Fail(err)
	}
	return nil
}

func (p *Response) commit() error {
	header := p.w.Header()
	for name, values := range p.head.Header {
		header[name] = values
	}
	if header.Get("Content-Type") == "" {
		header["Content-Type"] = nil // or net/http guesses one
	}
	if p.head.framed() {
		header.Set("Content-Length", strconv.FormatInt(p.head.Length, 10))
	}
	p.committed = true
	p.w.WriteHeader(p.head.Status)
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

// Fail says that there can be no response any more, and why; the first reason
// stands. It returns that.
func (p *Response) Fail(err error) error {
	if p.err == nil {
		p.err = err
		p.onError(err)
	}
	return p.err
}
