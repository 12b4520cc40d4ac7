package deploy_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T25: archives that would write where they may not, or confuse whoever reads them, are refused, in either form.
func TestHostileArchives(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, filepath.Join(dir, "data"), func(l *space.Limits) { l.BundleEntries = 100 })
	good := entry{name: "main.wasm", body: guest("hello")}
	many := []entry{good}
	for i := range 100 {
		many = append(many, entry{name: fmt.Sprint(i)})
	}
	const outside = "is not a path within the project"
	for name, c := range map[string]struct {
		entries []entry
		want    string
		only    string // "tar" or "zip", where the other has no such thing
	}{
		"above":                     {[]entry{good, {name: "../evil", body: "x"}}, outside, ""},
		"above from within":         {[]entry{good, {name: "a/../../evil", body: "x"}}, outside, ""},
		"folder above":              {[]entry{good, {name: "../evil/"}}, outside, ""},
		"absolute":                  {[]entry{good, {name: "/etc/evil", body: "x"}}, outside, ""},
		"backslash":                 {[]entry{good, {name: `..\evil`, body: "x"}}, outside, ""},
		"inner backslash":           {[]entry{good, {name: `a\b`, body: "x"}}, outside, ""},
		"no name":                   {[]entry{good, {name: "", body: "x"}}, outside, ""},
		"the root as a file":        {[]entry{good, {name: ".", body: "x"}}, outside, ""},
		"NUL":                       {[]entry{good, {name: "a\x00b", body: "x"}}, outside, "zip"},
		"not UTF-8":                 {[]entry{good, {name: "a\xff", body: "x"}}, "is not UTF-8", ""},
		"folder not UTF-8":          {[]entry{good, {name: "a\xff/b", body: "x"}}, "is not UTF-8", ""},
		"symbolic link":             {[]entry{good, {name: "link", body: "/etc/passwd", kind: tar.TypeSymlink}}, "links and devices", ""},
		"link and a file behind it": {[]entry{{name: "l", body: "..", kind: tar.TypeSymlink}, {name: "l/evil", body: "x"}}, "links and devices", ""},
		"hard link":                 {[]entry{good, {name: "link", body: "main.wasm", kind: tar.TypeLink}}, "links and devices", "tar"},
		"FIFO":                      {[]entry{good, {name: "pipe", kind: tar.TypeFifo}}, "links and devices", ""},
		"character device":          {[]entry{good, {name: "zero", kind: tar.TypeChar}}, "links and devices", ""},
		"block device":              {[]entry{good, {name: "disk", kind: tar.TypeBlock}}, "links and devices", ""},
		"twice":                     {[]entry{good, {name: "a", body: "1"}, {name: "a", body: "2"}}, "twice", ""},
		"twice, spelt differently":  {[]entry{good, {name: "x/a", body: "1"}, {name: "./x//y/../a", body: "2"}}, "twice", ""},
		"twice but for case":        {[]entry{good, {name: "x/A", body: "1"}, {name: "X/a", body: "2"}}, "case does not count", ""},
		"folder and file":           {[]entry{good, {name: "a/"}, {name: "a", body: "x"}}, "twice", ""},
		"file and folder":           {[]entry{good, {name: "a", body: "x"}, {name: "a/"}}, "as a file and again", ""},
		"file and file below":       {[]entry{good, {name: "a", body: "x"}, {name: "a/b", body: "y"}}, "as a file and again", ""},
		"file below and file":       {[]entry{good, {name: "a/b", body: "x"}, {name: "a", body: "y"}}, "twice", ""},
		"file and folder below":     {[]entry{good, {name: "a", body: "x"}, {name: "a/b/c/"}}, "as a file and again", ""},
		"too deep":                  {[]entry{good, {name: strings.Repeat("a/", 64) + "b", body: "x"}}, "deeper than 64", ""},
		"too deep a folder":         {[]entry{good, {name: strings.Repeat("a/", 65)}}, "deeper than 64", ""},
		"too long":                  {[]entry{good, {name: strings.Repeat(strings.Repeat("a", 200)+"/", 6), body: ""}}, "longer than", ""},
		"too long a part":           {[]entry{good, {name: strings.Repeat("a", 256), body: "x"}}, "part longer than 255", ""},
		"too many entries":          {many, "too many entries", ""},
	} {
		for form, archive := range map[string][]byte{"tar": nil, "zip": nil} {
			if c.only != "" && c.only != form {
				continue
			}
			t.Run(name+", "+form, func(t *testing.T) {
				if archive = zipped(t, c.entries...); form == "tar" {
					archive = tgz(t, c.entries...)
				}
				if e := b.refuse(t, archive); e.Code != space.CodeRefused || !strings.Contains(e.Message, c.want) {
					t.Errorf("got %v, want %q in it", e, c.want)
				}
			})
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside the data directory: %v, %v", left, err)
	}
}

