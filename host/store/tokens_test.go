package store_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

func newToken(name string, app space.AppName) store.Token {
	return store.Token{
		Name: name, App: app, Hash: sha256.Sum256([]byte("token " + name)), Created: time.UnixMilli(1_700_000_000_123).UTC(),
	}
}

func newKey(app space.AppName, name string) store.AppKey {
	return store.AppKey{
		App: app, Name: name, Hash: sha256.Sum256([]byte("key " + string(app) + name)), Created: time.UnixMilli(1_700_000_000_456).UTC(),
	}
}

// lists fails the test if a list is not these.
func lists[T any](t *testing.T, got []T, err error, these ...T) {
	t.Helper()
	if err != nil || len(got) != len(these) || (len(these) > 0 && !reflect.DeepEqual(got, these)) {
		t.Errorf("got %v, %v\nwant %v", got, err, these)
	}
}

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	anna, ci := newToken("anna", ""), newToken("ci", "shop") // an app that is yet to come
	for _, token := range []store.Token{ci, anna} {
		if err := s.AddToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	same := newToken("ci", "other")
	same.Hash[0]++
	if err := s.AddToken(t.Context(), same); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second of the name: %v", err)
	}
	got, err := s.Tokens(t.Context())
	lists(t, got, err, anna, ci)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if err := s.RemoveToken(t.Context(), "anna"); err != nil {
		t.Error(err)
	}
	if err := s.RemoveToken(t.Context(), "anna"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	got, err = s.Tokens(t.Context())
	lists(t, got, err, ci)
}

func TestAppKeys(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	activate(t, s, "b")
	for _, key := range []store.AppKey{newKey("b", "x"), newKey("a", "y"), newKey("a", "x")} {
		if err := s.AddAppKey(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	same := newKey("a", "x")
	same.Hash[0]++
	if err := s.AddAppKey(t.Context(), same); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second of the name: %v", err)
	}
	if err := s.AddAppKey(t.Context(), newKey("none", "x")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("for no app: %v", err)
	}
	got, err := s.AppKeys(t.Context(), "a")
	lists(t, got, err, newKey("a", "x"), newKey("a", "y"))
	got, err = s.AppKeys(t.Context(), "")
	lists(t, got, err, newKey("a", "x"), newKey("a", "y"), newKey("b", "x"))
	if err := s.RemoveAppKey(t.Context(), "a", "x"); err != nil {
		t.Error(err)
	}
	for _, gone := range []store.AppKey{newKey("a", "x"), newKey("b", "y"), newKey("none", "x")} {
		if err := s.RemoveAppKey(t.Context(), gone.App, gone.Name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s of %s: %v", gone.Name, gone.App, err)
		}
	}
	got, err = s.AppKeys(t.Context(), "")
	lists(t, got, err, newKey("a", "y"), newKey("b", "x"))
}

// T14: who takes a name that has become free is not the heir of its keys and tokens.
func TestKeysGoWithTheirApp(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	activate(t, s, "b")
	for _, app := range []space.AppName{"a", "b"} {
		if err := errors.Join(s.AddAppKey(t.Context(), newKey(app, "x")), s.AddToken(t.Context(), newToken("of "+string(app), app))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddToken(t.Context(), newToken("admin's", "")); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	activate(t, s, "a")
	keys, err := s.AppKeys(t.Context(), "")
	lists(t, keys, err, newKey("b", "x"))
	tokens, err := s.Tokens(t.Context())
	lists(t, tokens, err, newToken("admin's", ""), newToken("of b", "b"))
}

func TestTooManyTokens(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a")
	activate(t, s, "b")
	for i := range store.MaxTokens {
		name := fmt.Sprint(i)
		if err := errors.Join(s.AddToken(t.Context(), newToken(name, "")), s.AddAppKey(t.Context(), newKey("a", name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddToken(t.Context(), newToken("x", "")); !errors.Is(err, store.ErrTooMany) {
		t.Errorf("a token too many: %v", err)
	}
	if err := s.AddAppKey(t.Context(), newKey("a", "x")); !errors.Is(err, store.ErrTooMany) {
		t.Errorf("a key too many: %v", err)
	}
	if err := s.AddToken(t.Context(), newToken("0", "")); !errors.Is(err, store.ErrExists) {
		t.Errorf("one that is there: %v", err)
	}
	// Another app has its own share; room comes with a removal.
	err := errors.Join(s.AddAppKey(t.Context(), newKey("b", "x")), s.RemoveToken(t.Context(), "0"), s.AddToken(t.Context(), newToken("x", "")))
	if err != nil {
		t.Error(err)
	}
}

// A database that somebody has written to does not make a value of another length a hash.
func TestDamagedHash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := database(t, dir).Exec(`INSERT INTO tokens (name, hash, app, created) VALUES ('x', x'', '', 0)`); err != nil {
		t.Fatal(err)
	}
	if tokens, err := s.Tokens(t.Context()); err == nil {
		t.Errorf("got %v", tokens)
	}
}
