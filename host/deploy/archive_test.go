package deploy_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"strings"
	"testing"
)

// entry is one of an archive. A name that ends in a slash is a folder's, unless kind says something else.
type entry struct {
	name, body string
	kind       byte // of a tar's header; 0 means by the name
}

func (e entry) typeflag() byte {
	switch {
	case e.kind != 0:
		return e.kind
	case strings.HasSuffix(e.name, "/"):
		return tar.TypeDir
	}
	return tar.TypeReg
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.typeflag(), Mode: 0o6777}
		switch h.Typeflag {
		case tar.TypeReg:
			h.Size = int64(len(e.body))
		case tar.TypeXGlobalHeader:
			h = &tar.Header{Typeflag: h.Typeflag, PAXRecords: map[string]string{"comment": "x"}}
		default:
			h.Linkname = e.body
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte(e.body))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tgz(t testing.TB, entries ...entry) []byte { return gzipped(t, tarOf(t, entries...)) }

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(0o777 | fs.ModeSetuid | map[byte]fs.FileMode{
			tar.TypeDir: fs.ModeDir, tar.TypeSymlink: fs.ModeSymlink, tar.TypeFifo: fs.ModeNamedPipe,
			tar.TypeChar: fs.ModeDevice | fs.ModeCharDevice, tar.TypeBlock: fs.ModeDevice,
		}[e.typeflag()])
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if e.typeflag() != tar.TypeDir {
			f.Write([]byte(e.body))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
