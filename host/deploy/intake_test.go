package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// wantCode pushes a body that is to be turned away, and leaves nothing behind.
func (b *bench) wantCode(t *testing.T, body io.Reader, code space.Code, says string) {
	t.Helper()
	before := b.blobs(t)
	_, err := b.Push(t.Context(), "late", "", body)
	if e, ok := errors.AsType[*space.Error](err); !ok || e.Code != code || !strings.Contains(e.Message, says) {
		t.Errorf("got %v, want %s", err, code)
	}
	b.wantBlobs(t, len(before))
}

// T24: below the disk's reserve a push is refused before anything of it is read, and one under way ends; removals go on.
func TestReserve(t *testing.T) {
	var left atomic.Int64
	left.Store(1 << 40)
	b := newBenchOf(t, t.TempDir(), nil, func(c *deploy.Config) {
		c.Room = func(n int64) bool { return left.Add(-n) >= 0 }
	})
	b.run(t)
	b.push(t, "app", wasitest.Guest("hello"))
	left.Store(-1)
	b.wantCode(t, unread{t}, space.CodeStorage, "nearly full")
	left.Store(20 << 10) // of which a name takes 4 KiB
	big := entry{name: "big", body: strings.Repeat("x", 100<<10)}
	for _, body := range [][]byte{
		append(wasitest.Guest("hello"), make([]byte, 100<<10)...),
		tgz(t, entry{name: "main.wasm", body: guest("hello")}, big), zipped(t, entry{name: "main.wasm", body: guest("hello")}, big),
	} {
		left.Store(20 << 10)
		b.wantCode(t, bytes.NewReader(body), space.CodeStorage, "nearly full")
	}
	if got := b.ask(t, "app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
	if err := b.Remove(t.Context(), "app"); err != nil {
		t.Error(err)
	}
	b.wantBlobs(t, 0)
}

// T27: so many uploads at a time are taken, and so many bytes of them all.
func TestUploadsAtATime(t *testing.T) {
	b := newBenchOf(t, t.TempDir(), nil, func(c *deploy.Config) { c.Uploads, c.UploadBytes = 2, 64<<10 })
	b.run(t)
	var ends []func()
	for _, name := range []space.AppName{"a", "b"} {
		r, w := io.Pipe()
		done := make(chan error)
		go func() {
			_, err := b.Push(t.Context(), name, "application/wasm", r)
			done <- err
		}()
		if _, err := w.Write(wasitest.Guest("hello")); err != nil { // it has begun
			t.Fatal(err)
		}
		ends = append(ends, func() {
			w.Close()
			if err := <-done; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	_, err := b.Push(t.Context(), "late", "", unread{t})
	if e := space.AsError(err); e == nil || e.Code != space.CodeNodeFull || !strings.Contains(e.Message, "2 uploads are under way") {
		t.Errorf("got %v", err)
	}
	for _, end := range ends {
		end()
	}
	for range 3 { // nothing of an upload that was turned away counts on
		b.wantCode(t, bytes.NewReader(append(wasitest.Guest("hello"), make([]byte, 70<<10)...)), space.CodeNodeFull, "--upload-budget")
	}
	for range 20 {
		b.push(t, "late", wasitest.Guest("hello"))
	}
}

// T24: the bundles of all apps have a bound together; what is there already costs nothing, and a removal makes room.
func TestBlobBudget(t *testing.T) {
	size := len(guest("hello"))
	b := newBenchOf(t, t.TempDir(), nil, func(c *deploy.Config) { c.BlobBytes = int64(2*size + 100) })
	b.run(t)
	padded := func(n int) []byte {
		return tgz(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "x", body: strings.Repeat("x", n)})
	}
	b.push(t, "a", wasitest.Guest("hello"))
	b.push(t, "b", wasitest.Guest("hello"))
	b.push(t, "b", padded(100))
	b.wantBlobs(t, 2)
	b.wantCode(t, unread{t}, space.CodeStorage, "--blob-budget") // there is nothing left
	if err := b.Remove(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	b.wantBlobs(t, 1)
	b.wantCode(t, bytes.NewReader(padded(101)), space.CodeStorage, "--blob-budget")
	b.push(t, "b", padded(99))
}

// T24: at the bound an app can be pushed on: what its oldest revision has goes with that.
func TestBlobBudgetRetires(t *testing.T) {
	const each = 10_000
	b := newBenchOf(t, t.TempDir(), nil, func(c *deploy.Config) {
		c.BlobBytes = store.KeptRevisions * int64(each+2+len(guest("hello")))
	})
	b.run(t)
	for i := range store.KeptRevisions + 3 {
		b.push(t, "a", tgz(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "x", body: fmt.Sprintf("%02d%s", i, strings.Repeat("x", each))}))
	}
	b.wantBlobs(t, store.KeptRevisions)
	b.wantCode(t, bytes.NewReader(tgz(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "x", body: strings.Repeat("y", each+3)})),
		space.CodeStorage, "--blob-budget")
}

// Of a bundle that is refused nothing stays, also of the Micros that were fine.
func TestRefusedLeavesNothing(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	spacefile := entry{name: "Spacefile", body: "v: 0\nmicros:\n  - {name: a, src: a, engine: wasm, primary: true}\n  - {name: b, src: b, engine: wasm}\n"}
	b.wantCode(t, bytes.NewReader(tgz(t, spacefile, entry{name: "a/main.wasm", body: guest("hello")}, entry{name: "b/main.wasm", body: guest("noentry")})),
		space.CodeRefused, "_start")
}

// T9, T24: an upload that takes for ever does not keep what nobody needs on the disk.
func TestSlowUploadKeepsNothing(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	body, end := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = b.Push(t.Context(), "slow", "application/wasm", body)
	}()
	_, err := end.Write([]byte("\x00asm"))
	if err != nil {
		t.Fatal(err)
	}
	b.push(t, "gone", wasitest.Guest("args"))
	if err := b.Remove(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	b.wantBlobs(t, 1) // the staging folder
	_, _ = end.Write([]byte(guest("hello")[4:]))
	_ = end.Close()
	<-done
	if got := b.ask(t, "slow", "/"); got != "hello\n" {
		t.Errorf("the upload came to %q", got)
	}
	b.wantBlobs(t, 1)
}
