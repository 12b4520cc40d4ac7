package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/image/draw"
)

// gradient is a picture with structure in both directions, so that seams and wrong sizes show.
func gradient(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), uint8((x ^ y) & 0x7f), 255})
		}
	}
	return m
}

func encoded(t *testing.T, format string, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "jpeg":
		err = jpeg.Encode(&b, m, nil)
	case "gif":
		err = gif.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngHeader is the start of a PNG that claims a size: all that the header check reads.
func pngHeader(w, h uint32, depth byte) []byte {
	chunk := append([]byte("IHDR"), make([]byte, 13)...)
	binary.BigEndian.PutUint32(chunk[4:], w)
	binary.BigEndian.PutUint32(chunk[8:], h)
	chunk[12], chunk[13] = depth, 2 // bits, true colour
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
}

func request(method, target, contentType string, body []byte) *http.Response {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	newHandler().ServeHTTP(w, r)
	return w.Result()
}

func TestThumbnailSizes(t *testing.T) {
	for _, tc := range []struct {
		name, format, query string
		from, want          image.Point
		wantType            string
	}{
		{"default fits 256", "png", "", image.Pt(640, 480), image.Pt(256, 192), "image/png"},
		{"jpeg stays jpeg", "jpeg", "?w=100&h=100", image.Pt(300, 900), image.Pt(33, 100), "image/jpeg"},
		{"gif becomes png", "gif", "?w=50&h=2048", image.Pt(200, 100), image.Pt(50, 25), "image/png"},
		{"never enlarged", "png", "?w=2048&h=2048", image.Pt(70, 30), image.Pt(70, 30), "image/png"},
		{"never empty", "png", "?w=1&h=1", image.Pt(500, 3), image.Pt(1, 1), "image/png"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := encoded(t, tc.format, gradient(tc.from.X, tc.from.Y))
			resp := request("POST", "/"+tc.query, "image/"+tc.format, data)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != tc.wantType {
				t.Fatalf("status %d, type %q; want 200, %s", resp.StatusCode, resp.Header.Get("Content-Type"), tc.wantType)
			}
			got, format, err := image.Decode(resp.Body)
			if err != nil || "image/"+format != tc.wantType {
				t.Fatalf("decode: %v, %s", err, format)
			}
			if got.Bounds().Size() != tc.want {
				t.Errorf("size %v, want %v", got.Bounds().Size(), tc.want)
			}
		})
	}
}

// Strips must not change the picture. The rows' result is kept in 8 bits, which rounds and cuts what overshoots at edges;
// a seam would be off by far more.
func TestStripsMatchOnePass(t *testing.T) {
	src := gradient(517, 389)
	got := resize(src, image.Pt(201, 151)).(*image.RGBA)
	want := image.NewRGBA(got.Bounds())
	draw.CatmullRom.Scale(want, want.Bounds(), src, src.Bounds(), draw.Src, nil)
	for i := range want.Pix {
		if d := int(got.Pix[i]) - int(want.Pix[i]); d < -8 || d > 8 {
			t.Fatalf("byte %d: %d, want %d", i, got.Pix[i], want.Pix[i])
		}
	}
}

func TestFormUpload(t *testing.T) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("picture", "p.png")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(encoded(t, "png", gradient(100, 100)))
	form.WriteField("w", "20")
	form.Close()
	resp := request("POST", "/", form.FormDataContentType(), b.Bytes())
	config, err := png.DecodeConfig(resp.Body)
	if err != nil || config.Width != 20 || config.Height != 20 {
		t.Errorf("%dx%d, %v; want 20x20", config.Width, config.Height, err)
	}
}

func TestRefusals(t *testing.T) {
	good := encoded(t, "png", gradient(9, 9))
	for _, tc := range []struct {
		name, method, target, contentType string
		body                              []byte
		want                              int
	}{
		{"41 megapixels", "POST", "/", "image/png", pngHeader(8200, 5000, 8), 413},
		{"4 gigapixels", "POST", "/", "image/png", pngHeader(1<<16-1, 1<<16-1, 8), 413},
		{"an overflowing size", "POST", "/", "image/png", pngHeader(1<<31-1, 1<<31-1, 8), 400},
		{"a very long line", "POST", "/", "image/png", pngHeader(1, 70_000, 8), 413},
		{"16 bits a channel", "POST", "/", "image/png", pngHeader(5000, 4001, 16), 413},
		{"too many bytes", "POST", "/", "image/png", make([]byte, maxUpload+1), 413},
		{"cut off", "POST", "/", "image/png", good[:len(good)/2], 400},
		{"no picture", "POST", "/", "image/png", []byte("<svg/>"), 415},
		{"empty", "POST", "/", "image/png", nil, 415},
		{"other type", "POST", "/", "image/webp", good, 415},
		{"no type", "POST", "/", "", good, 415},
		{"width 0", "POST", "/?w=0", "image/png", good, 400},
		{"height 2049", "POST", "/?h=2049", "image/png", good, 400},
		{"width no number", "POST", "/?w=1e2", "image/png", good, 400},
		{"form without field", "POST", "/", "multipart/form-data; boundary=x", []byte("--x--\r\n"), 400},
		{"wrong method", "PUT", "/", "image/png", good, 405},
		{"no such page", "GET", "/handler.go", "", nil, 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp := request(tc.method, tc.target, tc.contentType, tc.body)
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.want || len(text) == 0 {
				t.Errorf("status %d (%s), want %d", resp.StatusCode, text, tc.want)
			}
		})
	}
}

func TestPage(t *testing.T) {
	for path, want := range map[string]string{"/": "text/html", "/thumbnail.css": "text/css", "/thumbnail.js": "text/javascript"} {
		resp := request("GET", path, "", nil)
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, want) {
			t.Errorf("%s: status %d, type %q; want %s", path, resp.StatusCode, got, want)
		}
	}
}
