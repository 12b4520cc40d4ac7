package static_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/static"
)

func TestTypes(t *testing.T) {
	want := map[string]string{
		"a.html": "text/html; charset=utf-8", "a.HTM": "text/html; charset=utf-8", "a.css": "text/css; charset=utf-8",
		"a.js": "text/javascript; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8", "a.txt": "text/plain; charset=utf-8",
		"a.md": "text/markdown; charset=utf-8", "a.wasm": "application/wasm", "a.json": "application/json", "a.js.map": "application/json",
		"a.webmanifest": "application/manifest+json", "a.xml": "application/xml", "a.pdf": "application/pdf", "a.svg": "image/svg+xml",
		"a.png": "image/png", "a.JPG": "image/jpeg", "a.webp": "image/webp", "a.avif": "image/avif", "a.ico": "image/vnd.microsoft.icon",
		"a.woff2": "font/woff2", "a.mp4": "video/mp4", "a.webm": "video/webm", "a.mp3": "audio/mpeg", "a.tar.gz": "application/gzip",
		"a.unknown": "application/octet-stream", "a": "application/octet-stream", "a.": "application/octet-stream",
	}
	files := map[string]string{}
	for name := range want {
		files[name] = "<html>not to be guessed from"
	}
	s := site(t, files)
	for name, media := range want {
		h := ask(t, s, http.MethodGet, "/"+name).Header
		if h.Get("Content-Type") != media || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, h)
		}
	}
}

func TestConditions(t *testing.T) {
	s := site(t, map[string]string{"a.bin": "0123456789", "same.bin": "0123456789", "empty.bin": ""})
	tag := ask(t, s, http.MethodGet, "/a.bin").Header.Get("Etag")
	if len(tag) < 10 || tag[0] != '"' {
		t.Fatalf("the tag is %s", tag)
	}
	other := site(t, map[string]string{"a.bin": "0123456789", "b.bin": "012345678"})
	if again := ask(t, other, http.MethodGet, "/a.bin").Header.Get("Etag"); again != tag {
		t.Errorf("in another revision the tag is %s, not %s", again, tag)
	}
	if changed := ask(t, other, http.MethodGet, "/b.bin").Header.Get("Etag"); changed == tag {
		t.Error("the tag of other content is the same")
	}
	for _, c := range []struct {
		path   string
		header []string
		status int
		want   string
	}{
		{"/a.bin", nil, 200, "0123456789"},
		{"/a.bin", []string{"If-None-Match", tag}, 304, ""},
		{"/a.bin", []string{"If-None-Match", "W/" + tag}, 304, ""},
		{"/a.bin", []string{"If-None-Match", `"x", ` + tag}, 304, ""},
		{"/a.bin", []string{"If-None-Match", "*"}, 304, ""},
		{"/a.bin", []string{"If-None-Match", `"x"`}, 200, "0123456789"},
		{"/a.bin", []string{"If-Match", tag}, 200, "0123456789"},
		{"/a.bin", []string{"If-Match", `"x"`}, 412, ""},
		{"/a.bin", []string{"If-Match", `"x"`, "If-None-Match", tag}, 412, ""},
		{"/a.bin", []string{"If-Modified-Since", "Mon, 02 Jan 2040 15:04:05 GMT"}, 200, "0123456789"},
		{"/a.bin", []string{"Range", "bytes=2-4"}, 206, "234"},
		{"/a.bin", []string{"Range", "bytes=-3"}, 206, "789"},
		{"/a.bin", []string{"Range", "bytes=8-99"}, 206, "89"},
		{"/a.bin", []string{"Range", "bytes=10-"}, 416, "invalid range: failed to overlap\n"},
		{"/a.bin", []string{"Range", "bytes=x"}, 416, "invalid range\n"},
		{"/a.bin", []string{"Range", "lines=1-2"}, 200, "0123456789"},
		{"/a.bin", []string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
		{"/a.bin", []string{"Range", "bytes=2-4", "If-Range", `"x"`}, 200, "0123456789"},
		{"/a.bin", []string{"Range", "bytes=2-4", "If-None-Match", tag}, 304, ""},
		{"/a.bin", []string{"Range", "bytes=0-" + strings.Repeat(",0-", 9)}, 200, "0123456789"}, // more than the file
		{"/a.bin", []string{"Range", "bytes=0-0" + strings.Repeat(",1-1", 5000)}, 200, "0123456789"},
		{"/empty.bin", []string{"Range", "bytes=0-1"}, 200, ""},
	} {
		res := ask(t, s, http.MethodGet, c.path, c.header...)
		if got := body(t, res); res.StatusCode != c.status || got != c.want {
			t.Errorf("%.60q: %d %q, want %d %q", c.header, res.StatusCode, got, c.status, c.want)
		}
		if res.Header.Get("Last-Modified") != "" {
			t.Error("a time that nobody keeps")
		}
	}
	if res := ask(t, s, http.MethodHead, "/a.bin", "Range", "bytes=2-4"); res.StatusCode != http.StatusOK || res.ContentLength != 10 {
		t.Errorf("HEAD with a range: %d, %d bytes", res.StatusCode, res.ContentLength)
	}
}

func TestManyRanges(t *testing.T) {
	s := site(t, map[string]string{"a.txt": "0123456789"})
	res := ask(t, s, http.MethodGet, "/a.txt", "Range", "bytes=1-2,5-6")
	_, parameters, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || res.StatusCode != http.StatusPartialContent {
		t.Fatal(res.StatusCode, err)
	}
	parts := multipart.NewReader(res.Body, parameters["boundary"])
	for _, want := range []string{"12", "56"} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || string(got) != want || part.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%q %v (%v), want %q", got, part.Header, err, want)
		}
	}
}

