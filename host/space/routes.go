package space

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// RouteMatches tells whether a path of a Micro is one that pattern, an entry of
// public_routes, means: exactly it, where each * stands for anything, slashes among
// it, or nothing.
func RouteMatches(pattern, path string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == path
	}
	path, ok := strings.CutPrefix(path, head)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	// The leftmost place for each part leaves the most for those after it.
	for _, part := range parts[:len(parts)-1] {
		i := strings.Index(path, part)
		if i < 0 {
			return false
		}
		path = path[i+len(part):]
	}
	return strings.HasSuffix(path, last)
}

// IsOpen tells whether anybody may ask for a path of the Micro, which is below its
// own root.
func (m Micro) IsOpen(path string) bool {
	if m.Public {
		return true
	}
	for _, pattern := range m.PublicRoutes {
		if RouteMatches(pattern, path) {
			return true
		}
	}
	return false
}

// ActionsPath is where a Micro takes the calls of its Scheduled Actions, below its own
// root.
const ActionsPath = "/__space/v0/actions"

// IsForPlatform tells whether a path of the Micro, cleaned and below its own root, is
// one that only the platform and the owner call: where it takes Scheduled Actions.
func (m Micro) IsForPlatform(path string) bool {
	if atOrBelow(path, ActionsPath) {
		return true
	}
	for _, action := range m.Actions {
		if action.Path != "" && atOrBelow(path, action.Path) {
			return true
		}
	}
	return false
}

// atOrBelow tells whether a path is the other, with or without a slash at its end, or
// below it, in whatever case: there are routers that do not tell /Cron from /cron.
func atOrBelow(path, other string) bool {
	other = strings.TrimSuffix(other, "/")
	if len(path) < len(other) || !strings.EqualFold(path[:len(other)], other) {
		return false
	}
	rest := path[len(other):]
	return rest == "" || rest[0] == '/'
}

// parseRoute reads an entry of public_routes.
func parseRoute(s string) (string, error) {
	if !strings.HasPrefix(s, "/") {
		return "", fmt.Errorf("%q: want a path that begins with /, below the Micro's own root", s)
	}
	if strings.ContainsAny(s, "?#\\") || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("%q: want a plain path, in which * stands for anything", s)
	}
	return s, nil
}

// parseActionPath reads the path of an action.
func parseActionPath(s string) (string, error) {
	p, err := parseRoute(s)
	switch {
	case err != nil:
		return "", err
	case strings.Contains(p, "*"):
		return "", errors.New("has a *; want the one path that takes the call")
	case cleanPath(p) != p:
		return "", fmt.Errorf("%q: want a path without // and dots between its slashes", s)
	}
	return p, nil
}
