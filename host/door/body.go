package door

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// Brisk returns a handler whose clients have to send the bodies of their requests
// at the least rate. One that does not gives [os.ErrDeadlineExceeded] to who
// reads the body, and loses its connection after the answer. A deadline that the
// handler sets by [http.ResponseController.SetReadDeadline] holds too.
func Brisk(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			b := &body{ReadCloser: r.Body, control: http.NewResponseController(w), left: Window}
			// The server itself reads what no handler has, when the answer is ready.
			b.begin()
			// The server still knows its own request by its body, so that is a copy.
			r = r.WithContext(r.Context())
			r.Body = b
			w = writer{w, b}
		}
		inner.ServeHTTP(w, r)
	})
}

// body is the body of a request.
type body struct {
	io.ReadCloser
	control *http.ResponseController

	mu    sync.Mutex    // a handler may set a deadline while it reads, to end that
	until time.Time     // when the handler wants it to be whole; zero for never
	left  time.Duration // of the window
	got   int           // bytes of the window
	over  bool
}

// Read implements [io.Reader]. Only the time in which the client is waited for
// counts.
func (b *body) Read(p []byte) (int, error) {
	if !b.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	began := time.Now()
	n, err := b.ReadCloser.Read(p)
	b.count(n, time.Since(began), errors.Is(err, io.EOF))
	return n, err
}

// begin gives the client time for a read, unless the window is over.
func (b *body) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return true
	}
	if b.left <= 0 {
		return false
	}
	// Writers that know no deadlines are those of tests.
	_ = b.hurry()
	return true
}

// count takes a read off the window.
func (b *body) count(n int, took time.Duration, end bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.left -= took
	b.got += n
	switch {
	case end:
		// From here on the server looks only whether the client is still there.
		b.over = true
		_ = b.control.SetReadDeadline(time.Time{})
	case b.got >= Least:
		b.got, b.left = 0, Window
	}
}

// hurry gives the client what is left of the window, or less if there is less. mu
// is held.
func (b *body) hurry() error {
	until := time.Now().Add(b.left)
	if !b.until.IsZero() && b.until.Before(until) {
		until = b.until
	}
	return b.control.SetReadDeadline(until)
}

// writer is what the handler of a request with a body answers to.
type writer struct {
	http.ResponseWriter
	body *body
}

// SetReadDeadline is for [http.ResponseController].
func (w writer) SetReadDeadline(t time.Time) error {
	w.body.mu.Lock()
	defer w.body.mu.Unlock()
	if w.body.over {
		return w.body.control.SetReadDeadline(t)
	}
	w.body.until = t
	return w.body.hurry()
}

// Unwrap is for [http.ResponseController].
func (w writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
