package deploy_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// FuzzReceive holds that no bundle makes the server fail, write elsewhere or more than it may, or leave anything behind.
func FuzzReceive(f *testing.F) {
	good := entry{name: "main.wasm", body: guest("hello")}
	f.Add(byte(0), wasitest.Guest("hello"))
	f.Add(byte(1), zipped(f, two()...))
	f.Add(byte(2), tarOf(f, two()...))
	f.Add(byte(2), tarOf(f, good, entry{name: "a/../../b", body: "x"}, entry{name: "l", body: "..", kind: tar.TypeSymlink}))
	f.Add(byte(2), tarOf(f, entry{name: "g", kind: tar.TypeXGlobalHeader}, good, entry{name: "\xff/x"}))
	f.Add(byte(1), zipped(f, good, entry{name: "a", body: "x"}, entry{name: "a/b", body: "y"}))
	f.Add(byte(2), tarOf(f, good, refer("a", "hello")))
	f.Add(byte(3), []byte("\x1f\x8b"))
	f.Add(byte(4), []byte("PK"))
	f.Add(byte(4), zipped(f, good))
	file := local(good.name, good.body)
	at := record(good.name, good.body, 0)
	f.Add(byte(1), rawZip(file, [][]byte{at}, 1, 3))
	f.Add(byte(1), zip64(rawZip(file, [][]byte{at}, 1, 0), 1))
	f.Add(byte(1), rawZip(file, [][]byte{at, record("again", good.body, 0)}, 2, 0))
	f.Add(byte(1), append([]byte("PK"), rawZip(file, [][]byte{at}, 1, 0)...))
	const limit = 100 << 10
	dir := f.TempDir()
	b := newBench(f, filepath.Join(dir, "data"), func(l *space.Limits) { l.Bundle, l.BundleEntries = limit, 20 })
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		media := []string{"application/wasm", "application/zip", "application/gzip", "application/gzip", ""}[kind%5]
		if kind%5 == 2 {
			body = gzipped(t, body) // the fuzzer would not guess its checksum
		}
		file, err := b.Receive(t.Context(), media, bytes.NewReader(body), func(dir string) {
			checkFiles(t, dir, limit*space.MaxMicros)
		})
		var e *space.Error
		if err != nil && (!errors.As(err, &e) || (e.Code != space.CodeRefused && e.Code != space.CodePayloadTooLarge && e.Code != space.CodeNotHeld)) {
			t.Fatalf("unexpected error: %v", err)
		}
		if (file == nil) == (err == nil) {
			t.Fatalf("a Spacefile %v and an error %v", file, err)
		}
		if left := b.blobs(t); len(left) > 0 {
			t.Fatalf("left behind: %v", left)
		}
		if beside, err := os.ReadDir(dir); err != nil || len(beside) != 1 {
			t.Fatalf("beside the data directory: %v, %v", beside, err)
		}
	})
}

// checkFiles holds that only plain files and folders were written, and no more than one byte above the limit.
func checkFiles(t *testing.T, dir string, limit int64) {
	t.Helper()
	var total int64
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil || info.Mode() != 0o444 {
			t.Fatalf("%s has the mode %v, %v", name, info.Mode(), err)
		}
		total += info.Size()
		return nil
	})
	if err != nil || total > limit+1 {
		t.Fatalf("%d bytes were written, %v", total, err)
	}
}