// long is text that compresses, and no two are the same.
func long(name string) string {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "%s %d\n", name, i)
	}
	return b.String()
}

func TestCodings(t *testing.T) {
	noise := make([]byte, 64<<10) // of a type that should compress
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, "by the author"); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"long.js": long("js"), "short.js": "short", "noise.js": string(noise), "big.txt": strings.Repeat(long("big"), 3000),
		"photo.png": long("png"),
		"all.css":   long("css"), "all.css.br": "br", "all.css.zst": "zst", "all.css.gz": zipped.String(),
		"br.css": long("br css"), "br.css.br": "br of br",
		"raw.bin": "raw", "raw.bin.zst": "raw zst",
		"dir.js": long("dir"), "dir.js.br/": "", "dir.js.gz/": "",
	}
	s := site(t, files)
	tags := map[string]string{}
	for _, c := range []struct{ path, accept, coding string }{
		{"/long.js", "", ""},
		{"/long.js", "gzip", "gzip"},
		{"/long.js", "GZIP", "gzip"},
		{"/long.js", "x-gzip", "gzip"},
		{"/long.js", "*", "gzip"},
		{"/long.js", "gzip, deflate, br, zstd", "gzip"},
		{"/long.js", "br", ""},
		{"/long.js", "gzip;q=0", ""},
		{"/long.js", "gzip; q=0.001", "gzip"},
		{"/long.js", "gzip;q=0, *", ""},
		{"/long.js", "*;q=0", ""},
		{"/long.js", "identity;q=0", ""}, // there is nothing else that the client takes
		{"/long.js", "identity;q=1, gzip;q=0.5", ""},
		{"/long.js", "identity, gzip", "gzip"},
		{"/long.js", "gzip;q=nan", ""},
		{"/long.js", "gzip;q=2", ""},
		{"/long.js", ",;q=1,gzip;;q=1,", "gzip"},
		{"/short.js", "gzip", ""},
		{"/noise.js", "gzip", ""},
		{"/big.txt", "gzip", ""},
		{"/photo.png", "gzip", ""},
		{"/dir.js", "br, gzip", "gzip"},
		{"/all.css", "gzip, deflate, br, zstd", "br"},
		{"/all.css", "gzip, zstd", "zstd"},
		{"/all.css", "gzip", "gzip"},
		{"/all.css", "br;q=0.5, gzip;q=0.9, zstd;q=0.1", "gzip"},
		{"/all.css", "br;q=0, *", "zstd"},
		{"/all.css", "", ""},
		{"/all.css.gz", "gzip", ""}, // which is a file of its own
		{"/br.css", "gzip", "gzip"},
		{"/br.css", "br", "br"},
		{"/raw.bin", "zstd", "zstd"},
		{"/raw.bin", "gzip", ""},
	} {
		for range 2 { // made, and remembered
			var header []string
			if c.accept != "" {
				header = []string{"Accept-Encoding", c.accept}
			}
			res := ask(t, s, http.MethodGet, c.path, header...)
			got := body(t, res)
			coding := res.Header.Get("Content-Encoding")
			if res.StatusCode != http.StatusOK || coding != c.coding || int64(len(got)) != res.ContentLength {
				t.Errorf("%s for %q: %d %q, %d of %d bytes, want %q", c.path, c.accept, res.StatusCode, coding, len(got), res.ContentLength, c.coding)
				continue
			}
			name := c.path[1:]
			ext := map[string]string{"": "", "br": ".br", "zstd": ".zst", "gzip": ".gz"}[coding]
			switch stored, ok := files[name+ext]; {
			case ok && got != stored:
				t.Errorf("%s for %q is not what is in the tree", c.path, c.accept)
			case !ok && unzip(t, got) != files[name]:
				t.Errorf("%s for %q is something else when it is unpacked", c.path, c.accept)
			}
			tag := res.Header.Get("Etag")
			if form, seen := tags[tag]; seen && form != name+coding {
				t.Errorf("%s and %s have the tag %s", form, name+coding, tag)
			}
			tags[tag] = name + coding
			if res := ask(t, s, http.MethodGet, c.path, append(header, "If-None-Match", tag)...); res.StatusCode != http.StatusNotModified {
				t.Errorf("%s for %q with its tag: %d", c.path, c.accept, res.StatusCode)
			}
			if res := ask(t, s, http.MethodHead, c.path, header...); res.ContentLength != int64(len(got)) || res.Header.Get("Etag") != tag {
				t.Errorf("HEAD %s for %q: %v", c.path, c.accept, res.Header)
			}
		}
	}
	for name, varies := range map[string]bool{"long.js": true, "raw.bin": true, "all.css": true, "short.js": false, "photo.png": false} {
		if got := ask(t, s, http.MethodGet, "/"+name).Header.Get("Vary") == "Accept-Encoding"; got != varies {
			t.Errorf("%s varies: %v", name, got)
		}
	}
}

