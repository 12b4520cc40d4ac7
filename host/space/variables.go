package space

import (
	"slices"
	"strings"
)

const (
	// MaxVariables is how many variables an app's owner may set.
	MaxVariables = 100
	// MaxEnvironment bounds what the owner's variables have together in the environment
	// of one Micro, in bytes: names, values, and two for each.
	MaxEnvironment = 64 << 10
)

// ofRequest tells whether the cgi contract gives a variable of this name to a request,
// or may (RFC 3875 section 4.1).
func ofRequest(name string) bool {
	return strings.HasPrefix(name, "HTTP_") || slices.Contains([]string{
		"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "HTTPS", "PATH_INFO", "PATH_TRANSLATED",
		"QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER", "REQUEST_METHOD",
		"REQUEST_URI", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE",
	}, name)
}
