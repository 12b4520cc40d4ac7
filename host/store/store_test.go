package store_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// A data directory may have any name, and is its owner's alone.
func TestOpen(t *testing.T) {
	for _, name := range []string{"data", "a b", "q?x=1&_pragma=foo(1)", "h#x", "50%25", "ä"} {
		dir := filepath.Join(t.TempDir(), "parent", name)
		s := open(t, dir)
		activate(t, s, "a")
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if all, err := open(t, dir).Active(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%s: opened again it has %v, %v", name, all, err)
		}
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		if _, err := os.Stat(filepath.Join(dir, "spacewasm.db")); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	s := open(t, "./data")
	activate(t, s, "a")
	if _, err := os.Stat("data/spacewasm.db"); err != nil {
		t.Error(err)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	if _, err := store.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "in use by another server") {
		t.Fatalf("got %v", err)
	}
	activate(t, first, "a") // the first is none the worse
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "spacewasm.db"), []byte(strings.Repeat("this is no database. ", 100)), 0o600)
	for range 2 { // the second is not refused for the lock of the first
		if _, err := store.Open(t.Context(), dir); err == nil || strings.Contains(err.Error(), "in use") {
			t.Fatalf("got %v", err)
		}
	}
}

func database(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "spacewasm.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// T31: a newer schema is refused with advice.
func TestMigrations(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var version int
	db := database(t, dir)
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil || version != len(files) {
		t.Errorf("schema version %d, %v; there are %d migrations", version, err, len(files))
	}
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "schema version 1000 is newer") || !strings.Contains(err.Error(), "upgrade") {
		t.Errorf("got %v", err)
	}
}

func micros(digests ...space.Digest) []space.Micro {
	var all []space.Micro
	for _, d := range digests {
		all = append(all, space.Micro{
			Name: "m", Path: "/", Primary: true, Public: true, Run: []string{"main.wasm", "-x"}, Bundle: d, BundleBytes: 11,
			Contract: "cgi", WasmBytes: 7, CompileTime: 3 * time.Millisecond,
		})
	}
	return all
}

func activate(t *testing.T, s *store.Store, name space.AppName, digests ...space.Digest) store.Deployment {
	t.Helper()
	d, err := tryActivate(t, s, name, digests...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func tryActivate(t *testing.T, s *store.Store, name space.AppName, digests ...space.Digest) (store.Deployment, error) {
	t.Helper()
	d, err := s.Plan(t.Context(), name)
	if err != nil {
		return d, err
	}
	d.Revision.Micros = micros(digests...)
	return s.Activate(t.Context(), d)
}

func TestActivate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	began := time.Now().UTC().Truncate(time.Millisecond)
	first := activate(t, s, "a", "d1")
	second := activate(t, s, "a", "d2", "d3")
	other := activate(t, s, "b", "d1")
	if first.Revision.Number != 1 || second.Revision.Number != 2 || other.Revision.Number != 1 {
		t.Errorf("numbers %d, %d and %d", first.Revision.Number, second.Revision.Number, other.Revision.Number)
	}
	want := store.Deployment{
		App:      space.App{Name: "a", Key: first.App.Key, APIKey: first.App.APIKey, Created: first.App.Created, Active: 2},
		Revision: space.Revision{App: "a", Number: 2, Created: second.Revision.Created, Micros: micros("d2", "d3")},
	}
	if !reflect.DeepEqual(second, want) {
		t.Errorf("got %+v\nwant %+v", second, want)
	}
	if c := first.App.Created; c.Before(began) || c.After(time.Now()) || second.Revision.Created.Before(c) || c.Location() != time.UTC {
		t.Errorf("created %v and %v, began %v", c, second.Revision.Created, began)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := open(t, dir).Active(t.Context())
	if err != nil || !reflect.DeepEqual(all, []store.Deployment{second, other}) {
		t.Errorf("opened again: %+v, %v", all, err)
	}
}

// What was planned is what is recorded, and only if nothing has come in between.
func TestOvertaken(t *testing.T) {
	s := open(t, t.TempDir())
	plan := func() store.Deployment {
		t.Helper()
		d, err := s.Plan(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		d.Revision.Micros = micros("d")
		return d
	}
	newApp, another := plan(), plan()
	if got, err := s.Activate(t.Context(), newApp); err != nil || !reflect.DeepEqual(got, newApp) {
		t.Errorf("planned %+v\ngot %+v, %v", newApp, got, err)
	}
	second, late := plan(), plan()
	if got, err := s.Activate(t.Context(), second); err != nil || !reflect.DeepEqual(got, second) || got.App.Key != newApp.App.Key {
		t.Errorf("planned %+v\ngot %+v, %v", second, got, err)
	}
	third := plan()
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Activate(t.Context(), third); !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("of an app that is gone: %v", err)
	}
	anew := activate(t, s, "a")
	for name, d := range map[string]store.Deployment{"of another's keys": another, "a number that is taken": late, "that is too far": third} {
		if _, err := s.Activate(t.Context(), d); !errors.Is(err, store.ErrOvertaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := s.Active(t.Context()); err != nil || !reflect.DeepEqual(all, []store.Deployment{anew}) {
		t.Errorf("got %+v, %v", all, err)
	}
}

// Deta's SDKs split a key at its only underscore.
func TestKeys(t *testing.T) {
	s := open(t, t.TempDir())
	seen := map[string]bool{}
	for _, name := range []space.AppName{"a", "b", "c"} {
		app := activate(t, s, name).App
		for _, key := range []string{app.Key, app.APIKey} {
			if seen[key] || !regexp.MustCompile(`^[a-z0-9]{12}_[A-Z0-9]{26}$`).MatchString(key) {
				t.Errorf("key %q", key)
			}
			seen[key] = true
		}
	}
}

func TestRemove(t *testing.T) {
	s := open(t, t.TempDir())
	before := activate(t, s, "a", "d1")
	activate(t, s, "a", "d2")
	activate(t, s, "b", "d1", "d3")
	wantBundles(t, s, "d1", "d2", "d3") // those of revisions that do not answer, too
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantBundles(t, s, "d1", "d3")
	for _, name := range []space.AppName{"a", "never"} {
		if err := s.Remove(t.Context(), name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("remove %s: %v", name, err)
		}
	}
	after := activate(t, s, "a")
	if after.Revision.Number != 1 || after.App.Key == before.App.Key {
		t.Errorf("an app of the same name goes on as %+v", after)
	}
	all, err := s.Active(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
}

func wantBundles(t *testing.T, s *store.Store, want ...space.Digest) {
	t.Helper()
	needed := map[space.Digest]int64{}
	for _, d := range want {
		needed[d] = 11
	}
	got, err := s.Bundles(t.Context())
	if err != nil || !reflect.DeepEqual(got, needed) {
		t.Errorf("bundles %v, %v; want %v", got, err, want)
	}
}

func TestEmpty(t *testing.T) {
	s := open(t, t.TempDir())
	all, err := s.Active(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
	wantBundles(t, s)
}

// A lock that is given back in a moment, as by the child of a server that was killed, is waited for.
func TestLockIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	timer := time.AfterFunc(100*time.Millisecond, func() { _ = first.Close() })
	defer timer.Stop()
	open(t, dir)
}