// A part is of the form whose tag the client has: one that is made as it is wanted
// has no parts, one that is in the tree does.
func TestPartsOfCodings(t *testing.T) {
	files := map[string]string{"long.js": long("js"), "br.css": long("css"), "br.css.br": "0123456789"}
	s := site(t, files)
	made := ask(t, s, http.MethodGet, "/long.js", "Accept-Encoding", "gzip").Header.Get("Etag")
	res := ask(t, s, http.MethodGet, "/long.js", "Accept-Encoding", "gzip", "Range", "bytes=3-5")
	if got := body(t, res); res.StatusCode != http.StatusPartialContent || got != files["long.js"][3:6] || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("a part: %d %q %v", res.StatusCode, got, res.Header)
	}
	res = ask(t, s, http.MethodGet, "/long.js", "Accept-Encoding", "gzip", "Range", "bytes=3-5", "If-Range", made)
	if got := body(t, res); res.StatusCode != http.StatusOK || got != files["long.js"] {
		t.Errorf("a part of what was compressed: %d, %d bytes", res.StatusCode, len(got))
	}
	stored := ask(t, s, http.MethodGet, "/br.css", "Accept-Encoding", "br").Header.Get("Etag")
	res = ask(t, s, http.MethodGet, "/br.css", "Accept-Encoding", "br", "Range", "bytes=3-5", "If-Range", stored)
	if got := body(t, res); res.StatusCode != http.StatusPartialContent || got != "345" || res.Header.Get("Content-Encoding") != "br" {
		t.Errorf("a part of what is stored: %d %q %v", res.StatusCode, got, res.Header)
	}
}

