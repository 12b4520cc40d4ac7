package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

const (
	cookieName = "guestbook"
	// maxCookie leaves room for the name and the attributes in the 4096 bytes that browsers keep of a cookie.
	maxCookie = 3500
	cookieAge = 90 * 24 * 60 * 60 // seconds
)

var errForged = errors.New("the cookie was not signed by this guestbook")

// signer turns entries into a cookie's value and back: base64url(JSON) "." base64url(HMAC-SHA256).
type signer struct{ key []byte }

// seal drops the oldest entries until the rest fits. One entry always fits.
func (s signer) seal(entries []entry) (string, error) {
	entries = entries[max(0, len(entries)-maxEntries):]
	for {
		payload, err := encode(entries)
		if err != nil {
			return "", err
		}
		value := payload + "." + s.mac(payload)
		if len(value) <= maxCookie {
			return value, nil
		}
		entries = entries[1:]
	}
}

// open returns the entries of a value that seal made with the same key, oldest first, else errForged.
func (s signer) open(value string) ([]entry, error) {
	payload, mac, found := strings.Cut(value, ".")
	if !found || len(value) > maxCookie || !hmac.Equal([]byte(mac), []byte(s.mac(payload))) {
		return nil, errForged
	}
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil, errForged
	}
	var entries []entry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, errForged
	}
	return entries, nil
}

// mac names its purpose, so that another part of the app that signs with the same key cannot make our cookies.
func (s signer) mac(payload string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte("guestbook cookie v1\n" + payload))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// encode leaves <, > and & alone: escaped they take six bytes each, and the template escapes them.
func encode(entries []entry) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(entries); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(bytes.TrimSpace(b.Bytes())), nil
}

// bookCookie is the visitor's book; an empty value deletes it.
func bookCookie(value string, secure bool) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: cookieAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
