package gateway

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

//go:embed pages/error.html
var errorPage string

// WriteError answers a request with an error: a page for browsers, problem
// details (RFC 9457) for programs. Nothing may have been written before.
func WriteError(w http.ResponseWriter, r *http.Request, e *space.Error) {
	problem := e.Problem(string(space.RequestIDOf(r.Context())))
	header := w.Header()
	header.Del("Content-Length")
	header.Set("X-Space-Error", string(e.Code))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	switch e.Code {
	case space.CodeQueueFull, space.CodeNodeFull, space.CodePreparing:
		header.Set("Retry-After", "1")
	default: // the header is complete
	}
	// For the body of a request to a full node there may have been no room.
	unread := e.Unread || e.Code == space.CodePayloadTooLarge || (e.Code == space.CodeNodeFull && r.ContentLength != 0)
	if unread {
		header.Set("Connection", "close")
	}
	body, media := render(r, problem)
	header.Set("Content-Type", media)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(problem.Status)
	// A client that has gone hears nothing.
	_, _ = w.Write(body)
	if unread {
		linger(w, r)
	}
}

const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
)

// linger takes in, for a moment, what the client still sends. If the connection
// were closed at once, the reset could overtake the answer (RFC 9112 section
// 9.6), and Go's server does so after a request with Expect: 100-continue.
func linger(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return // no connection of Go's server
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, lingerBytes))
}

func render(r *http.Request, problem space.Problem) (body []byte, media string) {
	var b bytes.Buffer
	if prefersHTML(r.Header.Get("Accept")) {
		page := template.Must(template.New("error").Funcs(template.FuncMap{"spans": spans}).Parse(errorPage))
		// What follows an empty line is the words of a program, such as a compiler's.
		shown := struct {
			space.Problem
			More string
		}{Problem: problem}
		shown.Detail, shown.More, _ = strings.Cut(problem.Detail, "\n\n")
		if err := page.Execute(&b, shown); err == nil {
			return b.Bytes(), "text/html; charset=utf-8"
		}
		b.Reset()
	}
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	// Strings and numbers always encode.
	_ = encoder.Encode(problem)
	return b.Bytes(), "application/problem+json"
}

// span is a part of a message. Commands and the like stand between backticks in it.
type span struct {
	Text string
	Code bool
}

// spans takes a message apart at its backticks, unless one of them has no partner.
func spans(message string) []span {
	parts := strings.Split(message, "`")
	if len(parts)%2 == 0 {
		return []span{{Text: message}}
	}
	all := make([]span, len(parts))
	for i, part := range parts {
		all[i] = span{part, i%2 == 1}
	}
	return all
}

// prefersHTML tells browsers from programs: a browser names text/html outright,
// a program leaves it out or takes anything.
func prefersHTML(accept string) bool {
	return strings.Contains(accept, "text/html")
}
