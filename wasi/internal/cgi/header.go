package cgi

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// head is a parsed response header.
type head struct {
	status int
	header http.Header
	length int64 // the declared Content-Length, -1 without one
}

// splitHead finds the blank line that ends the header in b, and returns what
// stands before and after it. Lines may end in LF or CRLF (RFC 3875 section 6.2
// leaves that to the platform).
func splitHead(b []byte) (before, after []byte, ok bool) {
	start := 0
	for i, c := range b {
		if c != '\n' {
			continue
		}
		line := b[start:i]
		if len(line) == 0 || (len(line) == 1 && line[0] == '\r') {
			return b[:start], b[i+1:], true
		}
		start = i + 1
	}
	return nil, nil, false
}

// parseHead reads the header lines of a CGI response.
func parseHead(text string) (*head, error) {
	h := &head{header: http.Header{}, length: -1}
	if n := strings.Count(text, "\n"); n > maxLines {
		return nil, badf("the header has %d lines, more than %d", n, maxLines)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !httpguts.ValidHeaderFieldName(name) {
			return nil, badf("header line %.80q is not `Name: value`", line)
		}
		value = strings.Trim(value, " \t")
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, badf("the value of header %s has control characters", name)
		}
		if err := h.field(textproto.CanonicalMIMEHeaderKey(name), value); err != nil {
			return nil, err
		}
	}
	return h, h.complete()
}

func (h *head) field(name, value string) error {
	switch {
	case name == "Status":
		return h.setStatus(value)
	case name == "Content-Length":
		return h.setLength(value)
	case !allowed(name, value):
		return nil
	}
	h.header.Add(name, value)
	return nil
}

// setStatus reads "200 OK". Informational statuses are not a response, and
// anything above 599 confuses the proxies in front.
func (h *head) setStatus(value string) error {
	code, _, _ := strings.Cut(value, " ")
	n, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || n < 200 || n > 599 {
		return badf("Status %.40q is not a number from 200 to 599", value)
	}
	if h.status != 0 {
		return badf("Status is given twice")
	}
	h.status = n
	return nil
}

func (h *head) setLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 62)
	if err != nil {
		return badf("Content-Length %.40q is not a number of bytes", value)
	}
	if h.length >= 0 {
		return badf("Content-Length is given twice")
	}
	h.length = int64(n)
	return nil
}

// complete fills in what RFC 3875 section 6.2 implies. A redirect to a local
// path is left to the client, which resolves it as well as we could.
func (h *head) complete() error {
	location := h.header.Get("Location") != ""
	if h.status == 0 && !location && h.header.Get("Content-Type") == "" {
		return badf("the header has none of Content-Type, Location and Status")
	}
	switch {
	case h.status != 0:
	case location:
		h.status = http.StatusFound
	default:
		h.status = http.StatusOK
	}
	return nil
}

// bodyless tells whether the status forbids a body (RFC 9110 sections 6.4.1 and
// 15.3.6).
func (h *head) bodyless() bool {
	switch h.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return false
}

// framed tells whether the length of the body may stand in the header. 204 has
// none, and 205 is always empty.
func (h *head) framed() bool {
	return h.length >= 0 && h.status != http.StatusNoContent && h.status != http.StatusResetContent
}

// allowed tells whether a guest may set a header. The connection and the date are
// the server's; so are the headers that steer the platform, a proxy in front of
// it, or what a browser keeps for the other apps of the domain.
func allowed(name, value string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Date",
		"Alt-Svc", "Clear-Site-Data", "X-Sendfile", "X-Reproxy-Url", "X-Litespeed-Location":
		return false
	case "Server": // by which clients of Deta Space know an answer of the platform
		return len(value) < 4 || !strings.EqualFold(value[:4], "Deta")
	}
	for _, prefix := range []string{"Proxy-", "X-Space-", "X-Accel-", "X-Lighttpd-", http.TrailerPrefix} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

// BadResponseError says what a guest's output lacks of a CGI response.
type BadResponseError struct{ Reason string }

func (e *BadResponseError) Error() string { return "bad CGI response: " + e.Reason }

func badf(format string, args ...any) error {
	return &BadResponseError{Reason: fmt.Sprintf(format, args...)}
}
