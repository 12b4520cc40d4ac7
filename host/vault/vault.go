// Package vault seals what apps keep secret, each value for the one place that it
// belongs to.
package vault

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/minio/sio"
)

// ErrClosed says that a value was sealed with another key, or for another place, or is
// damaged.
var ErrClosed = errors.New("the value does not open")

const (
	// version is the first byte of what is sealed: whoever finds another does not know
	// what follows.
	version   = 1
	keyBytes  = 32
	saltBytes = 32
	// first stands before each value, as the cipher makes nothing of nothing, which
	// anybody could.
	first = "v"
)

// Vault seals and opens values. It is safe for concurrent use.
type Vault struct {
	key []byte
}

// Place is where a value belongs. It opens nowhere else.
type Place struct {
	App string
	// Micro is "" for a value of the whole app.
	Micro string
	Name  string
}

// New returns the vault of a server whose key file holds secret. It uses a key that is
// derived from that: what else the file is for learns nothing of it.
func New(secret []byte) (*Vault, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "spacewasm secrets v1", keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive the key of secrets: %w", err)
	}
	return &Vault{key: key}, nil
}

// Seal seals a value for its place. Nothing but its length can be seen of it.
func (v *Vault) Seal(place Place, value string) ([]byte, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	config, err := v.sealing(place, salt)
	if err != nil {
		return nil, err
	}
	sealed := bytes.NewBuffer(append([]byte{version}, salt...))
	w, err := sio.EncryptWriter(sealed, config)
	if err == nil {
		_, err = w.Write([]byte(first + value))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal a value: %w", err)
	}
	return sealed.Bytes(), nil
}

// Open opens what was sealed for the place, or returns [ErrClosed].
func (v *Vault) Open(place Place, sealed []byte) (string, error) {
	if len(sealed) <= 1+saltBytes || sealed[0] != version {
		return "", ErrClosed
	}
	config, err := v.sealing(place, sealed[1:1+saltBytes])
	if err != nil {
		return "", err
	}
	var value bytes.Buffer
	if _, err := sio.Decrypt(&value, bytes.NewReader(sealed[1+saltBytes:]), config); err != nil {
		return "", ErrClosed // the library's reason helps only who tries keys
	}
	text, ok := strings.CutPrefix(value.String(), first)
	if !ok {
		return "", ErrClosed
	}
	return text, nil
}

// Mark tells sets of values apart without giving them away: equal texts have the same
// one, and nobody without the key can try values until one fits.
func (v *Vault) Mark(texts []string) string {
	const enough = 16
	mac := hmac.New(sha256.New, v.key)
	fmt.Fprint(mac, "mark")
	for _, text := range texts {
		fmt.Fprintf(mac, " %d:%s", len(text), text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:enough])
}

// sealing is how the value of a place is sealed. The cipher takes no data beside the
// value, so the place is in its key; the salt makes that one of this value only.
func (v *Vault) sealing(place Place, salt []byte) (sio.Config, error) {
	info := fmt.Sprintf("value %q %q %q", place.App, place.Micro, place.Name)
	key, err := hkdf.Key(sha256.New, v.key, salt, info, keyBytes)
	if err != nil {
		return sio.Config{}, fmt.Errorf("derive the key of a value: %w", err)
	}
	return sio.Config{MinVersion: sio.Version20, CipherSuites: []byte{sio.AES_256_GCM}, Key: key}, nil
}
