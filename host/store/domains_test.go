package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

var added = time.UnixMilli(1_700_000_000_789).UTC()

// adds gives a domain to an app, which has to be new to it.
func adds(t *testing.T, s *store.Store, app space.AppName, host space.Domain) {
	t.Helper()
	if isNew, err := s.AddDomain(t.Context(), app, host, added); err != nil || !isNew {
		t.Fatalf("%s to %s: new %v, %v", host, app, isNew, err)
	}
}

// heir tells whether an app may find what others have left at a domain.
func heir(t *testing.T, s *store.Store, host space.Domain) bool {
	t.Helper()
	all, err := s.Domains(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Host == host {
			return d.Heir
		}
	}
	t.Fatalf("%s is nobody's: %+v", host, all)
	return false
}

// A domain is one app's, outlives the store, and goes with its app.
func TestDomains(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	a, b := activate(t, s, "a"), activate(t, s, "b")
	adds(t, s, "b", "z.example")
	adds(t, s, "a", "y.example")
	adds(t, s, "a", "x.example")
	if isNew, err := s.AddDomain(t.Context(), "a", "x.example", added.Add(time.Hour)); isNew || err != nil {
		t.Errorf("its own again: new %v, %v", isNew, err)
	}
	_, err := s.AddDomain(t.Context(), "b", "x.example", added)
	if taken, ok := errors.AsType[*store.TakenError](err); !ok || taken.App != "a" {
		t.Errorf("another's: %v", err)
	}
	if _, err := s.AddDomain(t.Context(), "none", "n.example", added); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an app that is not there: %v", err)
	}
	if err := s.RemoveDomain(t.Context(), "b", "x.example"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another's is removed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	x := space.AppDomain{Host: "x.example", App: "a", Key: a.App.Key, Created: added}
	y := space.AppDomain{Host: "y.example", App: "a", Key: a.App.Key, Created: added}
	z := space.AppDomain{Host: "z.example", App: "b", Key: b.App.Key, Created: added}
	got, err := s.Domains(t.Context(), "")
	lists(t, got, err, x, y, z)
	got, err = s.Domains(t.Context(), "a")
	lists(t, got, err, x, y)
	for _, want := range []error{nil, store.ErrNotFound} {
		if err := s.RemoveDomain(t.Context(), "a", "y.example"); !errors.Is(err, want) {
			t.Errorf("removed: %v, want %v", err, want)
		}
	}
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	got, err = s.Domains(t.Context(), "")
	lists(t, got, err, z)
}

func TestTooManyDomains(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	activate(t, s, "b")
	for i := range store.MaxDomains {
		adds(t, s, "a", space.Domain(fmt.Sprintf("x%d.example", i)))
	}
	if isNew, err := s.AddDomain(t.Context(), "a", "more.example", added); isNew || !errors.Is(err, store.ErrTooMany) {
		t.Errorf("one more: %v, %v", isNew, err)
	}
	if _, err := s.AddDomain(t.Context(), "a", "x1.example", added); err != nil {
		t.Errorf("one that it has: %v", err)
	}
	adds(t, s, "b", "more.example") // the bound is each app's
}

// T14: of a domain that was another app's, it is known; its own, given back, is its own.
func TestHeirOfDomain(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	activate(t, s, "b")
	const host = "x.example"
	gives := func(from, to space.AppName) {
		t.Helper()
		if err := s.RemoveDomain(t.Context(), from, host); err != nil {
			t.Fatal(err)
		}
		adds(t, s, to, host)
	}
	adds(t, s, "a", host)
	if gives("a", "a"); heir(t, s, host) {
		t.Error("it inherits from itself")
	}
	if gives("a", "b"); !heir(t, s, host) {
		t.Error("another's is taken for its own")
	}
	if gives("b", "b"); !heir(t, s, host) {
		t.Error("an heir is none any more, as it has let go of it")
	}
	if gives("b", "a"); !heir(t, s, host) {
		t.Error("what the app between has left is forgotten")
	}
	// With an app its domains go, and a later app of the name is another.
	adds(t, s, "a", "own.example")
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	later, err := s.Plan(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	later.App.Created = later.App.Created.Add(time.Hour)
	if _, err := s.Activate(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if adds(t, s, "a", "own.example"); !heir(t, s, "own.example") {
		t.Error("a later app of the name inherits unseen")
	}
}

// T31: what a server of an earlier version has left gets the tables that came since, and is copied before.
func TestDomainsOfOlderData(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	activate(t, s, "a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := database(t, dir).Exec(`DROP TABLE domains; DROP TABLE former_domains; DROP TABLE measurements; DROP TABLE platforms;
		ALTER TABLE actions DROP COLUMN pruned; PRAGMA user_version = 3`); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got, err := s.Domains(t.Context(), ""); err != nil || len(got) != 0 {
		t.Errorf("it has %v, %v", got, err)
	}
	adds(t, s, "a", "x.example")
	if _, err := os.Stat(filepath.Join(dir, "spacewasm.db.v3")); err != nil {
		t.Error(err)
	}
}
