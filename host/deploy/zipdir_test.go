package deploy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// rawZip is a zip made by hand: what stands before the directory, the directory's records, and the end as it says.
func rawZip(before []byte, records [][]byte, count, comment int) []byte {
	var b bytes.Buffer
	b.Write(before)
	for _, r := range records {
		b.Write(r)
	}
	end := make([]byte, 22+comment)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint16(end[8:], uint16(count))
	binary.LittleEndian.PutUint16(end[10:], uint16(count))
	binary.LittleEndian.PutUint32(end[12:], uint32(b.Len()-len(before)))
	binary.LittleEndian.PutUint32(end[16:], uint32(len(before)))
	binary.LittleEndian.PutUint16(end[20:], uint16(comment))
	b.Write(end)
	return b.Bytes()
}

// local is a file as it stands in an archive, stored.
func local(name, body string) []byte {
	h := make([]byte, 30)
	copy(h, "PK\x03\x04")
	binary.LittleEndian.PutUint32(h[14:], crc32.ChecksumIEEE([]byte(body)))
	binary.LittleEndian.PutUint32(h[18:], uint32(len(body)))
	binary.LittleEndian.PutUint32(h[22:], uint32(len(body)))
	binary.LittleEndian.PutUint16(h[26:], uint16(len(name)))
	return append(append(h, name...), body...)
}

// record is a file's place in the directory.
func record(name, body string, at int) []byte {
	h := make([]byte, 46)
	copy(h, "PK\x01\x02")
	binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE([]byte(body)))
	binary.LittleEndian.PutUint32(h[20:], uint32(len(body)))
	binary.LittleEndian.PutUint32(h[24:], uint32(len(body)))
	binary.LittleEndian.PutUint16(h[28:], uint16(len(name)))
	binary.LittleEndian.PutUint32(h[42:], uint32(at))
	return append(h, name...)
}

// zip64 gives a zip of at most one comment byte the larger end record that its numbers do not need.
func zip64(archive []byte, count int) []byte {
	at := len(archive) - 22
	end := bytes.Clone(archive[at:])
	size, offset := binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
	large := make([]byte, 56+20)
	copy(large, "PK\x06\x06")
	binary.LittleEndian.PutUint64(large[4:], 44)
	binary.LittleEndian.PutUint64(large[24:], uint64(count))
	binary.LittleEndian.PutUint64(large[32:], uint64(count))
	binary.LittleEndian.PutUint64(large[40:], uint64(size))
	binary.LittleEndian.PutUint64(large[48:], uint64(offset))
	copy(large[56:], "PK\x06\x07")
	binary.LittleEndian.PutUint64(large[64:], uint64(at))
	binary.LittleEndian.PutUint32(large[72:], 1)
	copy(end[8:], "\xff\xff\xff\xff")
	copy(end[16:], "\xff\xff\xff\xff")
	return append(append(bytes.Clone(archive[:at]), large...), end...)
}

// A zip made by hand is taken in all the forms that the format has.
func TestZipForms(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	files := local("main.wasm", guest("hello"))
	records := [][]byte{record("main.wasm", guest("hello"), 0)}
	for name, archive := range map[string][]byte{
		"plain": rawZip(files, records, 1, 0), "comment": rawZip(files, records, 1, 60_000), "zip64": zip64(rawZip(files, records, 1, 0), 1),
	} {
		b.push(t, space.AppName(name), archive)
		if got := b.ask(t, space.AppName(name), "/"); got != "hello\n" {
			t.Errorf("%s: answers %q", name, got)
		}
	}
}

