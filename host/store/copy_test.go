package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// T32: no sweep takes a tree from a backup that runs, which is of one moment.
func TestCopyHoldsTrees(t *testing.T) {
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	dir := t.TempDir()
	s := open(t, dir)
	first, second := put(t, s.Blobs(), tree{"a": "1"}), put(t, s.Blobs(), tree{"a": "2"})
	activate(t, s, "a", first)
	activate(t, s, "a", second)
	c, err := store.OpenCopy(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("the copy, with the apps' keys, has a name: %v, %v", left, err)
	}
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	activate(t, s, "b", put(t, s.Blobs(), tree{"a": "3"}))
	left := stage(t, s.Blobs(), tree{"x": "y"})
	left.Crash()
	sweep := func(want int) {
		t.Helper()
		needed, err := s.Bundles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Blobs().Sweep(needed); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); len(got) != want {
			t.Errorf("there are %v", got)
		}
	}
	sweep(3) // without what a crash has left
	apps, err := c.Apps(t.Context())
	if want := []store.AppContent{{Name: "a", Active: 2, Revisions: 2, Bytes: 22}}; err != nil || !reflect.DeepEqual(apps, want) {
		t.Errorf("got %+v, %v", apps, err)
	}
	bundles, err := c.Bundles(t.Context())
	if err != nil || len(bundles) != 2 {
		t.Fatalf("got %+v, %v", bundles, err)
	}
	for _, b := range bundles {
		arrival, err := s.Blobs().Receive()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Blobs().Read(b.Digest, arrival); err != nil {
			t.Error(err)
		}
		if err := arrival.Publish(space.Digest("other")); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("published as another: %v", err)
		}
		if err := arrival.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	sweep(1)
}

// A data directory of any schema is copied, as a backup comes before an upgrade.
func TestCopyOfOlderSchema(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("migrations/0001_apps.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "blobs"), 0o700); err != nil {
		t.Fatal(err)
	}
	db := database(t, dir)
	if _, err := db.Exec(string(text) + `;
		INSERT INTO apps VALUES ('a', 'k', 'k', 0, 1);
		INSERT INTO revisions VALUES ('a', 1, 0, '[{"bundle": "d", "wasm_bytes": 5}]');
		PRAGMA user_version = 1`); err != nil {
		t.Fatal(err)
	}
	c, err := store.OpenCopy(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	apps, err := c.Apps(t.Context())
	if err != nil || c.Schema != 1 || len(apps) != 1 || apps[0].Bytes != 5 {
		t.Errorf("got %+v of schema %d, %v", apps, c.Schema, err)
	}
	bundles, err := c.Bundles(t.Context())
	if want := []store.Bundle{{Digest: "d", Bytes: 5, App: "a", Revision: 1}}; err != nil || !reflect.DeepEqual(bundles, want) {
		t.Errorf("got %+v, %v", bundles, err)
	}
}
