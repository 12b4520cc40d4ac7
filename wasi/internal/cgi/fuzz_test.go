package cgi_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
)

// FuzzResponse holds that no output of a guest does harm: what is refused before a commit leaves nothing behind, a body
// keeps to its limit, and how the output is cut into writes makes no difference to it.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "\r\n\r\n", plain + "hello", "Status: 204\r\nContent-Length: 3\r\n\r\nabc", "Location: /x\n\n",
		"Status: 200\nContent-Length: 2\n\na", "Status: 99\n\n", "Content-Type: a\rb\n\n", "Status: 304\nTrailer:X: 1\n\n",
	} {
		f.Add(seed, 3, false)
		f.Add(seed, 1, true)
	}
	f.Fuzz(func(t *testing.T, out string, size int, head bool) {
		const limit = 100
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		whole := respond(method, limit, out)
		checkOutput(t, whole, limit)
		if size < 1 || len(out) > 10_000 {
			return
		}
		var chunks []string
		for rest := out; rest != ""; {
			n := min(size, len(rest))
			chunks, rest = append(chunks, rest[:n]), rest[n:]
		}
		pieces := respond(method, limit, chunks...)
		checkOutput(t, pieces, limit)
		if (whole.err == nil) != (pieces.err == nil) || whole.Code != pieces.Code || whole.Body.String() != pieces.Body.String() {
			t.Errorf("whole: %v, %d %q\nin writes of %d: %v, %d %q", whole.err, whole.Code, whole.Body, size, pieces.err, pieces.Code, pieces.Body)
		}
	})
}

func checkOutput(t *testing.T, o output, limit int) {
	t.Helper()
	if o.err == nil {
		if o.Code < 200 || o.Code > 599 || o.Body.Len() > limit || !o.committed || len(o.failures) > 0 {
			t.Fatalf("a response of status %d with %d bytes, committed %v, told %v", o.Code, o.Body.Len(), o.committed, o.failures)
		}
		return
	}
	var bad *answer.BadError
	var large *answer.TooLargeError
	if !errors.As(o.err, &bad) && !errors.As(o.err, &large) {
		t.Fatalf("unexpected error %v", o.err)
	}
	// All of it fits into what is held, so nothing was committed.
	if len(o.failures) != 1 || !o.untouched() {
		t.Fatalf("%v: told %v, header %v, body %q", o.err, o.failures, o.Header(), o.Body)
	}
}
