package access

import (
	"net/http"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// FileToken is the name of the token in the file; no other has it.
const FileToken = "admin"

// Caller is whoever has a token.
type Caller struct {
	// Name is that of the token.
	Name string
	// Admin may do all.
	Admin bool
	// App is the one app that who is no admin may deploy.
	App space.AppName
}

// MayDeploy tells whether the caller may push an app, and look after what is live of
// it.
func (c Caller) MayDeploy(app space.AppName) bool {
	return c.Admin || (c.App != "" && c.App == app)
}

// Who tells whose bearer token (RFC 6750 section 2.1) a request carries.
func (g *Guard) Who(r *http.Request) (Caller, bool) {
	token, ok := bearer(r.Header.Get("Authorization"))
	if !ok {
		return Caller{}, false
	}
	return g.caller(token)
}

// caller tells whose token a value is. The time that it takes tells of the hash of a
// guess at most.
func (g *Guard) caller(value string) (Caller, bool) {
	if g.isFileToken(value) {
		return Caller{Name: FileToken, Admin: true}, true
	}
	if !isOurs(value) {
		return Caller{}, false
	}
	c, ok := g.table.Load().tokens[hashOf(value)]
	return c, ok
}

// Admin tells whether the request carries a token that may do all: the one in the
// file, or an admin's.
func (g *Guard) Admin(r *http.Request) bool {
	c, ok := g.Who(r)
	return ok && c.Admin
}

// Owner returns the name of a token that may do all.
func (g *Guard) Owner(token string) (name string, ok bool) {
	c, ok := g.caller(token)
	return c.Name, ok && c.Admin
}

// MayDeploy tells who the request's token makes its sender, and whether that one may
// deploy the app.
func (g *Guard) MayDeploy(r *http.Request, app space.AppName) (Caller, bool) {
	c, ok := g.Who(r)
	return c, ok && c.MayDeploy(app)
}

// HasAppKey tells whether value is one of the app's keys.
func (g *Guard) HasAppKey(app space.AppName, value string) bool {
	if !isOurs(value) {
		return false
	}
	of, ok := g.table.Load().keys[hashOf(value)]
	return ok && of == app
}

// IsCredential tells whether value is any token, or a key of any app.
func (g *Guard) IsCredential(value string) bool {
	if g.isFileToken(value) {
		return true
	}
	if !isOurs(value) {
		return false
	}
	t, hash := g.table.Load(), hashOf(value)
	_, isToken := t.tokens[hash]
	_, isKey := t.keys[hash]
	return isToken || isKey
}

// Generation is a word that changes with the value of the named token, "" if there
// is none of that name: what was let in with a token goes when the token does.
func (g *Guard) Generation(name string) string {
	if name == FileToken {
		return generation(g.sum)
	}
	return g.table.Load().generations[name]
}

// Strip takes our tokens and app keys out of a request's headers, so that a Micro
// never sees one, whatever header it came in. It is called for each request, so
// that only what has the form of one of them is hashed.
func (g *Guard) Strip(h http.Header) {
	for name, values := range h {
		for _, value := range values {
			if g.carries(value) {
				delete(h, name)
				break
			}
		}
	}
}

// carries tells whether a header's value is a credential, or a bearer's.
func (g *Guard) carries(value string) bool {
	if g.IsCredential(strings.TrimSpace(value)) {
		return true
	}
	token, ok := bearer(value)
	return ok && g.IsCredential(token)
}

// bearer is the token of an Authorization header of that scheme.
func bearer(value string) (string, bool) {
	const scheme = "Bearer"
	if len(value) <= len(scheme) || value[len(scheme)] != ' ' || !strings.EqualFold(value[:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimSpace(value[len(scheme):]), true
}
