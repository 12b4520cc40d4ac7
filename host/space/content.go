package space

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Content names what a file holds. Files that hold the same have the same.
type Content struct {
	Sum  [sha256.Size]byte
	Size int64 // in bytes
}

// ParseContent reads a SHA-256, 64 lower-case hexadecimal digits, with a size.
func ParseContent(sum string, size int64) (Content, error) {
	c := Content{Size: size}
	if len(sum) != hex.EncodedLen(len(c.Sum)) || sum != strings.ToLower(sum) {
		return c, fmt.Errorf("%.80q is no SHA-256 of 64 lower-case hexadecimal digits", sum)
	}
	if _, err := hex.Decode(c.Sum[:], []byte(sum)); err != nil {
		return c, fmt.Errorf("%.80q is no SHA-256 of 64 lower-case hexadecimal digits", sum)
	}
	if size < 0 {
		return c, fmt.Errorf("a file has no size of %d", size)
	}
	return c, nil
}

// Hex is the SHA-256 as [ParseContent] reads it.
func (c Content) Hex() string { return hex.EncodeToString(c.Sum[:]) }

// The records (PAX, "VENDOR.keyword") of an entry in a tar that stands for a file
// which the app has already: the entry is empty, and these say what it holds.
const (
	RecordSum  = "SPACEWASM.sha256"
	RecordSize = "SPACEWASM.size"
)