func unzip(t *testing.T, s string) string {
	t.Helper()
	if !strings.HasPrefix(s, "\x1f\x8b") {
		return s
	}
	r, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFreshness(t *testing.T) {
	fresh := map[string]bool{
		"app.3f2a9c1b.js": true, "app.3f2a9c1b.js.map": true, "main.3f2a9c1b.chunk.css": true, "index-BxY12abc.css": true,
		"app-3JQ2XK7A.js": true, "assets/logo-D3kz9Qx1.svg": true, "x.0a1b2c3d4e5f60718293.wasm": true, "start.Bx1Y2abc.js": true,
		"index.html": false, "app.3f2a9c1b.html": false, "app.js": false, "3f2a9c1b.js": false, "app.20240101.js": false,
		"photo-20240101.jpg": false, "report-2024Jan1.png": false, "app.deadbeef.js": false, "app-faceb00c.js": false,
		"jquery-3.6.0.min.js": false, "bootstrap.bundle.min.js": false, "img-Photo123.jpg": false, "my-document.css": false,
		"a.3f2a9c1b": false, "a-3f2a9c1b": false, "invoice-2024a001.json": false, "report.3f2a9c1b.pdf": false, "a.3f2a9c1.js": false,
	}
	files := map[string]string{}
	for name := range fresh {
		files[name] = "x"
	}
	tree := plant(t, files)
	for _, public := range []bool{true, false} {
		s := open(t, static.Config{Files: tree, Public: public})
		for name, immutable := range fresh {
			want := "no-cache"
			switch {
			case immutable && public:
				want = "public, max-age=31536000, immutable"
			case immutable:
				want = "private, max-age=31536000, immutable"
			case !public:
				want = "private, no-cache"
			}
			if got := ask(t, s, http.MethodGet, "/"+name).Header.Get("Cache-Control"); got != want {
				t.Errorf("%s, public %v: %q, want %q", name, public, got, want)
			}
		}
	}
}

// The original failed with files above 5 MB.
func TestLargeFile(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<20)
	s := site(t, map[string]string{"large.bin": large})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Serve(w, r); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/large.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := body(t, res); got != large || res.ContentLength != int64(len(large)) {
		t.Errorf("%d of %d bytes", len(got), len(large))
	}
	const rounds = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		if err := s.Serve(nowhere{http.Header{}}, httptest.NewRequest(http.MethodGet, "/large.bin", http.NoBody)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) / rounds; allocated > 256<<10 {
		t.Errorf("a request for 16 MiB allocates %d bytes", allocated)
	}
}

// nowhere is a client that takes everything.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Write(p []byte) (int, error) { return len(p), nil }

// left is a client that has gone after so many bytes.
type left struct {
	nowhere
	takes *int
}

func (l left) Write(p []byte) (int, error) {
	if *l.takes -= len(p); *l.takes < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

func TestClientLeaves(t *testing.T) {
	s := site(t, map[string]string{"large.bin": strings.Repeat("x", 1<<20)})
	for _, parts := range []string{"", "bytes=0-99,1000-900000"} {
		takes := 100 << 10
		r := httptest.NewRequest(http.MethodGet, "/large.bin", http.NoBody)
		if parts != "" {
			r.Header.Set("Range", parts)
		}
		var e *space.Error
		if err := s.Serve(left{nowhere{http.Header{}}, &takes}, r); !errors.As(err, &e) || e.Code != space.CodeClientGone || !e.Committed {
			t.Errorf("%q: %v", parts, err)
		}
	}
}

// A file that is shorter than it was cannot be told otherwise than by a cut
// connection.
func TestFileEndsEarly(t *testing.T) {
	files := plant(t, map[string]string{"a.bin": "0123456789"})
	s := open(t, static.Config{Files: files})
	ask(t, s, http.MethodGet, "/a.bin")
	root, err := files()
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := root.OpenFile("a.bin", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := truncating{nowhere{http.Header{}}, f}
	var e *space.Error
	if err := s.Serve(w, httptest.NewRequest(http.MethodGet, "/a.bin", http.NoBody)); !errors.As(err, &e) ||
		e.Code != space.CodeInternal || !e.Committed {
		t.Errorf("%v", err)
	}
}

// truncating takes the file away once its header has been written.
type truncating struct {
	nowhere
	file *os.File
}

func (c truncating) WriteHeader(int) { _ = c.file.Truncate(3) }

func TestTreeThatDoesNotOpen(t *testing.T) {
	told := space.Errorf(space.CodePreparing, "wait")
	for _, failure := range []error{errors.New("disk"), told} {
		s := open(t, static.Config{Files: func() (*os.Root, error) { return nil, failure }})
		w := httptest.NewRecorder()
		err := s.Serve(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		want := space.AsError(failure).Code
		if err == nil || space.AsError(err).Code != want || w.Body.Len() > 0 {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestClosed(t *testing.T) {
	s := static.New(static.Config{Files: plant(t, pages)})
	ask(t, s, http.MethodGet, "/")
	for range 2 {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
	if res := ask(t, s, http.MethodGet, "/"); res.Header.Get("X-Space-Error") != string(space.CodePreparing) {
		t.Errorf("a closed site answers %d", res.StatusCode)
	}
}
