package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
)

// Prove shows knowledge of the token for the server at addr, without telling the
// token: HMAC-SHA-256 with the SHA-256 of the token as its key. addr is the
// address, IP and port, of the server's end of the connection that asks; it binds
// the proof to that server, so that no other can have it made on its behalf.
func (g *Guard) Prove(nonce, addr string) (string, error) {
	if !regexp.MustCompile(`^[0-9A-Za-z]{16,128}$`).MatchString(nonce) {
		return "", errors.New("a nonce is 16 to 128 letters and digits")
	}
	return hex.EncodeToString(g.mac(nonce, addr)), nil
}

// Proves tells whether proof is what the server at addr that knows the token
// answers to the nonce.
func Proves(proof, token, nonce, addr string) bool {
	g := &Guard{sum: sha256.Sum256([]byte(token))}
	got, err := hex.DecodeString(proof)
	return err == nil && hmac.Equal(got, g.mac(nonce, addr))
}

func (g *Guard) mac(nonce, addr string) []byte {
	mac := hmac.New(sha256.New, g.sum[:])
	// The words say what is signed, so that it means nothing elsewhere.
	mac.Write([]byte("spacewasm proof v1\n" + nonce + "\n" + addr))
	return mac.Sum(nil)
}
