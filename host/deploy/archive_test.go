package deploy_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"io/fs"
	"strconv"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// entry is one of an archive. A name that ends in a slash is a folder's, unless kind says something else.
type entry struct {
	name, body string
	kind       byte // of a tar's header; 0 means by the name
	records    map[string]string
}

// refer is an entry of a tar that stands for a file with the body, without it.
func refer(name, body string) entry {
	return entry{name: name, records: map[string]string{
		space.RecordSum: contentOf(body).Hex(), space.RecordSize: strconv.Itoa(len(body)),
	}}
}

func contentOf(body string) space.Content {
	return space.Content{Sum: sha256.Sum256([]byte(body)), Size: int64(len(body))}
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
		h := &tar.Header{Name: e.name, Typeflag: e.typeflag(), Mode: 0o6777, PAXRecords: e.records}
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
