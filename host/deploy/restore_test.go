package deploy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// What was active answers again after a start; what cannot run says so, and keeps nobody else from it.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir, nil)
	b.push(t, "app", wasitest.Guest("args"))
	before := b.push(t, "app", tgz(t, two()...))
	lost := b.push(t, "lost", wasitest.Guest("stderr"))
	b.push(t, "large", zipped(t, entry{name: "main.wasm", body: guest("hello")}))
	b.close()
	if err := os.RemoveAll(filepath.Join(dir, "blobs", string(lost.Revision.Micros[0].Bundle))); err != nil {
		t.Fatal(err)
	}

	b = newBench(t, dir, nil)
	if err := b.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "hello\n", "/api": "main.wasm\n"} {
		if got := b.ask(t, "app", path); got != want {
			t.Errorf("%s answers %q", path, got)
		}
	}
	app, release, _ := b.registry.Acquire("app")
	release()
	if app.Revision.Number != before.Revision.Number || app.App != before.App {
		t.Errorf("got %+v, had %+v", app.App, before.App)
	}
	failed, release, ok := b.registry.Acquire("lost")
	if !ok || failed.Failed == "" || len(failed.Routes) != 0 || strings.Contains(failed.Failed, dir) {
		t.Errorf("got %+v", failed)
	}
	release()
	if !strings.Contains(b.said.String(), "app=lost") || strings.Contains(b.said.String(), "app=large") {
		t.Errorf("the log says %q", b.said)
	}
	b.push(t, "lost", wasitest.Guest("hello"))
	if got := b.ask(t, "lost", "/"); got != "hello\n" {
		t.Errorf("after another push it answers %q", got)
	}
}

func TestRestoreEnds(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir, nil)
	b.push(t, "app", wasitest.Guest("hello"))
	b.close()
	b = newBench(t, dir, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Restore(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// run sweeps until the test ends.
func (b *bench) run(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// wantBlobs looks until the sweeper, which reports to nobody, has left only so many trees.
func (b *bench) wantBlobs(t *testing.T, want int) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(b.blobs(t)) != want {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("there are %v, want %d", b.blobs(t), want)
		}
	}
}

func TestRemove(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	b.push(t, "app", wasitest.Guest("args"))
	b.push(t, "app", tgz(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "its own", body: "x"}))
	other := b.push(t, "other", wasitest.Guest("hello"))
	b.wantBlobs(t, 3)
	app, release, _ := b.registry.Acquire("app")
	if err := b.Remove(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := b.registry.Acquire("app"); ok {
		t.Error("a removed app answers")
	}
	rec := httptest.NewRecorder() // who was inside is served to the end
	if err := app.Routes[0].Server.Serve(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)); err != nil || rec.Body.String() != "hello\n" {
		t.Errorf("got %q, %v", rec.Body, err)
	}
	b.wantBlobs(t, 2) // without the revision that nobody uses
	if inUse := string(app.Revision.Micros[0].Bundle); !slices.Contains(b.blobs(t), inUse) {
		t.Errorf("swept while in use: %s", inUse)
	}
	release()
	b.wantBlobs(t, 1)
	if got := b.blobs(t); !slices.Equal(got, []string{string(other.Revision.Micros[0].Bundle)}) {
		t.Errorf("left: %v", got)
	}
	if got := b.ask(t, "other", "/"); got != "hello\n" {
		t.Errorf("the other app answers %q", got)
	}
	err := b.Remove(t.Context(), "app")
	if e := space.AsError(err); e == nil || e.Code != space.CodeNotFound {
		t.Errorf("the second time: %v", err)
	}
}

// What a crash has left is swept at the start.
func TestSweepAtStart(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "app", wasitest.Guest("hello"))
	os.MkdirAll(filepath.Join(b.dir, "blobs", ".stage-1", "files"), 0o700)
	b.run(t)
	b.wantBlobs(t, 1)
	if got := b.ask(t, "app", "/"); got != "hello\n" {
		t.Errorf("answers %q", got)
	}
}

// A push that never gets on keeps neither removals nor other pushes waiting, and
// what a removal left is swept when it ends.
func TestStalledPushBlocksNobody(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "a", wasitest.Guest("hello"))
	b.push(t, "b", wasitest.Guest("args"))
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { _ = b.Run(ctx) })

	body, sender := io.Pipe()
	all.Go(func() { _, _ = b.Push(ctx, "stalled", "application/wasm", body) })
	if _, err := sender.Write([]byte("\x00asm")); err != nil { // taken: the push runs
		t.Fatal(err)
	}
	for _, name := range []space.AppName{"a", "b"} {
		if err := b.Remove(ctx, name); err != nil {
			t.Fatal(err)
		}
		b.push(t, "c", wasitest.Guest("env"))
	}
	_ = sender.CloseWithError(io.ErrUnexpectedEOF)
	for deadline := time.Now().Add(10 * time.Second); len(b.blobs(t)) != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not swept: %v", b.blobs(t))
		}
	}
}
