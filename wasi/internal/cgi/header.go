package cgi

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
)

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
func parseHead(text string) (*answer.Head, error) {
	h := answer.NewHead()
	if n := strings.Count(text, "\n"); n > answer.MaxLines {
		return nil, answer.Badf("the header has %d lines, more than %d", n, answer.MaxLines)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !httpguts.ValidHeaderFieldName(name) {
			return nil, answer.Badf("header line %.80q is not `Name: value`", line)
		}
		add := h.Add
		if strings.EqualFold(name, "Status") {
			add = func(_, value string) error { return setStatus(h, value) }
		}
		if err := add(name, value); err != nil {
			return nil, err
		}
	}
	return h, complete(h)
}

// setStatus reads "200 OK".
func setStatus(h *answer.Head, value string) error {
	value = strings.Trim(value, " \t")
	code, _, _ := strings.Cut(value, " ")
	n, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 {
		return answer.Badf("Status %.40q is not a number from 200 to 599", value)
	}
	if h.Status != 0 {
		return answer.Badf("Status is given twice")
	}
	return h.SetStatus(n)
}

// complete fills in what RFC 3875 section 6.2 implies. A redirect to a local
// path is left to the client, which resolves it as well as we could.
func complete(h *answer.Head) error {
	location := h.Header.Get("Location") != ""
	if h.Status == 0 && !location && h.Header.Get("Content-Type") == "" {
		return answer.Badf("the header has none of Content-Type, Location and Status")
	}
	switch {
	case h.Status != 0:
	case location:
		h.Status = http.StatusFound
	default:
		h.Status = http.StatusOK
	}
	return nil
}
