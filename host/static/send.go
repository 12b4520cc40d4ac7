package static

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxRanges is how many parts of a file a request may ask for. Of one that wants
// more the parts' headers could be a multiple of the file.
const maxRanges = 16

// send answers with a file. Until everything is there that could fail, nothing of
// the response is touched.
func (s *Site) send(w http.ResponseWriter, r *http.Request, root *os.Root, found found) error {
	if found.status != http.StatusOK || !ranged(r) {
		r = without(r, "Range", "If-Range")
	}
	f := found.file
	form := f.pick(r.Header["Accept-Encoding"], r.Header.Get("Range") != "")
	tag, err := s.tagOf(r.Context(), root, form)
	if err != nil {
		return err
	}
	var content io.ReadSeeker = bytes.NewReader(nil) // enough for who has it already
	size := form.size
	if found.status != http.StatusOK || strings.TrimPrefix(r.Header.Get("If-None-Match"), "W/") != tag {
		opened, err := s.open(r, root, f, form)
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		content, size = opened, opened.size
		if opened.form != form {
			form = opened.form
			if tag, err = s.tagOf(r.Context(), root, form); err != nil {
				return err
			}
		}
	}
	s.describe(w.Header(), found, form)
	out := &response{ResponseWriter: w, buffers: &s.buffers, size: size}
	if found.status == http.StatusOK {
		w.Header().Set("Etag", tag)
		http.ServeContent(out, r, "", time.Time{}, content)
	} else {
		out.status(found.status)
		if r.Method != http.MethodHead {
			// Which the writer remembers.
			_, _ = io.Copy(out, content)
		}
	}
	if r.Method == http.MethodHead {
		return nil
	}
	return out.trouble()
}

// describe writes what the response's header says of a file.
func (s *Site) describe(header http.Header, found found, form *form) {
	header.Set("Content-Type", found.file.media)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", s.revalidated())
	if found.varies {
		header.Add("Vary", "Accept")
	} else if found.status == http.StatusOK {
		header.Set("Cache-Control", s.freshness(found.file.name))
	}
	if len(found.file.coded) > 0 {
		header.Add("Vary", "Accept-Encoding")
	}
	if form.coding != "" {
		header.Set("Content-Encoding", form.coding)
	}
}

// ranged tells whether a request asks for parts in a way that is to be understood:
// other methods and units are ignored (RFC 9110 section 14.2), and too many parts.
func ranged(r *http.Request) bool {
	parts := r.Header.Get("Range")
	return r.Method == http.MethodGet && strings.HasPrefix(parts, "bytes=") && strings.Count(parts, ",") < maxRanges
}

// without is a request without some of its headers.
func without(r *http.Request, names ...string) *http.Request {
	for _, name := range names {
		if r.Header[name] == nil {
			continue
		}
		inner := *r
		inner.Header = r.Header.Clone()
		for _, name := range names {
			inner.Header.Del(name)
		}
		return &inner
	}
	return r
}

// opened is a form of a file, to be read and closed.
type opened struct {
	io.ReadSeeker
	form *form
	size int64
	file *os.File // nil if it is in memory
}

func (o *opened) Close() error {
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// open opens the form of a file, or the file itself where that form is not to be
// had.
func (s *Site) open(r *http.Request, root *os.Root, f *file, form *form) (*opened, error) {
	if form.made {
		content, err := s.pack(r.Context(), root, f)
		if err != nil {
			return nil, err
		}
		if content != nil {
			return &opened{ReadSeeker: bytes.NewReader(content), form: form, size: int64(len(content))}, nil
		}
		form = f.whole
	}
	file, err := root.Open(form.name)
	if err != nil {
		return nil, fmt.Errorf("open a static file: %w", err)
	}
	return &opened{ReadSeeker: file, form: form, size: form.size, file: file}, nil
}

// response writes a response, and remembers whether it could.
type response struct {
	http.ResponseWriter
	buffers *sync.Pool
	size    int64 // of the form of the file
	want    int64 // bytes of body that the header declares
	sent    int64
	err     error
}

// Unwrap is for [http.ResponseController].
func (o *response) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *response) status(status int) {
	o.Header().Set("Content-Length", strconv.FormatInt(o.size, 10))
	o.WriteHeader(status)
}

func (o *response) WriteHeader(status int) {
	header := o.Header()
	// Which net/http leaves out of what is encoded, as others may encode it further.
	if status == http.StatusOK && header.Get("Content-Length") == "" {
		header.Set("Content-Length", strconv.FormatInt(o.size, 10))
	}
	// What is not there is no number, and nothing is wanted.
	o.want, _ = strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	o.ResponseWriter.WriteHeader(status)
}

func (o *response) Write(p []byte) (int, error) {
	n, err := o.ResponseWriter.Write(p)
	o.sent += int64(n)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// ReadFrom has [io.Copy] use a buffer that has been used before.
func (o *response) ReadFrom(from io.Reader) (int64, error) {
	buffer := o.buffers.Get().(*[bufferSize]byte)
	defer o.buffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{o}, struct{ io.Reader }{from}, buffer[:])
}

// trouble says why the client has less than the header declares, if so.
func (o *response) trouble() error {
	switch {
	case o.err != nil:
		return gone(o.err, true)
	case o.sent < o.want:
		e := space.Internal(fmt.Errorf("a static file ended after %d of %d bytes", o.sent, o.want))
		e.Committed = true
		return e
	}
	return nil
}

// gone is the error of a client that has left.
func gone(err error, committed bool) error {
	return &space.Error{Code: space.CodeClientGone, Message: "the client left while it was answered", Committed: committed, Err: err}
}
