package static

import "strings"

// revalidated has caches ask each time: the tags make it cheap.
func (s *Site) revalidated() string {
	if s.config.Public {
		return "no-cache"
	}
	return "private, no-cache"
}

// freshness says how long a file may be kept unasked.
func (s *Site) freshness(name string) string {
	if !hasDigest(name) {
		return s.revalidated()
	}
	if s.config.Public {
		return "public, max-age=31536000, immutable"
	}
	return "private, max-age=31536000, immutable"
}

// hasDigest tells whether a build tool has put the digest of a file's content into
// its name, as in app.3f2a9c1b.js and index-BxY12abc.css. A name that only looks so
// would be kept for a year by clients, and one that is missed costs a question each
// time: in doubt it has none.
func hasDigest(name string) bool {
	parts := strings.Split(name[strings.LastIndexByte(name, '/')+1:], ".")
	if len(parts) < 2 || !built(parts[len(parts)-1]) {
		return false
	}
	for i, part := range parts[:len(parts)-1] {
		if dash := strings.LastIndexByte(part, '-'); dash >= 0 {
			part = part[dash+1:]
		} else if i == 0 {
			continue
		}
		if isDigest(part) {
			return true
		}
	}
	return false
}

// built tells whether build tools put digests into names that end so.
func built(ext string) bool {
	switch strings.ToLower(ext) {
	case "js", "mjs", "css", "map", "wasm", "json", "woff", "woff2", "ttf", "otf", "eot", "svg", "png", "jpg", "jpeg", "gif",
		"webp", "avif", "ico", "mp4", "webm", "mp3":
		return true
	}
	return false
}

// isDigest tells digests from words, dates and versions: those change between
// letters of either case and digits only here and there.
func isDigest(s string) bool {
	const (
		short, long = 8, 64 // digits: what webpack, Vite, esbuild and Parcel write, and SHA-256
		hexChanges  = 3     // between digits and letters
		changes     = 4
	)
	if len(s) < short || len(s) > long {
		return false
	}
	hex, digits, upper, turns := true, false, false, 0
	last := byte(0)
	for _, c := range []byte(s) {
		class := byte('a')
		switch {
		case c >= '0' && c <= '9':
			class, digits = '0', true
		case c >= 'A' && c <= 'Z':
			class, upper, hex = 'A', true, false
		case c < 'a' || c > 'z':
			return false
		case c > 'f':
			hex = false
		}
		if last != 0 && class != last {
			turns++
		}
		last = class
	}
	if hex {
		return turns >= hexChanges
	}
	return len(s) == short && digits && upper && turns >= changes
}
