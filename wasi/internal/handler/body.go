package handler

import (
	"bytes"
	"io"
	"net/http"
	"slices"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
)

// write takes a part of the response's body.
func (x *Exchange) write(b []byte) error {
	if x.out.Begun() {
		_, err := x.out.Write(b)
		return err
	}
	if int64(len(x.held)+len(b)) > x.limit {
		return x.out.Fail(&answer.TooLargeError{Limit: x.limit})
	}
	x.held = append(x.held, b...)
	if len(x.held) > answer.MaxHeld && !x.buffers(BufferResponse) {
		return x.begin()
	}
	return nil
}

// buffers tells whether a feature means anything: without a next handler there is
// nobody else who reads the request, or whose response could be changed, and a body
// is not held for nobody.
func (x *Exchange) buffers(feature Features) bool {
	return x.next != nil && x.features&feature != 0
}

// begin sends the response's head, which cannot be changed any more, and what is
// held of its body.
func (x *Exchange) begin() error {
	if x.out.Begun() || x.out.Err() != nil {
		return x.out.Err()
	}
	head := answer.NewHead()
	err := head.SetStatus(x.statusCode())
	for _, name := range x.header.names() {
		for _, value := range x.header[name] {
			if err == nil {
				err = head.Add(name, value)
			}
		}
	}
	if err != nil {
		return x.out.Fail(err)
	}
	if err := x.out.Begin(head); err != nil {
		return err
	}
	held := x.held
	x.held = nil
	_, err = x.out.Write(held)
	return err
}

func (x *Exchange) statusCode() int {
	if x.status == 0 {
		return http.StatusOK
	}
	return x.status
}

// readRequest fills b from the request's body, and tells whether there is no more.
func (x *Exchange) readRequest(b []byte) (int, bool) {
	if x.buffers(BufferRequest) && x.request.GetBody == nil {
		whole, err := io.ReadAll(x.request.Body) // it is in memory, and within its limit
		if err != nil {
			misuse("read_body: %w", err)
		}
		x.request.Body = io.NopCloser(bytes.NewReader(whole))
		x.request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(whole)), nil }
	}
	n, err := io.ReadFull(x.request.Body, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		misuse("read_body: %w", err)
	}
	return n, err != nil
}

// readResponse is readRequest for the body of the next handler's response.
func (x *Exchange) readResponse(b []byte) (int, bool) {
	n := copy(b, x.held[min(x.read, len(x.held)):])
	x.read += n
	return n, x.read >= len(x.held)
}

// writeRequest takes a part of the body that the next handler is to see.
func (x *Exchange) writeRequest(b []byte) {
	if x.next == nil {
		return // nobody is
	}
	if int64(len(x.body)+len(b)) > x.limit {
		misuse("write_body: the request's body has more than %d bytes", x.limit)
	}
	x.body, x.changed = append(x.body, b...), true
}

// writeResponse takes a part of the response's body. The first that the guest writes
// takes the place of the next handler's.
func (x *Exchange) writeResponse(b []byte) {
	if !x.replaced {
		x.held, x.read, x.replaced = nil, 0, true
	}
	if err := x.write(b); err != nil {
		panic(err)
	}
}

// ask has the next handler answer.
func (x *Exchange) ask() {
	r := x.request
	switch {
	case x.changed:
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(x.body)), int64(len(x.body))
	case r.GetBody != nil:
		r.Body, _ = r.GetBody() // which does not fail
	}
	next := x.next
	if next == nil {
		next = http.NotFoundHandler()
	}
	next.ServeHTTP(&nextWriter{x}, r)
	x.replaced = false
	if x.features&BufferResponse == 0 {
		_ = x.begin() // what fails has failed the response
	}
}

// nextWriter is what the next handler writes to.
type nextWriter struct{ x *Exchange }

// Header implements [http.ResponseWriter].
func (w *nextWriter) Header() http.Header { return http.Header(w.x.header) }

// WriteHeader implements [http.ResponseWriter].
func (w *nextWriter) WriteHeader(status int) {
	if w.x.status == 0 {
		w.x.status = status
	}
}

// Write implements [io.Writer].
func (w *nextWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if err := w.x.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// fields are the fields of a header, by their canonical names.
type fields map[string][]string

// names returns the names in order, as a map has none.
func (f fields) names() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// check holds the bounds of a header, so that no guest fills the host's memory.
func (f fields) check() {
	lines, size := 0, 0
	for name, values := range f {
		for _, value := range values {
			lines, size = lines+1, size+len(name)+len(value)+len(": \r\n")
		}
	}
	if lines > answer.MaxLines || size > answer.MaxHead {
		misuse("the header has more than %d lines or %d bytes", answer.MaxLines, answer.MaxHead)
	}
}
