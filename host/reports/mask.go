package reports

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// masked stands where a secret was.
const masked = "[masked]"

// short is a secret that is looked for as a whole value only: as a part of texts it would be found everywhere, and says
// little.
const short = 4

// Masked is a text in which the given values do not stand, nor what they are escaped to in
// URLs and in JSON.
func Masked(text string, secrets []string) string { return newMask(secrets).text(text) }

// mask hides secrets.
type mask struct {
	long   []string // to be found in texts, the longest first
	values map[string]bool
}

// newMask hides the given values, and what they are escaped to in URLs and in JSON.
func newMask(secrets []string) *mask {
	m := &mask{values: map[string]bool{}}
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			if form == "" || m.values[form] {
				continue
			}
			m.values[form] = true
			if len(form) >= short {
				m.long = append(m.long, form)
			}
		}
	}
	slices.SortFunc(m.long, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return m
}

// forms are the ways in which a value is often written.
func forms(value string) []string {
	all := []string{value, strings.TrimSpace(value), strings.ToValidUTF8(value, "\uFFFD"), url.QueryEscape(value), url.PathEscape(value)}
	if quoted, err := json.Marshal(value); err == nil {
		all = append(all, strings.Trim(string(quoted), `"`))
	}
	for line := range strings.Lines(value) { // of a key in several lines; logs have a line each
		if line = strings.TrimRight(line, "\r\n"); len(line) >= 4*short {
			all = append(all, line)
		}
	}
	return all
}

// text hides the secrets in a text.
func (m *mask) text(s string) string {
	if m.values[s] {
		s = masked
	}
	for _, secret := range m.long {
		s = strings.ReplaceAll(s, secret, masked)
	}
	// What has been put in may make another secret whole, with what is beside it or by itself.
	for again := true; again; {
		again = false
		for _, secret := range m.long {
			if strings.Contains(s, secret) {
				s, again = strings.ReplaceAll(s, secret, ""), true
			}
		}
	}
	return s
}

// lines hides the secrets in lines, and keeps so many of the first or of the last.
func (m *mask) lines(lines []string, most, bytes int, last bool) []string {
	kept := []string{}
	if last {
		lines = slices.Clone(lines)
		slices.Reverse(lines)
	}
	for _, line := range lines {
		line = m.cut(line, maxLine)
		if bytes -= len(line); len(kept) == most || bytes < 0 {
			break
		}
		kept = append(kept, line)
	}
	if last {
		slices.Reverse(kept)
	}
	return m.joined(kept)
}

// joined hides a secret of several lines, each of which may say little.
func (m *mask) joined(lines []string) []string {
	all := strings.Join(lines, "\n")
	if hidden := m.text(all); hidden != all {
		return strings.Split(hidden, "\n")
	}
	return lines
}

// request describes a request.
func (m *mask) request(r *http.Request) Request {
	path := r.URL.Path
	if r.RequestURI != "" { // the path below the Micro's is no help
		path, _, _ = strings.Cut(r.RequestURI, "?")
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
	}
	target := m.text(path)
	if r.URL.RawQuery != "" {
		target += "?" + m.query(r.URL.RawQuery)
	}
	described := Request{Method: m.cut(r.Method, maxHeader), Target: m.cut(target, maxTarget), Proto: m.cut(r.Proto, maxHeader), Headers: []Header{}}
	described.Headers = append(described.Headers, Header{"Host", m.cut(r.Host, maxHeader)})
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if len(described.Headers) == maxHeaders {
				return described
			}
			described.Headers = append(described.Headers, Header{m.cut(name, maxHeader), m.cut(m.header(name, value), maxHeader)})
		}
	}
	return described
}

// header hides what a header says, if it is one for secrets or for addresses, and the secrets in the others.
func (m *mask) header(name, value string) string {
	if isSecret(name) || isAddress(name) {
		return masked
	}
	if name == "Referer" || name == "Origin" || name == "Location" {
		value = m.address(value)
	}
	return m.text(value)
}

// secretWords are parts of the names of headers that carry secrets.
func secretWords() []string {
	return []string{
		"auth", "cookie", "token", "secret", "key", "password", "passwd", "session", "signature", "credential", "csrf", "xsrf", "jwt",
		"otp", "assertion", "hmac", "api-", "ticket",
	}
}

// isSecret tells whether a header carries what its sender would not show.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "x-space-") {
		return true
	}
	return slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(name, word) })
}

// isAddress tells whether a header says where a client is.
func isAddress(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "-ip") || strings.Contains(name, "forwarded") || strings.HasSuffix(name, "-addr")
}

// address hides the query and the password in a URL.
func (m *mask) address(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return masked
	}
	query := u.RawQuery
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	if query == "" {
		return u.String()
	}
	return u.String() + "?" + m.query(query)
}

// query hides the values of a query: links carry tokens in it, and forms what people typed.
func (m *mask) query(raw string) string {
	var parts []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, found := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if !found || err != nil || m.text(plain) != plain { // a part without = has no name but its value
			parts = append(parts, masked)
			continue
		}
		parts = append(parts, name+"="+masked)
	}
	return strings.Join(parts, "&")
}

// cut hides the secrets in a text and then ends it within about so many bytes: of a secret that is cut, a part would stay.
func (m *mask) cut(s string, most int) string { return m.text(cut(m.text(s), most)) }

// cut ends a text within so many bytes, with a mark.
func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func splitLines(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}
