package cgi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
	"github.com/spacewasm/spacewasm/wasi/internal/cgi"
)

const (
	held  = 64 << 10 // what a response holds back, and what its header may have
	plain = "Content-Type: text/plain\n\n"
)

// output is what became of a guest's output.
type output struct {
	*httptest.ResponseRecorder
	err       error // of the first call that failed
	committed bool
	failures  []error // that onError was told
}

// respond writes the chunks as the output of one guest, which ends well.
func respond(method string, limit int64, chunks ...string) output {
	o := output{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(method, "/", nil)
	p := cgi.NewResponse(o, r, limit, func(err error) { o.failures = append(o.failures, err) })
	for _, chunk := range chunks {
		if _, err := io.WriteString(p, chunk); err != nil && o.err == nil {
			o.err = err
		}
	}
	if err := p.Close(); o.err == nil {
		o.err = err
	}
	o.committed = p.Committed()
	return o
}

// untouched tells whether the ResponseWriter is as it was.
func (o output) untouched() bool {
	return len(o.Header()) == 0 && o.Body.Len() == 0 && !o.Flushed && !o.committed
}

// bytewise splits s, since a guest may write as little at a time as it likes.
func bytewise(s string) []string { return strings.Split(s, "") }

func TestResponse(t *testing.T) {
	for name, c := range map[string]struct {
		out    string
		method string
		status int
		header http.Header
		body   string
	}{
		"line feeds": {
			out: "Content-Type: text/plain\n\nhello", status: 200, body: "hello",
			header: http.Header{"Content-Type": {"text/plain"}, "Content-Length": {"5"}},
		},
		"carriage returns": {
			out: "Status: 201 Created\r\nContent-Type: text/plain\r\n\r\n\r\nhello", status: 201, body: "\r\nhello",
			header: http.Header{"Content-Type": {"text/plain"}, "Content-Length": {"7"}},
		},
		"mixed line ends": {
			out: "Status: 200\r\nX-A: 1\n\r\nx", status: 200, body: "x",
			header: http.Header{"Content-Type": nil, "X-A": {"1"}, "Content-Length": {"1"}},
		},
		"names in any case, blanks around values": {
			out: "content-TYPE:\t text/plain \t\nx-ms-thing:1\n\n", status: 200,
			header: http.Header{"Content-Type": {"text/plain"}, "X-Ms-Thing": {"1"}, "Content-Length": {"0"}},
		},
		"status without reason": {out: "Status: 404\n\nno", status: 404, body: "no", header: http.Header{"Content-Type": nil, "Content-Length": {"2"}}},
		"highest status":        {out: "Status: 599 x y z\n\n", status: 599, header: http.Header{"Content-Type": nil, "Content-Length": {"0"}}},
		"location implies 302": {
			out: "Location: /there\n\n", status: 302,
			header: http.Header{"Content-Type": nil, "Location": {"/there"}, "Content-Length": {"0"}},
		},
		"location with a status": {
			out: "Location: http://a/\nStatus: 201 Made\n\n", status: 201,
			header: http.Header{"Content-Type": nil, "Location": {"http://a/"}, "Content-Length": {"0"}},
		},
		"a header twice": {
			out: "Status: 200\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n", status: 200,
			header: http.Header{"Content-Type": nil, "Set-Cookie": {"a=1", "b=2"}, "Content-Length": {"0"}},
		},
		"declared length": {
			out: "Content-Type: a/b\nContent-Length: 3\n\nabc", status: 200, body: "abc",
			header: http.Header{"Content-Type": {"a/b"}, "Content-Length": {"3"}},
		},
		"no content drops its body": {
			out: "Status: 204\nContent-Length: 3\n\nabc", status: 204,
			header: http.Header{"Content-Type": nil},
		},
		"not modified keeps its length": {
			out: "Status: 304\nContent-Length: 10\nEtag: \"x\"\n\nabc", status: 304,
			header: http.Header{"Content-Type": nil, "Content-Length": {"10"}, "Etag": {`"x"`}},
		},
		"not modified without a length": {
			out: "Status: 304\n\n", status: 304, header: http.Header{"Content-Type": nil},
		},
		"head with a body": {
			out: plain + "hello", method: http.MethodHead, status: 200,
			header: http.Header{"Content-Type": {"text/plain"}},
		},
		"head keeps the length": {
			out: "Content-Type: a/b\nContent-Length: 99\n\n", method: http.MethodHead, status: 200,
			header: http.Header{"Content-Type": {"a/b"}, "Content-Length": {"99"}},
		},
		"reset content is empty, whatever it says": {
			out: "Status: 205\nContent-Length: 3\n\nabc", status: 205, header: http.Header{"Content-Type": nil},
		},
		"a server of its own": {
			out: "Status: 200\nServer: mine/1\n\n", status: 200,
			header: http.Header{"Content-Type": nil, "Server": {"mine/1"}, "Content-Length": {"0"}},
		},
		// T17
		"the connection's and the platform's headers are dropped": {
			out: "Status: 200\nConnection: close\nKeep-Alive: 1\nProxy-Connection: x\nProxy-Authenticate: x\nTE: x\nTrailer: X\n" +
				"Transfer-Encoding: chunked\nUpgrade: h2c\nHTTP2-Settings: x\nAlt-Svc: x\nClear-Site-Data: \"*\"\nX-Sendfile: /etc/passwd\n" +
				"X-Accel-Redirect: /x\nX-Lighttpd-Send-File: /x\nX-Reproxy-URL: http://x\nX-LiteSpeed-Location: /x\nX-Space-Error: lie\n" +
				"x-space-request-id: lie\nTrailer:X: y\nDate: Thu, 01 Jan 1970 00:00:00 GMT\nServer: deta-space\nserver: Deta\n\n", status: 200,
			header: http.Header{"Content-Type": nil, "Content-Length": {"0"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.method == "" {
				c.method = http.MethodGet
			}
			for _, chunks := range [][]string{{c.out}, bytewise(c.out)} {
				o := respond(c.method, 1<<20, chunks...)
				if o.err != nil || o.failures != nil || !o.committed {
					t.Fatalf("error %v, told %v, committed %v", o.err, o.failures, o.committed)
				}
				if o.Code != c.status || o.Body.String() != c.body || !reflect.DeepEqual(o.Header(), c.header) {
					t.Errorf("got %d %v %q\nwant %d %v %q", o.Code, o.Header(), o.Body, c.status, c.header, c.body)
				}
			}
		})
	}
}

func TestBadResponse(t *testing.T) {
	for name, c := range map[string]struct{ out, want string }{
		"nothing":                   {"", "wrote nothing"},
		"no header":                 {"hello\n", "no blank line"},
		"cut in the header":         {"Content-Type: text/plain\n", "no blank line"},
		"blank line only":           {"\n", "none of Content-Type, Location and Status"},
		"no needed header":          {"X-A: 1\n\nbody", "none of Content-Type, Location and Status"},
		"empty content type":        {"Content-Type:\n\nbody", "none of Content-Type"},
		"no colon":                  {"Content-Type: a/b\nhello\n\n", `"hello" is not`},
		"blank before the colon":    {"Content-Type : a/b\n\n", "is not `Name: value`"},
		"folded line":               {"Content-Type: a/b\n ; x=y\n\n", "is not `Name: value`"},
		"empty name":                {": a/b\n\n", "is not `Name: value`"},
		"HTTP status line":          {"HTTP/1.1 200 OK\nContent-Type: a/b\n\n", "is not `Name: value`"},
		"carriage return in value":  {"Content-Type: a/b\nX: a\rSet-Cookie: b=c\n\n", "control characters"},
		"NUL in a value":            {"Content-Type: a\x00b\n\n", "control characters"},
		"status is no number":       {"Status: OK\n\n", "200 to 599"},
		"status is empty":           {"Status:\n\n", "200 to 599"},
		"status too small":          {"Status: 99\n\n", "200 to 599"},
		"informational status":      {"Status: 199\n\n", "200 to 599"},
		"switching protocols":       {"Status: 101\n\n", "200 to 599"},
		"status too large":          {"Status: 600\n\n", "200 to 599"},
		"status with a sign":        {"Status: +20\n\n", "200 to 599"},
		"status with a zero":        {"Status: 0200\n\n", "200 to 599"},
		"status twice":              {"Status: 200\nStatus: 200\n\n", "twice"},
		"length is no number":       {"Status: 200\nContent-Length: x\n\n", "number of bytes"},
		"length is negative":        {"Status: 200\nContent-Length: -1\n\n", "number of bytes"},
		"length with a sign":        {"Status: 200\nContent-Length: +1\n\na", "number of bytes"},
		"length beyond all":         {"Status: 200\nContent-Length: 99999999999999999999\n\n", "number of bytes"},
		"length twice":              {"Status: 200\nContent-Length: 1\nContent-Length: 1\n\na", "twice"},
		"body shorter than length":  {"Status: 200\nContent-Length: 2\n\na", "has 1 bytes, its Content-Length says 2"},
		"body longer than length":   {"Status: 200\nContent-Length: 2\n\nabc", "longer than its Content-Length of 2"},
		"header without end":        {"X: " + strings.Repeat("x", held), "larger than 65536"},
		"early hints":               {"Status: 103\nLink: </a.css>; rel=preload\n\nStatus: 200\n\n", "200 to 599"},
		"too many lines":            {"Status: 200\n" + strings.Repeat("A:\n", 256) + "\n", "257 lines"},
		"two lengths in one line":   {"Status: 200\nContent-Length: 1, 1\n\na", "number of bytes"},
		"location with a return":    {"Location: /x\r\r\nSet-Cookie: a=b\n\n", "control characters"},
		"DEL in a value":            {"Content-Type: a\x7fb\n\n", "control characters"},
		"NUL in a name":             {"Content-Type: a/b\nX\x00Y: 1\n\n", "is not `Name: value`"},
		"name that is no token":     {"Content-Type: a/b\nX(Y): 1\n\n", "is not `Name: value`"},
		"blank before the name":     {" Content-Type: a/b\n\n", "is not `Name: value`"},
		"header too large":          {"X: " + strings.Repeat("x", held) + "\n\n", "larger than 65536"},
		"header too large by a bit": {"Status: 200\nX: " + strings.Repeat("x", held-15) + "\n\n", "larger than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunks := range [][]string{{c.out}, {c.out[:len(c.out)/2], c.out[len(c.out)/2:]}} {
				o := respond(http.MethodGet, 1<<20, chunks...)
				var bad *answer.BadError
				if !errors.As(o.err, &bad) || !strings.Contains(o.err.Error(), c.want) {
					t.Fatalf("got %v, want %q in it", o.err, c.want)
				}
				if len(o.failures) != 1 || !o.untouched() {
					t.Errorf("told %v, header %v, body %q", o.failures, o.Header(), o.Body)
				}
			}
		})
	}
}

