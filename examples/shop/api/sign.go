package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// maxToken is the longest token, in characters: it is a part of an address.
const maxToken = 6000

var errForged = errors.New("this order was not signed by this shop")

// signer makes tokens of orders, and orders of tokens:
// base64url(HMAC-SHA256 of the JSON, then the JSON). They are signed, not encrypted.
type signer struct {
	key    []byte
	source string // of the key: a variable's name, or "demo"
}

// newSigner takes the key of the variable SHOP_KEY. Without one, the key that the
// platform gives each app serves a demo.
func newSigner(getenv func(string) string) (signer, error) {
	if key := getenv("SHOP_KEY"); key != "" {
		return signer{[]byte(key), "SHOP_KEY"}, nil
	}
	if key := getenv("DETA_PROJECT_KEY"); key != "" {
		return signer{[]byte(key), "demo"}, nil
	}
	return signer{}, errors.New("no key to sign orders with: set SHOP_KEY")
}

// notice is what customers are told of the key.
func (s signer) notice() string {
	if s.source != "demo" {
		return ""
	}
	return "This is a demo: the shop has no SHOP_KEY, and sends nothing."
}

func (s signer) seal(o order) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // escapes take six bytes each
	if err := enc.Encode(o); err != nil {
		return "", err
	}
	payload := bytes.TrimSpace(b.Bytes())
	return base64.RawURLEncoding.EncodeToString(append(s.mac(payload), payload...)), nil
}

// open returns the order of a token that seal made with the same key, else errForged.
func (s signer) open(token string) (order, error) {
	if len(token) > maxToken {
		return order{}, errForged
	}
	// Strictly: else the last character could be changed without a trace.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < sha256.Size {
		return order{}, errForged
	}
	mac, payload := sealed[:sha256.Size], sealed[sha256.Size:]
	var o order
	if !hmac.Equal(mac, s.mac(payload)) || json.Unmarshal(payload, &o) != nil {
		return order{}, errForged
	}
	return o, nil
}

// mac names its purpose, so that what else is signed with the key is no order.
func (s signer) mac(payload []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte("shop order v1\n"))
	h.Write(payload)
	return h.Sum(nil)
}
