package gateway

import (
	"net/url"
	"path"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// readings are the ways in which a path can be read: by who takes escapes for what
// they stand for, by who leaves those of slashes, and by who takes the dots out of it,
// too. A rule that they do not agree on cannot be held.
func readings(decoded, raw string) []string {
	if plain := decoded == "/" || path.Clean(decoded) == strings.TrimSuffix(decoded, "/"); plain && raw == decoded && !strings.Contains(decoded, "\\") {
		return nil // as nearly all are: there is one
	}
	list := []string{cleaned(decoded)}
	if kept, err := url.PathUnescape(slashesKept(raw)); err == nil {
		list = append(list, kept)
	}
	return list
}

// slashesKept escapes the escapes of slashes once more.
func slashesKept(raw string) string {
	return strings.NewReplacer("%2f", "%252f", "%2F", "%252F", "%5c", "%255c", "%5C", "%255C").Replace(raw)
}

// cleaned is a path without dots and empty segments; a slash at its end stays.
func cleaned(p string) string {
	clean := path.Clean("/" + strings.ReplaceAll(p, "\\", "/"))
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// judge asks a rule about a path, and refuses the path if it depends on who reads it.
func judge(decoded, raw string, rule func(path string) bool) (bool, error) {
	verdict := rule(decoded)
	for _, reading := range readings(decoded, raw) {
		if rule(reading) != verdict {
			return false, ambiguous()
		}
	}
	return verdict, nil
}

// judgePlain is [judge] for names of the platform's, which have no escapes in them:
// who spells one so means to be read in two ways.
func judgePlain(decoded, raw string, rule func(path string) bool) (bool, error) {
	verdict, err := judge(decoded, raw, rule)
	if err == nil && raw != "" && rule(raw) != verdict {
		return false, ambiguous()
	}
	return verdict, err
}

func ambiguous() error {
	return space.Errorf(space.CodeBadRequest,
		"the path can be read in two ways of which only one may be asked for: send it without escapes, dots and double slashes")
}

// isPlatform tells whether a path, as it is read, is the platform's own part of an app.
func isPlatform(p string) bool {
	return p == "/__space" || strings.HasPrefix(p, "/__space/")
}