// The largest header passes however it is cut into writes and whatever ends its lines.
func TestLargestHeader(t *testing.T) {
	for _, end := range []string{"\n", "\r\n"} {
		header := "Status: 200" + end + "X: "
		header += strings.Repeat("x", held-len(header)-len(end)) + end
		for _, chunks := range [][]string{{header + end + "body"}, {header, end, "body"}, {header, end[:1], end[1:], "body"}} {
			if o := respond(http.MethodGet, 10, chunks...); o.err != nil || o.Body.String() != "body" {
				t.Errorf("line end %q in %d writes: %v, body %.10q", end, len(chunks), o.err, o.Body)
			}
		}
	}
}

func TestBodyLimit(t *testing.T) {
	const limit = 3 * held
	body := strings.Repeat("x", limit)
	for name, c := range map[string]struct {
		chunks    []string
		committed bool
		ok        bool
	}{
		"inclusive":              {[]string{plain, body}, true, true},
		"declared and inclusive": {[]string{fmt.Sprintf("Status: 200\nContent-Length: %d\n\n", limit), body}, true, true},
		"declared too large":     {[]string{fmt.Sprintf("Status: 200\nContent-Length: %d\n\n", limit+1)}, false, false},
		"too large in one write": {[]string{plain + body + "x"}, false, false},
		"one byte more":          {[]string{plain, body, "x"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := respond(http.MethodGet, limit, c.chunks...)
			var large *answer.TooLargeError
			if c.ok != (o.err == nil) || (!c.ok && (!errors.As(o.err, &large) || large.Limit != limit)) {
				t.Fatalf("got %v", o.err)
			}
			if o.committed != c.committed || o.Body.Len() > limit || (!c.committed && !o.untouched()) {
				t.Errorf("committed %v, %d bytes of body", o.committed, o.Body.Len())
			}
		})
	}
}

