package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/access"
)

// T37: only who knows the token proves it, for its own address and this nonce.
func TestProof(t *testing.T) {
	const token, nonce, addr = "sw_0123456789abcdef", "0123456789abcdef", "127.0.0.1:4200"
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	guard, err := access.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := guard.Prove(nonce, addr)
	if err != nil || !access.Proves(proof, token, nonce, addr) {
		t.Fatalf("%q, %v", proof, err)
	}
	for name, c := range map[string]struct{ proof, token, nonce, addr string }{
		"another token":   {proof, token + "x", nonce, addr},
		"another nonce":   {proof, token, nonce + "0", addr},
		"another port":    {proof, token, nonce, "127.0.0.1:4201"},
		"another address": {proof, token, nonce, "[::1]:4200"},
		"a cut proof":     {proof[:62], token, nonce, addr},
		"no proof":        {"", token, nonce, addr},
		"not hexadecimal": {strings.Repeat("x", 64), token, nonce, addr},
		"the token":       {token, token, nonce, addr},
	} {
		if access.Proves(c.proof, c.token, c.nonce, c.addr) {
			t.Errorf("%s proves it", name)
		}
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 129), "0123456789abcdef\n"} {
		if proof, err := guard.Prove(bad, addr); err == nil {
			t.Errorf("the nonce %q is answered with %q", bad, proof)
		}
	}
}
