package micro

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// fake is a host with one request.
type fake struct {
	t        *testing.T
	request  map[string]string
	headers  []string // name and values, each with a NUL behind it
	body     string
	response strings.Builder
	statuses []int
	fields   []string
	writes   int
}

func put(buf []byte, s string) int {
	if len(s) <= len(buf) {
		copy(buf, s)
	}
	return len(s)
}

func (f *fake) method(buf []byte) int   { return put(buf, f.request["method"]) }
func (f *fake) uri(buf []byte) int      { return put(buf, f.request["uri"]) }
func (f *fake) protocol(buf []byte) int { return put(buf, "HTTP/1.1") }

func (f *fake) names(buf []byte) (int, int) {
	var all string
	for _, h := range f.headers {
		name, _, _ := strings.Cut(h, "\x00")
		all += name + "\x00"
	}
	return len(f.headers), put(buf, all)
}

func (f *fake) values(name string, buf []byte) (int, int) {
	for _, h := range f.headers {
		if n, values, _ := strings.Cut(h, "\x00"); n == name {
			return strings.Count(values, "\x00"), put(buf, values)
		}
	}
	return 0, 0
}

func (f *fake) read(buf []byte) (int, bool) {
	if len(buf) == 0 {
		f.t.Error("it reads into nothing, which is a trap")
	}
	n := copy(buf, f.body)
	f.body = f.body[n:]
	return n, f.body == ""
}

func (f *fake) status(code int) { f.statuses = append(f.statuses, code) }

func (f *fake) add(name, value string) { f.fields = append(f.fields, name+": "+value) }

func (f *fake) write(b []byte) {
	f.writes++
	f.response.Write(b)
}

func newFake(t *testing.T) *fake {
	return &fake{t: t, request: map[string]string{"method": "POST", "uri": "/a%20b/c?d=e"}, headers: []string{
		"accept\x00a/b\x00c/d\x00", "content-length\x008\x00", "host\x00example.org\x00", "x-empty\x00\x00",
	}, body: "the body"}
}

func TestRequest(t *testing.T) {
	f := newFake(t)
	answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "the body" || r.ContentLength != 8 {
			t.Errorf("body %q of %d, %v", body, r.ContentLength, err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/a b/c" || r.URL.Query().Get("d") != "e" || r.RequestURI != "/a%20b/c?d=e" {
			t.Errorf("%s %v %s", r.Method, r.URL, r.RequestURI)
		}
		if r.Host != "example.org" || r.Proto != "HTTP/1.1" || r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.RemoteAddr == "" {
			t.Errorf("%s %s %d.%d %s", r.Host, r.Proto, r.ProtoMajor, r.ProtoMinor, r.RemoteAddr)
		}
		want := http.Header{"Accept": {"a/b", "c/d"}, "Content-Length": {"8"}, "X-Empty": {""}}
		if fmt.Sprint(r.Header) != fmt.Sprint(want) {
			t.Errorf("header %q", r.Header)
		}
		if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after the body %d, %v", n, err)
		}
	}), f)
	if len(f.statuses) != 1 || f.statuses[0] != 200 || f.response.Len() > 0 || len(f.fields) > 0 {
		t.Errorf("a handler that does nothing answers %v %v %q", f.statuses, f.fields, &f.response)
	}
}

// Texts that are longer than the buffer are read all the same.
func TestLongRequest(t *testing.T) {
	f := newFake(t)
	long := strings.Repeat("x", 3*bufferBytes)
	f.request["uri"] = "/" + long
	f.headers = append(f.headers, "x-long\x00"+long+"\x00")
	for i := range 1000 {
		f.headers = append(f.headers, fmt.Sprintf("x-%d\x00%d\x00", i, i))
	}
	answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+long || r.Header.Get("X-Long") != long || len(r.Header) != 1004 {
			t.Errorf("%d bytes of path, %d of the header, %d fields", len(r.URL.Path), len(r.Header.Get("X-Long")), len(r.Header))
		}
	}), f)
}

func TestBadRequest(t *testing.T) {
	f := newFake(t)
	f.request["uri"] = "no path"
	answer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }), f)
	if f.statuses[0] != 400 {
		t.Errorf("answered %v", f.statuses)
	}
}

func TestResponse(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(w http.ResponseWriter)
		status int
		fields string
		body   string
	}{
		"plain": {func(w http.ResponseWriter) { fmt.Fprint(w, "hello") }, 200, "Content-Type: text/plain; charset=utf-8", "hello"},
		"html":  {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<!DOCTYPE html>") }, 200, "Content-Type: text/html; charset=utf-8", "<!DOCTYPE html>"},
		"whole": {func(w http.ResponseWriter) {
			w.Header().Set("X-Two", "2")
			w.Header()["X-One"] = []string{"a", "b"}
			w.Header().Set("Content-Type", "a/b")
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Late", "1")
			_, _ = io.WriteString(w, "short and")
			_, _ = w.Write([]byte(" stout"))
		}, 418, "Content-Type: a/b, X-One: a, X-One: b, X-Two: 2", "short and stout"},
		"informational": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNoContent)
		}, 204, "", ""},
		"no type": {func(w http.ResponseWriter) {
			w.Header()["Content-Type"] = nil
			fmt.Fprint(w, "hello")
		}, 200, "", "hello"},
		"encoded": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, "\x1f\x8b")
		}, 200, "Content-Encoding: gzip", "\x1f\x8b"},
		"error": {func(w http.ResponseWriter) { http.Error(w, "no", http.StatusForbidden) }, 403, "Content-Type: text/plain; charset=utf-8, X-Content-Type-Options: nosniff", "no\n"},
		"redirect": {func(w http.ResponseWriter) {
			http.Redirect(w, &http.Request{Method: http.MethodPost, URL: &url.URL{}}, "/x", http.StatusSeeOther)
		}, 303, "Location: /x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.do(w) }), f)
			if fields := strings.Join(f.fields, ", "); len(f.statuses) != 1 || f.statuses[0] != c.status || fields != c.fields || f.response.String() != c.body {
				t.Errorf("%v %q %q", f.statuses, fields, &f.response)
			}
		})
	}
}

// Small writes are gathered, large ones pass.
func TestWritesAreGathered(t *testing.T) {
	f := newFake(t)
	answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			fmt.Fprint(w, "four")
		}
	}), f)
	if f.response.String() != strings.Repeat("four", 1000) || f.writes > 2 {
		t.Errorf("%d bytes in %d writes", f.response.Len(), f.writes)
	}
}

func TestRand(t *testing.T) {
	if Rand().Uint64() == Rand().Uint64() {
		t.Error("two generators are the same")
	}
}

// A request that is abandoned is a crash, as there is nobody to recover it.
func TestPanic(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	answer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), newFake(t))
}

// Who goes on with a request that has been answered does not reach the next.
func TestLateWritesGoNowhere(t *testing.T) {
	first, second := newFake(t), newFake(t)
	var kept http.ResponseWriter
	var body io.Reader
	answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { kept, body = w, r.Body }), first)
	answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(kept, strings.Repeat("late", bufferBytes))
		if text, err := io.ReadAll(body); len(text) > 0 || err != nil {
			t.Errorf("the first body reads %q, %v", text, err)
		}
		text, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "second has %s", text)
	}), second)
	if first.response.Len() > 0 || second.response.String() != "second has the body" {
		t.Errorf("the first is %q, the second %q", &first.response, &second.response)
	}
}
