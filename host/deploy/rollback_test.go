package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// version is the revision that an app of the guest env answers with.
func (b *bench) version(t *testing.T, name space.AppName) string {
	t.Helper()
	_, after, _ := strings.Cut(b.ask(t, name, "/"), "DETA_SPACE_APP_VERSION=")
	version, _, _ := strings.Cut(after, "\n")
	return version
}

// An older revision answers again under its own number, also after a start, and the
// next push goes on from the newest.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir, nil)
	for range 3 {
		b.push(t, "app", wasitest.Guest("env"))
	}
	for _, c := range [][2]int{{0, 2}, {2, 2}, {0, 1}, {3, 3}, {1, 1}} { // 2 answers already
		app, err := b.Rollback(t.Context(), "app", c[0])
		if err != nil || app.Revision.Number != c[1] || app.App.Active != c[1] {
			t.Fatalf("rollback to %d: %+v, %v", c[0], app, err)
		}
		if got := b.version(t, "app"); got != fmt.Sprint(c[1]) {
			t.Errorf("after a rollback to %d revision %s answers", c[0], got)
		}
	}
	b.close()
	b = newBench(t, dir, nil)
	if err := b.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.version(t, "app"); got != "1" {
		t.Errorf("after a start revision %s answers", got)
	}
	if app := b.push(t, "app", wasitest.Guest("env")); app.Revision.Number != 4 {
		t.Errorf("the next push is revision %d", app.Revision.Number)
	}
}

// A rollback that cannot be says why, and what ran goes on.
func TestRollbackRefused(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir, func(l *space.Limits) { l.Memory = 64 << 20 })
	b.push(t, "app", wasitest.Guest("grow-ok")) // begins with little
	b.push(t, "app", wasitest.Guest("wizer"))   // takes three MB
	gone := b.push(t, "app", zipped(t, entry{name: "main.wasm", body: guest("args")}))
	b.push(t, "app", wasitest.Guest("env"))
	b.close()
	if err := os.RemoveAll(filepath.Join(dir, "blobs", string(gone.Revision.Micros[0].Bundle))); err != nil {
		t.Fatal(err)
	}
	b = newBench(t, dir, func(l *space.Limits) { l.Memory = 1 << 20 })
	if err := b.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		app    space.AppName
		number int
		code   space.Code
		says   []string
	}{
		{"never", 0, space.CodeNotFound, []string{"never"}},
		{"app", 5, space.CodeNotFound, []string{"no revision 5", "1, 2, 3, 4"}},
		{"app", 3, space.CodeRefused, []string{"files of revision 3 are gone"}},
		{"app", 2, space.CodeRefused, []string{"did not end well"}},
	} {
		_, err := b.Rollback(t.Context(), c.app, c.number)
		if e := space.AsError(err); e == nil || e.Code != c.code || !containsAll(e.Message, c.says) {
			t.Errorf("rollback of %s to %d: %v", c.app, c.number, err)
		}
		if got := b.version(t, "app"); got != "4" {
			t.Errorf("revision %s answers", got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Rollback(ctx, "app", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("of a client that has left: %v", err)
	}
	if _, err := b.Rollback(t.Context(), "app", 1); err != nil {
		t.Fatal(err)
	}
	_, err := b.Rollback(t.Context(), "app", 0)
	if e := space.AsError(err); e == nil || e.Code != space.CodeNotFound || !strings.Contains(e.Message, "before 1") {
		t.Errorf("before the first: %v", err)
	}
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// Of pushes and rollbacks at the same time, what the store has last answers.
func TestRollbacksAndPushes(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.push(t, "app", wasitest.Guest("env"))
	b.push(t, "app", wasitest.Guest("env"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = b.Push(t.Context(), "app", "", bytes.NewReader(wasitest.Guest("env")))
			} else {
				_, err = b.Rollback(t.Context(), "app", 1+i%3)
			}
			if e := space.AsError(err); err != nil && e.Code != space.CodeNotFound { // 3 may not be there yet
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := b.store.Active(t.Context())
	if err != nil || b.version(t, "app") != fmt.Sprint(all[0].Revision.Number) {
		t.Errorf("revision %s answers of %+v, %v", b.version(t, "app"), all, err)
	}
	kept, err := b.Revisions(t.Context(), "app")
	if err != nil || len(kept) != 6 || kept[0].Revision.Number != 6 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}

// A revision that is dropped keeps its files until its requests have ended, and others'
// are swept meanwhile.
func TestDroppedWhileInUse(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	first := b.push(t, "app", zipped(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "n", body: "first"}))
	_, release, _ := b.registry.Acquire("app")
	defer release()
	for i := range store.KeptRevisions + 2 {
		b.push(t, "app", zipped(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "n", body: fmt.Sprint(i)}))
	}
	b.wantBlobs(t, store.KeptRevisions+1)
	rec := httptest.NewRecorder()
	if err := first.Routes[0].Server.Serve(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)); err != nil {
		t.Error(err)
	}
	bundle, err := b.store.Blobs().Open(first.Revision.Micros[0].Bundle)
	if err != nil {
		t.Fatalf("swept while in use: %v", err)
	}
	text, err := bundle.ReadFile("n")
	if err != nil || string(text) != "first" {
		t.Errorf("its file is %q, %v", text, err)
	}
	if err := bundle.Close(); err != nil {
		t.Error(err)
	}
	release()
	b.wantBlobs(t, store.KeptRevisions)
}

// Sweeps take nothing from pushes of bundles that others remove at the same time.
func TestSweepsRacePushes(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	bundles := [][]byte{wasitest.Guest("hello"), wasitest.Guest("args"), wasitest.Guest("env")}
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			name := space.AppName(fmt.Sprintf("app-%d", worker))
			for i := range 12 {
				if _, err := b.Push(t.Context(), name, "", bytes.NewReader(bundles[(worker+i)%len(bundles)])); err != nil {
					t.Error(err)
				}
				var err error
				switch i % 4 {
				case 1:
					err = b.Remove(t.Context(), name)
				case 3:
					_, err = b.Rollback(t.Context(), name, 0)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for worker := range 6 {
		name := space.AppName(fmt.Sprintf("app-%d", worker))
		b.ask(t, name, "/")
		if _, err := b.Rollback(t.Context(), name, 1); err != nil { // the files of those that do not answer are there, too
			t.Error(err)
		}
		b.ask(t, name, "/")
	}
	needed, err := b.store.Bundles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.wantBlobs(t, len(needed))
}

// T30: when an app was last asked for is still known after a start.
func TestUseIsNoted(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t, dir, nil)
	for _, name := range []space.AppName{"asked", "first", "never"} {
		b.push(t, name, wasitest.Guest("hello"))
	}
	b.ask(t, "first", "/")
	b.ask(t, "asked", "/")
	noteUse(t, b)
	b.close()
	for range 2 { // of which the second has seen no request
		b = newBench(t, dir, nil)
		if err := b.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		noteUse(t, b)
		all, err := b.store.Active(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		asked, first, never := all[0].Used, all[1].Used, all[2].Used
		if !never.IsZero() || first.IsZero() || asked.Before(first) || time.Since(first) > time.Minute {
			t.Errorf("last used: %v, %v and %v", asked, first, never)
		}
		b.close()
	}
}

func noteUse(t *testing.T, b *bench) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.NoteUse(ctx); err != nil {
		t.Error(err)
	}
}