// T25: a zip's directory is measured before it is read into memory, and is where its end says.
func TestZipDirectory(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	files := local("main.wasm", guest("hello"))
	first := record("main.wasm", guest("hello"), 0)
	many := make([][]byte, 500_000)
	for i := range many {
		many[i] = record(fmt.Sprintf("%06d", i), "", 0)
	}
	long := make([][]byte, 300)
	for i := range long {
		long[i] = record(fmt.Sprintf("%d%s", i, strings.Repeat("x", 60_000)), "", 0)
	}
	tooMany := rawZip(files, many, len(many)%65536, 0)
	for name, c := range map[string]struct {
		archive []byte
		says    string
	}{
		"many entries":               {tooMany, "too many entries"},
		"many, and a count of few":   {rawZip(files, many[:10_000], 1, 0), "not where its end says"},
		"very many, count of few":    {rawZip(files, many, 1, 0), "the limit is"},
		"many in zip64":              {zip64(tooMany, len(many)), "too many entries: 500000"},
		"many, a count of few, 64":   {zip64(tooMany, 1), "the limit is"},
		"long names":                 {rawZip(files, long, len(long), 0), "the limit is"},
		"fewer than it says":         {rawZip(files, [][]byte{first}, 2, 0), "not where its end says"},
		"a program before it":        {append([]byte("PK#!/bin/sh\n"), rawZip(files, [][]byte{first}, 1, 0)...), "not where its end says"},
		"a record of another kind":   {rawZip(files, [][]byte{first, local("x", "y")}, 2, 0), "not where its end says"},
		"zip64 end outside":          {zip64(rawZip(files, [][]byte{first}, 1, 0), -1), "not where its end says"},
		"a comment longer than it":   {rawZip(files, [][]byte{first}, 1, 10)[:len(files)+len(first)+25], "its end is missing"},
		"no directory":               {files, "its end is missing"},
		"a local header of no place": {rawZip(files, [][]byte{record("main.wasm", guest("hello"), 1<<30)}, 1, 0), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := b.refuse(t, c.archive)
			runtime.ReadMemStats(&after)
			if e.Code != space.CodeRefused || !strings.Contains(e.Message, c.says) {
				t.Errorf("got %v, want %q in it", e, c.says)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
				t.Errorf("%d bytes of memory", took)
			}
		})
	}
}

// T25: entries that share bytes are refused: a small archive of many large files is made so.
func TestZipOverlap(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	files := local("main.wasm", guest("hello"))
	at := len(files)
	inner := local("inner", "some bytes")
	outer := local("outer", string(inner))
	quoted := append(bytes.Clone(files), outer...)
	for name, archive := range map[string][]byte{
		"the same": rawZip(files, [][]byte{record("main.wasm", guest("hello"), 0), record("again.wasm", guest("hello"), 0)}, 2, 0),
		"quoted": rawZip(quoted, [][]byte{
			record("main.wasm", guest("hello"), 0), record("outer", string(inner), at), record("inner", "some bytes", at+len(outer)-len(inner)),
		}, 3, 0),
	} {
		if e := b.refuse(t, archive); e.Code != space.CodeRefused || !strings.Contains(e.Message, "the same bytes of the archive") {
			t.Errorf("%s: got %v", name, e)
		}
	}
	apart := append(append(bytes.Clone(files), local("a", "")...), local("b", "x")...)
	b.push(t, "apart", rawZip(apart, [][]byte{
		record("main.wasm", guest("hello"), 0), record("a", "", at), record("b", "x", at+31),
	}, 3, 0))
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer) // as zip.Writer streams it, with descriptors behind the data
	f, err := w.Create("main.wasm")
	if err == nil {
		_, err = f.Write([]byte(guest("hello")))
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	b.push(t, "streamed", buffer.Bytes())
}

// T25: names are unique by Unicode's folding, not only by that of ASCII.
func TestNamesFold(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	good := entry{name: "main.wasm", body: guest("hello")}
	for _, pair := range [][2]string{{"straße", "STRAßE"}, {"ſun", "sun"}, {"Kelvin", "\u212aelvin"}, {"Σας", "ΣΑΣ"}, {"ǆ", "ǅ"}, {"Ä/x", "ä/y"}} {
		for form, archive := range map[string][]byte{
			"zip": zipped(t, good, entry{name: pair[0]}, entry{name: pair[1]}), "tar": tgz(t, good, entry{name: pair[0]}, entry{name: pair[1]}),
		} {
			if e := b.refuse(t, archive); !strings.Contains(e.Message, "case does not count") {
				t.Errorf("%q, %s: got %v", pair, form, e)
			}
		}
	}
	b.push(t, "others", zipped(t, good, entry{name: "o"}, entry{name: "ö"}, entry{name: "o "}, entry{name: "o."}, entry{name: "0"}))
}
