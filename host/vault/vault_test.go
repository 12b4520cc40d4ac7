package vault_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/vault"
)

func open(t *testing.T, secret string) *vault.Vault {
	t.Helper()
	v, err := vault.New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func home() vault.Place { return vault.Place{App: "app", Micro: "web", Name: "KEY"} }

func TestSeal(t *testing.T) {
	for _, value := range []string{"", "s", "a secret", strings.Repeat("long ", 20_000), "\xff\x01ü\n"} {
		v := open(t, "the secret")
		sealed, err := v.Seal(home(), value)
		if err != nil {
			t.Fatal(err)
		}
		if len(value) > 4 && bytes.Contains(sealed, []byte(value[:5])) {
			t.Errorf("%.9q can be read", value)
		}
		again, err := v.Seal(home(), value)
		if err != nil || bytes.Equal(again, sealed) {
			t.Errorf("%.9q is the same twice, %v", value, err)
		}
		// A server that starts again has the same key.
		if got, err := open(t, "the secret").Open(home(), sealed); err != nil || got != value {
			t.Errorf("%.9q opens as %.9q, %v", value, got, err)
		}
	}
}

// T9: a value opens only where it was set: not in another app, another Micro or under
// another name, whatever the parts of those look like together.
func TestSealedForItsPlace(t *testing.T) {
	v := open(t, "the secret")
	sealed, err := v.Seal(home(), "a secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []vault.Place{
		{App: "other", Micro: "web", Name: "KEY"},
		{App: "app", Micro: "api", Name: "KEY"},
		{App: "app", Micro: "", Name: "KEY"},
		{App: "app", Micro: "web", Name: "KEYS"},
		{App: "appweb", Micro: "", Name: "KEY"},
		{App: "app", Micro: `web","KEY`, Name: ""},
		{App: "", Micro: "appweb", Name: "KEY"},
	} {
		if got, err := v.Open(other, sealed); !errors.Is(err, vault.ErrClosed) || got != "" {
			t.Errorf("it opens at %+v: %q, %v", other, got, err)
		}
	}
	if _, err := open(t, "another secret").Open(home(), sealed); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("it opens with another key: %v", err)
	}
}

func TestSealDamaged(t *testing.T) {
	v := open(t, "the secret")
	sealed, err := v.Seal(home(), strings.Repeat("a secret ", 10_000)) // of several pieces
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(sealed); i += max(1, len(sealed)/300) {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := v.Open(home(), damaged); !errors.Is(err, vault.ErrClosed) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if _, err := v.Open(home(), sealed[:i]); !errors.Is(err, vault.ErrClosed) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := v.Open(home(), append(bytes.Clone(sealed), 0)); !errors.Is(err, vault.ErrClosed) {
		t.Errorf("with more at its end: %v", err)
	}
}

func TestMark(t *testing.T) {
	mark := func(secret string, texts ...string) string {
		t.Helper()
		return open(t, secret).Mark(texts)
	}
	of := mark("the secret", "A=1", "B=2")
	if of != mark("the secret", "A=1", "B=2") {
		t.Error("the same texts have two marks")
	}
	for i, other := range []string{mark("another", "A=1", "B=2"), mark("the secret", "A=1B=2"), mark("the secret", "B=2", "A=1"), mark("the secret")} {
		if other == of {
			t.Errorf("%d: has the same mark", i)
		}
	}
}
