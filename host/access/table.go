package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Tokens and keys begin so. What others look for in texts that leaked finds them, and
// the guard knows by it which values are worth a hash.
const (
	tokenPrefix = "swt_"
	keyPrefix   = "swk_"
)

// ourLength is that of a token or key: the prefix, and 130 random bits.
const ourLength = len(tokenPrefix) + 26

func newToken() string { return tokenPrefix + rand.Text() }
func newKey() string   { return keyPrefix + rand.Text() }

// isOurs tells whether a value has the form of a token or key that we have made.
func isOurs(value string) bool {
	return len(value) == ourLength && (strings.HasPrefix(value, tokenPrefix) || strings.HasPrefix(value, keyPrefix))
}

func hashOf(value string) store.Hash { return sha256.Sum256([]byte(value)) }

// table is what the guard knows beside the token in the file. It never changes: a new
// one takes its place.
type table struct {
	tokens      map[store.Hash]Caller
	keys        map[store.Hash]space.AppName
	generations map[string]string // of the tokens, by name
}

func newTable(tokens []store.Token, keys []store.AppKey) *table {
	t := &table{
		tokens: map[store.Hash]Caller{}, keys: map[store.Hash]space.AppName{}, generations: map[string]string{},
	}
	for _, token := range tokens {
		t.tokens[token.Hash] = Caller{Name: token.Name, Admin: token.App == "", App: token.App}
		t.generations[token.Name] = generation(token.Hash)
	}
	for _, key := range keys {
		t.keys[key.Hash] = key.App
	}
	return t
}

// generation tells nothing of the hash that it is made of.
func generation(hash store.Hash) string {
	sum := sha256.Sum256(append([]byte("spacewasm generation v1\n"), hash[:]...))
	return hex.EncodeToString(sum[:8])
}

// isFileToken tells whether a value is the token in the file. The length of that one
// is no secret.
func (g *Guard) isFileToken(value string) bool {
	if len(value) != g.length {
		return false
	}
	sum := hashOf(value)
	return subtle.ConstantTimeCompare(sum[:], g.sum[:]) == 1
}
