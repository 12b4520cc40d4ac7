package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// What the disk says becomes what its reader can act on.
func TestExplain(t *testing.T) {
	for err, want := range map[error]struct {
		code space.Code
		says string
	}{
		syscall.ENOSPC: {space.CodeStorage, "disk is full"},
		syscall.EDQUOT: {space.CodeStorage, "disk is full"},
		syscall.EROFS:  {space.CodeStorage, "read-only"},
		syscall.EACCES: {space.CodeStorage, "another user"},
		syscall.EIO:    {space.CodeInternal, "disk fails"},
	} {
		wrapped := store.Explain(fmt.Errorf("store: %w", &os.PathError{Op: "write", Path: "/secret", Err: err}))
		e, ok := errors.AsType[*space.Error](wrapped)
		if !ok || e.Code != want.code || !strings.Contains(e.Message, want.says) || strings.Contains(e.Message, "secret") || !errors.Is(wrapped, err) {
			t.Errorf("%v becomes %v", err, wrapped)
		}
	}
	if store.Explain(nil) != nil {
		t.Error("no error becomes one")
	}
	for _, err := range []error{errors.New("other"), space.Errorf(space.CodeRefused, "no"), syscall.ENOENT} {
		if got := store.Explain(err); got != err { //nolint:errorlint // the same value
			t.Errorf("%v becomes %v", err, got)
		}
	}
}

// A database that others lock, damage or take away is told apart.
func TestDatabaseTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		trouble func(t *testing.T, dir string)
		code    space.Code
		says    string
	}{
		"no database": {func(t *testing.T, dir string) {
			write(t, dir, strings.Repeat("this is no database. ", 100))
		}, space.CodeInternal, "damaged"},
		"damaged": {func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(dir, "spacewasm.db"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, string(text[:100])+strings.Repeat("\xff", len(text)-100))
		}, space.CodeInternal, "damaged"},
		"locked": {func(t *testing.T, dir string) {
			if _, err := database(t, dir).Exec("BEGIN EXCLUSIVE; UPDATE apps SET created = 1"); err != nil {
				t.Fatal(err)
			}
		}, space.CodeInternal, "locked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // a lock is waited for
			dir := t.TempDir()
			s := open(t, dir)
			activate(t, s, "a", "d1")
			if name != "locked" {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			c.trouble(t, dir)
			var err error
			if name == "locked" {
				_, err = tryActivate(t, s, "a", "d2")
				err = store.Explain(err)
			} else if s, err = store.Open(t.Context(), dir); err == nil {
				_, err = s.Active(t.Context())
				err = store.Explain(errors.Join(err, s.Close()))
			}
			e, ok := errors.AsType[*space.Error](err)
			if !ok || e.Code != c.code || !strings.Contains(e.Message, c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func write(t *testing.T, dir, text string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(dir, "spacewasm.db"+suffix))
	}
	if err := os.WriteFile(filepath.Join(dir, "spacewasm.db"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
