package host_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host"
)

// openWith opens a server and closes it again.
func openWith(t *testing.T, data, keyFile string) error {
	t.Helper()
	config := host.DefaultConfig()
	config.Listen, config.Data, config.KeyFile, config.Logger = "127.0.0.1:0", data, keyFile, slog.New(slog.DiscardHandler)
	h, err := host.Open(t.Context(), config)
	if err != nil {
		return err
	}
	return h.Close()
}

// keyIn is what a key file holds, "" if there is none. It is its owner's alone.
func keyIn(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return ""
	}
	info, statErr := os.Stat(path)
	if err != nil || statErr != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v, %v", err, statErr, info)
	}
	return string(text)
}

// T9: the key file has a place in the data directory, or outside; the one of versions
// before is taken over, and none is made beside one that there is.
func TestKeyFile(t *testing.T) {
	data, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret.key")
	inside, before := filepath.Join(data, "key"), filepath.Join(data, "cache.key")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(openWith(t, data, ""))
	key := keyIn(t, inside)
	if len(key) < 26 {
		t.Fatalf("the key is %q", key)
	}
	must(os.Rename(inside, before))
	must(openWith(t, data, ""))
	if keyIn(t, inside) != key || keyIn(t, before) != "" {
		t.Error("the key of a version before is not taken over")
	}
	must(os.WriteFile(before, []byte("of nobody knows what\n"), 0o600))
	must(openWith(t, data, ""))
	if keyIn(t, inside) != key {
		t.Error("the key is replaced by an old one")
	}
	err := openWith(t, data, outside)
	if err == nil || !strings.Contains(err.Error(), "mv "+inside+" "+outside) || keyIn(t, outside) != "" {
		t.Errorf("a second key: %v", err)
	}
	must(os.Rename(inside, outside))
	must(os.Remove(before))
	must(openWith(t, data, outside))
	if keyIn(t, outside) != key || keyIn(t, inside) != "" {
		t.Error("there is a key in the data directory, too")
	}
	must(os.Chmod(outside, 0o640))
	if err := openWith(t, data, outside); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("others may read it: %v", err)
	}
	elsewhere := filepath.Join(t.TempDir(), "new.key")
	must(openWith(t, t.TempDir(), elsewhere))
	if len(keyIn(t, elsewhere)) < 26 {
		t.Error("no key is made outside")
	}
}