// Up to 64 KiB are held back; one byte more, and all of it streams.
func TestStreaming(t *testing.T) {
	rec := httptest.NewRecorder()
	p := cgi.NewResponse(rec, httptest.NewRequest(http.MethodGet, "/", nil), 1<<20, func(err error) { t.Error(err) })
	write := func(s string, committed bool, sent int) {
		t.Helper()
		if n, err := io.WriteString(p, s); n != len(s) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(s), err)
		}
		if p.Committed() != committed || rec.Body.Len() != sent {
			t.Fatalf("committed %v, sent %d; want %v, %d", p.Committed(), rec.Body.Len(), committed, sent)
		}
	}
	write(plain, false, 0)
	write(strings.Repeat("x", held), false, 0)
	write("y", true, held+1)
	write("z", true, held+2)
	if err := p.Close(); err != nil || p.Err() != nil {
		t.Fatal(err)
	}
	if rec.Header().Get("Content-Length") != "" {
		t.Error("a streamed response of unknown length has a Content-Length")
	}
}

func TestFlush(t *testing.T) {
	rec := httptest.NewRecorder()
	p := cgi.NewResponse(rec, httptest.NewRequest(http.MethodGet, "/", nil), 1<<20, func(err error) { t.Error(err) })
	io.WriteString(p, "Content-Type: text/plain\n")
	if err := p.Flush(); err != nil || p.Committed() || rec.Flushed {
		t.Fatalf("a flush within the header: %v, committed %v", err, p.Committed())
	}
	io.WriteString(p, "\nfirst")
	if err := p.Flush(); err != nil || !p.Committed() || !rec.Flushed || rec.Body.String() != "first" {
		t.Fatalf("a flush: %v, committed %v, body %q", err, p.Committed(), rec.Body)
	}
	io.WriteString(p, " second")
	if err := p.Close(); err != nil || rec.Body.String() != "first second" {
		t.Fatalf("%v, body %q", err, rec.Body)
	}
}

