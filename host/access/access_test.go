package access_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/spacewasm/spacewasm/host/access"
)

func open(t *testing.T, path string) *access.Guard {
	t.Helper()
	g, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func asks(t *testing.T, authorization ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header["Authorization"] = authorization
	return r
}

// The token is made once, for its owner's eyes only.
func TestTokenIsMade(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	made, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`^sw_[A-Z2-7]{26}\n$`).Match(made) {
		t.Fatalf("made %q, %v", made, err)
	}
	token := strings.TrimSpace(string(made))
	for range 2 {
		if !open(t, path).Admin(asks(t, "Bearer "+token)) {
			t.Error("the token in the file is refused")
		}
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != string(made) {
		t.Errorf("the file now has %q, %v", kept, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	other := filepath.Join(t.TempDir(), "token")
	if open(t, other).Admin(asks(t, "Bearer "+token)) {
		t.Error("two servers made the same token")
	}
}

func TestOpenFails(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"too short":   func(path string) error { return os.WriteFile(path, []byte("  fifteen-letters \n"), 0o600) },
		"empty":       func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a folder":    func(path string) error { return os.Mkdir(path, 0o700) },
		"no data dir": func(path string) error { return os.Remove(filepath.Dir(path)) },
	} {
		path := filepath.Join(t.TempDir(), "data", "token")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := prepare(path); err != nil {
			t.Fatal(err)
		}
		if _, err := access.Open(path); err == nil || !strings.Contains(err.Error(), "admin token") || strings.Contains(err.Error(), "fifteen-letters") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

const token = "a-token-of-the-owner"

// guard knows a token that its owner has written, with blanks around it.
func guard(t *testing.T) *access.Guard {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("\n "+token+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func TestAdmin(t *testing.T) {
	g := guard(t)
	for _, c := range []struct {
		authorization []string
		want          bool
	}{
		{[]string{"Bearer " + token}, true},
		{[]string{"bearer   " + token + " "}, true},
		{[]string{"Bearer " + token + "x"}, false},
		{[]string{"Bearer " + token[:len(token)-1]}, false},
		{[]string{"Bearer " + strings.ToUpper(token)}, false},
		{[]string{"Bearer"}, false},
		{[]string{"Bearer "}, false},
		{[]string{"Basic " + token}, false},
		{[]string{"Bearer x", "Bearer " + token}, false},
		{[]string{""}, false},
		{nil, false},
	} {
		if got := g.Admin(asks(t, c.authorization...)); got != c.want {
			t.Errorf("%q: got %v", c.authorization, got)
		}
	}
}

// A Micro never sees the token, whatever header it comes in; the app's own credentials pass.
func TestStrip(t *testing.T) {
	g := guard(t)
	h := http.Header{
		"Authorization": {"Bearer " + token}, "X-Token": {"a", token}, "X-Api-Key": {"bearer " + token},
		"Cookie": {"session=1"}, "Accept": {"*/*"},
	}
	g.Strip(h)
	if want := (http.Header{"Cookie": {"session=1"}, "Accept": {"*/*"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("got %v", h)
	}
	own := http.Header{"Authorization": {"Bearer of-the-app"}}
	g.Strip(own)
	if len(own) != 1 {
		t.Error("the app's own credentials are gone")
	}
}

// A token that others may read is no secret.
func TestTokenOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		make func(path string) error
		says string
	}{
		"for the group": {func(path string) error { return mode(path, 0o640) }, "has the mode 0640"},
		"for all":       {func(path string) error { return mode(path, 0o604) }, "`chmod 600`"},
		"a folder":      {func(path string) error { return os.Mkdir(path, 0o700) }, "no regular file"},
		"a FIFO":        {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "no regular file"},
	} {
		path := filepath.Join(t.TempDir(), "token")
		if err := c.make(path); err != nil {
			t.Fatal(err)
		}
		if _, err := access.Open(path); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "token")
	if err := mode(path, 0o400); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if os.Geteuid() != 0 {
		return // nobody else can give a file away
	}
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := access.Open(path); err == nil || !strings.Contains(err.Error(), "another user (uid 65534)") {
		t.Errorf("got %v", err)
	}
}

func mode(path string, mode os.FileMode) error {
	return errors.Join(os.WriteFile(path, []byte(token), 0o600), os.Chmod(path, mode))
}

// T5: a key is made once, for its owner only.
func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, err := access.Key(path)
	if err != nil || len(first) < 26 {
		t.Fatalf("%q, %v", first, err)
	}
	again, err := access.Key(path)
	if err != nil || string(again) != string(first) {
		t.Errorf("%q, then %q, %v", first, again, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := access.Key(path); err == nil {
		t.Error("a key that others can read was taken")
	}
}