// What is just within the bounds passes.
func TestBounds(t *testing.T) {
	b := newBench(t, t.TempDir(), func(l *space.Limits) { l.BundleEntries = 67 }) // of which 64 are folders that paths imply
	entries := []entry{
		{name: "./"},
		{name: "main.wasm", body: guest("hello")},
		{name: strings.Repeat("a/", 63) + "b", body: "x"},
		{name: "ä/" + strings.Repeat("x", 255), body: "..."},
	}
	b.push(t, "zip", zipped(t, entries...))
	b.push(t, "tar", tgz(t, entries...))
}

// T24: a bundle has so many entries; folders that paths imply count as well.
func TestImpliedFolders(t *testing.T) {
	b := newBench(t, t.TempDir(), func(l *space.Limits) { l.BundleEntries = 10 })
	good := entry{name: "main.wasm", body: guest("hello")}
	if e := b.refuse(t, tgz(t, good, entry{name: "a/b/c/d/e/f/g/h/i/j"})); !strings.Contains(e.Message, "too many") {
		t.Errorf("got %v", e)
	}
	if e := b.refuse(t, zipped(t, good, entry{name: "a/b"}, entry{name: "A/c"})); !strings.Contains(e.Message, "twice") {
		t.Errorf("got %v", e)
	}
}

// Archives that break off, or that are not what they say, are refused.
func TestBrokenArchives(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	good := entry{name: "main.wasm", body: guest("hello")}
	whole, archive, bare := tgz(t, good), zipped(t, good, entry{name: "x", body: strings.Repeat("x", 1000)}), tarOf(t, good)
	flipped := bytes.Clone(archive)
	flipped[len(flipped)/4] ^= 0xff
	for name, body := range map[string][]byte{
		"gzip header":    whole[:5],
		"gzip cut":       whole[:len(whole)/2],
		"tar cut":        gzipped(t, bare[:700]),
		"tar header cut": gzipped(t, bare[:300]),
		"no tar":         gzipped(t, []byte(strings.Repeat("this is no tar", 100))),
		"gzip checksum":  append(bytes.Clone(whole[:len(whole)/2]), make([]byte, len(whole)/2)...),
		"zip cut":        archive[:len(archive)-10],
		"zip start":      archive[:30],
		"zip of nothing": []byte("PK\x03\x04"),
		"zip checksum":   flipped,
	} {
		if e := b.refuse(t, body); e.Code != space.CodeRefused {
			t.Errorf("%s: got %v", name, e)
		}
	}
}

// A body that has the media type of another thing is refused as that thing.
func TestWrongMedia(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	for media, want := range map[string]string{
		"application/zip": "zip archive cannot be read", "application/gzip": "gzip stream cannot be read", "application/wasm": "main.wasm: ",
	} {
		_, err := b.Push(t.Context(), "app", media, strings.NewReader("PKxyz"))
		if e := space.AsError(err); e == nil || e.Code != space.CodeRefused || !strings.Contains(e.Message, want) {
			t.Errorf("%s: got %v", media, err)
		}
	}
}

// T25: the limits hold for what comes out of an archive, whatever it says of itself, and for what goes in.
func TestTooLarge(t *testing.T) {
	const limit = 100 << 10
	b := newBench(t, t.TempDir(), func(l *space.Limits) { l.Bundle = limit })
	good := entry{name: "main.wasm", body: guest("hello")}
	zeros := strings.Repeat("\x00", space.MaxMicros*limit+1)
	lying := zipped(t, good, entry{name: "bomb", body: zeros})
	// The directory at the end says that the bomb is small.
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lying[at+24:], 10)
	for name, c := range map[string]struct {
		body []byte
		code space.Code
	}{
		"module":                 {append(wasitest.Guest("hello"), make([]byte, limit)...), space.CodePayloadTooLarge},
		"zip bomb":               {zipped(t, good, entry{name: "bomb", body: zeros}), space.CodePayloadTooLarge},
		"gzip bomb":              {tgz(t, good, entry{name: "bomb", body: zeros}), space.CodePayloadTooLarge},
		"many small ones":        {tgz(t, good, entry{name: "a", body: zeros[:limit*2]}, entry{name: "b", body: zeros[:limit*2]}, entry{name: "c", body: zeros[:limit*2]}), space.CodePayloadTooLarge},
		"zip that lies":          {lying, space.CodeRefused},
		"packed zip":             {append([]byte("PK"), zeros...), space.CodePayloadTooLarge},
		"one micro has too much": {tgz(t, good, entry{name: "x", body: zeros[:limit]}), space.CodePayloadTooLarge},
	} {
		if e := b.refuse(t, c.body); e.Code != c.code {
			t.Errorf("%s: got %v, want %s", name, e, c.code)
		}
	}
	rest := limit - len(good.body)
	b.push(t, "app", tgz(t, good, entry{name: "x", body: zeros[:rest]}))
}