// plainWriter is a client's connection that cannot flush, and fails once it has taken left bytes.
type plainWriter struct {
	header http.Header
	left   int
}

func (w *plainWriter) Header() http.Header { return w.header }
func (w *plainWriter) WriteHeader(int)     {}

func (w *plainWriter) Write(b []byte) (int, error) {
	w.left -= len(b)
	if w.left < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(b), nil
}

func TestClientGone(t *testing.T) {
	for name, write := range map[string]func(p *cgi.Response) error{
		"while it streams": func(p *cgi.Response) error { _, err := io.WriteString(p, strings.Repeat("x", held+1)); return err },
		"at a flush":       func(p *cgi.Response) error { io.WriteString(p, "x"); return p.Flush() },
		"at the end":       func(p *cgi.Response) error { io.WriteString(p, "x"); return p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			p := cgi.NewResponse(&plainWriter{header: http.Header{}}, httptest.NewRequest(http.MethodGet, "/", nil), 1<<20, func(error) { told++ })
			io.WriteString(p, plain)
			if err := write(p); !errors.Is(err, answer.ErrClientGone) {
				t.Fatalf("got %v", err)
			}
			if _, err := io.WriteString(p, "x"); !errors.Is(err, answer.ErrClientGone) || !errors.Is(p.Flush(), err) || !errors.Is(p.Close(), err) {
				t.Errorf("the error does not stay: %v", err)
			}
			if told != 1 || !p.Committed() || !errors.Is(p.Err(), answer.ErrClientGone) {
				t.Errorf("told %d times, committed %v, Err %v", told, p.Committed(), p.Err())
			}
		})
	}
}

// A writer that cannot flush is one that has nothing to hold back.
func TestFlushNotSupported(t *testing.T) {
	p := cgi.NewResponse(&plainWriter{header: http.Header{}, left: 10}, httptest.NewRequest(http.MethodGet, "/", nil), 1<<20, func(err error) { t.Error(err) })
	io.WriteString(p, plain+"x")
	if err := errors.Join(p.Flush(), p.Close()); err != nil {
		t.Error(err)
	}
}

// What fails after part of the response was sent is an error that says so.
func TestFailsAfterCommit(t *testing.T) {
	for name, c := range map[string]struct{ declared, more string }{
		"longer than declared":  {"70000", strings.Repeat("x", 5000)},
		"shorter than declared": {"70000", ""},
	} {
		o := respond(http.MethodGet, 1<<20, "Status: 200\nContent-Length: "+c.declared+"\n\n", strings.Repeat("x", 66000), c.more)
		var bad *answer.BadError
		if !errors.As(o.err, &bad) || !o.committed || o.Body.Len() != 66000 {
			t.Errorf("%s: %v, committed %v, %d bytes", name, o.err, o.committed, o.Body.Len())
		}
	}
}

// A guest may hand over all of its memory at once; the header is found in it without a copy of the rest.
func TestHugeWriteIsNotCopied(t *testing.T) {
	huge := []byte(plain + strings.Repeat("x", 32<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := cgi.NewResponse(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), 1<<20, func(error) {})
	p.Write(huge)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("one write of %d bytes took %d bytes of the host", len(huge), allocated)
	}
}
