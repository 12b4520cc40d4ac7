package cgi

import (
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
)

// Response turns a guest's standard output into an HTTP response: its header ends
// with a blank line, and its body follows. It is used by one goroutine at a time.
type Response struct {
	*answer.Response
	raw []byte // the header, until its end is found
}

// NewResponse returns the response to r, whose body may have limit bytes.
// onError is called once, when the output can no longer become a response, so
// that the guest can be ended.
func NewResponse(w http.ResponseWriter, r *http.Request, limit int64, onError func(error)) *Response {
	return &Response{Response: answer.New(w, r, limit, onError)}
}

// Write takes the guest's output.
func (p *Response) Write(b []byte) (int, error) {
	if p.Err() != nil {
		return 0, p.Err()
	}
	n := len(b)
	if !p.Begun() {
		rest, err := p.takeHead(b)
		if err != nil {
			return 0, p.Fail(err)
		}
		b = rest
	}
	if _, err := p.Response.Write(b); err != nil {
		return 0, err
	}
	return n, nil
}

// takeHead collects the header and returns what of b is body already. It copies
// no more than a header may have: b may be all of the guest's memory.
func (p *Response) takeHead(b []byte) ([]byte, error) {
	const most = answer.MaxHead + len("\r\n")
	taken := min(len(b), most-len(p.raw))
	p.raw = append(p.raw, b[:taken]...)
	before, after, ok := splitHead(p.raw)
	if len(before) > answer.MaxHead || (!ok && len(p.raw) == most) {
		return nil, answer.Badf("the header is larger than %d bytes", answer.MaxHead)
	}
	if !ok {
		return nil, nil
	}
	h, err := parseHead(string(before))
	if err == nil {
		err = p.Begin(h)
	}
	if err != nil {
		return nil, err
	}
	p.raw = nil
	return b[taken-len(after):], nil
}

// Flush commits the response, once its header is there, and sends what has been
// written. A guest asks for it by fd_sync on its standard output.
func (p *Response) Flush() error {
	if !p.Begun() {
		return p.Err()
	}
	return p.Response.Flush()
}

// Close ends the response after the guest has ended well. An error means that
// nothing was sent, unless [answer.Response.Committed].
func (p *Response) Close() error {
	switch {
	case p.Err() != nil, p.Begun():
		return p.Response.Close()
	case len(p.raw) == 0:
		return p.Fail(answer.Badf("the program wrote nothing to its standard output"))
	}
	return p.Fail(answer.Badf("the output %.80q has no blank line that ends the header", p.raw))
}
