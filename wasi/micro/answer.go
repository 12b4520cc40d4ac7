package micro

import (
	"bufio"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// host is what a handler can ask of its host, and tell it. The functions that fill a
// buffer return how long the whole is, and fill nothing if that is too long.
type host interface {
	method(buf []byte) int
	uri(buf []byte) int
	protocol(buf []byte) int
	// names are those of the request's header, in lower case, each with a NUL behind
	// it; values are those of one of them.
	names(buf []byte) (count, size int)
	values(name string, buf []byte) (count, size int)
	// read fills a buffer from the request's body, and tells whether there is no more.
	read(buf []byte) (n int, end bool)
	status(code int)
	add(name, value string)
	write(b []byte)
}

// bufferBytes is the room for a request's texts, and for what of a response is
// written at a time.
const bufferBytes = 4 << 10

// room is what a request needs, made ahead: an instance has one request at a time, and
// each finds what is there as the first does. What a request takes is its own from then
// on, as it may outlive the call where memory is kept.
var room struct { //nolint:gochecknoglobals // it is what the snapshot is for
	texts  [bufferBytes]byte
	body   *bufio.Writer
	writer *responseWriter
	asked  *http.Request
}

// prepare makes what the next request takes.
func prepare() {
	const fields = 8
	room.body = bufio.NewWriterSize(nil, bufferBytes)
	room.writer = &responseWriter{header: make(http.Header, fields)}
	room.asked = &http.Request{Header: make(http.Header, fields), RemoteAddr: "127.0.0.1:0", Body: http.NoBody}
}

// answer has h answer the host's request. It is not for concurrent use.
func answer(h http.Handler, from host) {
	if room.writer == nil {
		prepare()
	}
	w, r := room.writer, room.asked
	w.host, w.buffer = from, room.body
	room.writer, room.asked, room.body = nil, nil, nil
	w.buffer.Reset(bodyWriter{from})
	body, err := fill(r, from)
	if err != nil {
		http.Error(w, "bad request: "+err.Error(), http.StatusBadRequest)
	} else {
		h.ServeHTTP(w, r)
	}
	w.WriteHeader(http.StatusOK) // if nothing has been written
	_ = w.buffer.Flush()         // which does not fail
	// Who goes on with them, in another goroutine, must not reach the next request.
	w.host = nobody{}
	w.buffer.Reset(io.Discard)
	if body != nil {
		body.host, body.end = nobody{}, true
	}
}

// nobody is the host of a request that has been answered.
type nobody struct{}

func (nobody) method([]byte) int                { return 0 }
func (nobody) uri([]byte) int                   { return 0 }
func (nobody) protocol([]byte) int              { return 0 }
func (nobody) names([]byte) (count, size int)   { return 0, 0 }
func (nobody) values(string, []byte) (int, int) { return 0, 0 }
func (nobody) read([]byte) (n int, end bool)    { return 0, true }
func (nobody) status(int)                       {}
func (nobody) add(string, string)               {}
func (nobody) write([]byte)                     {}

// fill asks for the request, and returns its body if it has one.
func fill(r *http.Request, from host) (*bodyReader, error) {
	buf := room.texts[:]
	r.Method = text(&buf, from.method)
	r.RequestURI = text(&buf, from.uri)
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		return nil, err
	}
	r.Proto = text(&buf, from.protocol)
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	for _, name := range list(&buf, from.names) {
		values := list(&buf, func(buf []byte) (int, int) { return from.values(name, buf) })
		if name == "host" {
			r.Host = strings.Join(values, "")
			continue
		}
		r.Header[textproto.CanonicalMIMEHeaderKey(name)] = values
	}
	r.ContentLength = -1
	if length := r.Header["Content-Length"]; len(length) > 0 { // which the host has checked
		r.ContentLength, _ = strconv.ParseInt(length[0], 10, 64)
	} else if r.Header.Get("Transfer-Encoding") == "" {
		r.ContentLength = 0
	}
	if r.ContentLength == 0 {
		return nil, nil //nolint:nilnil // it has none
	}
	body := &bodyReader{host: from}
	r.Body = body
	return body, nil
}

// text reads a text, of whatever length, through a buffer that grows.
func text(buf *[]byte, get func([]byte) int) string {
	n := get(*buf)
	if n > len(*buf) {
		*buf = make([]byte, n)
		n = get(*buf)
	}
	return string((*buf)[:n])
}

// list reads texts with a NUL behind each.
func list(buf *[]byte, get func([]byte) (count, size int)) []string {
	count, size := get(*buf)
	if size > len(*buf) {
		*buf = make([]byte, size)
		count, size = get(*buf)
	}
	switch count {
	case 0:
		return nil
	case 1:
		return []string{string((*buf)[:size-1])}
	}
	return strings.Split(string((*buf)[:size-1]), "\x00")
}

// bodyReader is the body of a request.
type bodyReader struct {
	host host
	end  bool
}

// Read implements [io.Reader].
func (b *bodyReader) Read(p []byte) (int, error) {
	switch {
	case b.end:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n, end := b.host.read(p)
	b.end = end
	if n == 0 && end {
		return 0, io.EOF
	}
	return n, nil
}

// Close implements [io.Closer].
func (b *bodyReader) Close() error {
	b.end = true
	return nil
}

// responseWriter tells the host the response.
type responseWriter struct {
	host   host
	header http.Header
	wrote  bool
	typed  bool // the content type is known, or is to be none
	buffer *bufio.Writer
}

// Header implements [http.ResponseWriter].
func (w *responseWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter]. Informational statuses go nowhere.
func (w *responseWriter) WriteHeader(status int) {
	if w.wrote || status < http.StatusOK {
		return
	}
	w.wrote = true
	w.host.status(status)
	for _, name := range sorted(w.header) {
		for _, value := range w.header[name] {
			w.host.add(name, value)
		}
	}
	_, w.typed = w.header["Content-Type"]
}

// Write implements [io.Writer]. As with net/http, the content type is guessed from
// what is written first, if none is set.
func (w *responseWriter) Write(b []byte) (int, error) {
	w.begin(b)
	return w.buffer.Write(b)
}

// WriteString implements [io.StringWriter].
func (w *responseWriter) WriteString(s string) (int, error) {
	if !w.typed {
		return w.Write([]byte(s))
	}
	return w.buffer.WriteString(s)
}

func (w *responseWriter) begin(b []byte) {
	w.WriteHeader(http.StatusOK)
	if !w.typed && len(b) > 0 {
		w.typed = true
		if w.header.Get("Content-Encoding") == "" {
			w.host.add("Content-Type", http.DetectContentType(b))
		}
	}
}

// bodyWriter writes to the host.
type bodyWriter struct{ host host }

// Write implements [io.Writer].
func (w bodyWriter) Write(b []byte) (int, error) {
	w.host.write(b)
	return len(b), nil
}

func sorted(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var (
	_ http.ResponseWriter = (*responseWriter)(nil)
	_ io.StringWriter     = (*responseWriter)(nil)
)
