package answer

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Head is the status and the header of a response, as far as a guest may set them.
type Head struct {
	// Status is 0 until it is set.
	Status int
	Header http.Header
	// Length is the declared Content-Length, -1 without one.
	Length int64
}

// NewHead returns an empty head.
func NewHead() *Head { return &Head{Header: http.Header{}, Length: -1} }

// Add adds a field. One that is not a guest's to set is dropped; an error is a
// [*BadError].
func (h *Head) Add(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return Badf("%.80q is no name of a header field", name)
	}
	value = strings.Trim(value, " \t")
	if !httpguts.ValidHeaderFieldValue(value) {
		return Badf("the value of header %s has control characters", name)
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case name == "Content-Length":
		return h.setLength(value)
	case allowed(name, value):
		h.Header.Add(name, value)
	}
	return nil
}

// SetStatus sets the status. Informational ones are not a response, and anything
// above 599 confuses the proxies in front.
func (h *Head) SetStatus(status int) error {
	if status < 200 || status > 599 {
		return Badf("the status %d is not a number from 200 to 599", status)
	}
	h.Status = status
	return nil
}

func (h *Head) setLength(value string) error {
	n, err := strconv.ParseUint(value, 10, 62)
	if err != nil {
		return Badf("Content-Length %.40q is not a number of bytes", value)
	}
	if h.Length >= 0 {
		return Badf("Content-Length is given twice")
	}
	h.Length = int64(n)
	return nil
}

// bodyless tells whether the status forbids a body (RFC 9110 sections 6.4.1 and
// 15.3.6).
func (h *Head) bodyless() bool {
	switch h.Status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return false
}

// framed tells whether the length of the body may stand in the header. 204 has
// none, and 205 is always empty.
func (h *Head) framed() bool {
	return h.Length >= 0 && h.Status != http.StatusNoContent && h.Status != http.StatusResetContent
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

// BadError says what a guest's answer lacks of a response.
type BadError struct{ Reason string }

func (e *BadError) Error() string { return "bad response: " + e.Reason }

// Badf returns a [*BadError].
func Badf(format string, args ...any) error { return &BadError{Reason: fmt.Sprintf(format, args...)} }
