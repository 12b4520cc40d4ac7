package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Where an [Entry] comes from.
const (
	SourceGuest    = "guest"    // the Micro's standard error
	SourcePlatform = "platform" // what the platform says about a request, such as a trap with its wasm stack trace
	SourceRequest  = "request"  // a request that has been answered: the access log
)

// Entry is one line of an app's logs.
type Entry struct {
	Time    time.Time `json:"time"`
	Micro   string    `json:"micro"`
	Request string    `json:"request,omitempty"` // id of the request, which is the error id that visitors see
	Source  string    `json:"source"`            // [SourceGuest], [SourcePlatform] or [SourceRequest]
	Code    string    `json:"code,omitempty"`    // error code, such as crashed or deadline
	Message string    `json:"message"`           // may hold control characters
	HTTP    *Exchange `json:"http,omitempty"`    // of a [SourceRequest]
}

// Exchange is a request and its answer. There is neither the client's address in it, nor a header, nor the query, which
// is where links carry tokens and forms what people typed.
type Exchange struct {
	Method string  `json:"method"`
	Path   string  `json:"path"` // as the client sent it, decoded; at most [MaxPath] bytes
	Status int     `json:"status"`
	Bytes  int64   `json:"bytes"` // of the answer's body
	TookMS float64 `json:"took_ms"`
	Start  string  `json:"start,omitempty"`  // reset, clone or load; "" where no program ran
	Fuel   uint64  `json:"fuel,omitempty"`   // that the program used
	Memory uint64  `json:"memory,omitempty"` // the largest size of its memory, in bytes
	// Trigger is schedule or manual where the platform called a Scheduled Action, "" of a
	// visitor's request.
	Trigger string `json:"trigger,omitempty"`
}

// MaxPath bounds the path of an [Exchange], in bytes.
const MaxPath = 1 << 10

// words is the message of a request's entry, which is not stored.
func (x *Exchange) words() string {
	words := fmt.Sprintf("%s %s %d in %.1f ms, %d bytes", x.Method, x.Path, x.Status, x.TookMS, x.Bytes)
	if x.Start != "" {
		words += ", " + x.Start
	}
	if x.Trigger != "" {
		words += ", trigger " + x.Trigger
	}
	return words
}

// encode returns the entry as a line of JSON, with a message of at most about maxLine bytes.
func (e Entry) encode(maxLine int) ([]byte, error) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC()
	if e.HTTP != nil && len(e.HTTP.Path) > MaxPath {
		short := *e.HTTP
		short.Path = clean(short.Path, len(short.Path)-MaxPath, MaxPath)
		e.HTTP = &short
	}
	e.Message = clean(e.Message, max(0, len(e.Message)-maxLine), maxLine)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // would turn each of <, > and & into six bytes
	err := enc.Encode(e)     // ends the line
	return b.Bytes(), err
}

// decode is false for a line that is no entry: the rest of a crash, or of a full disk.
func decode(line []byte) (Entry, bool) {
	var e Entry
	err := json.Unmarshal(line, &e)
	if e.HTTP != nil && e.Message == "" {
		e.Message = e.HTTP.words()
	}
	return e, err == nil && !e.Time.IsZero()
}

// clean replaces invalid UTF-8, and keeps maxLine bytes with a mark for the lost ones when there are any.
func clean(message string, lost, maxLine int) string {
	if lost == 0 {
		return strings.ToValidUTF8(message, "\uFFFD")
	}
	message = message[:wholeRunes(message, maxLine)]
	return fmt.Sprintf("%s… (%d bytes cut)", strings.ToValidUTF8(message, "\uFFFD"), lost)
}

// wholeRunes is the largest length up to most that does not end within a rune.
func wholeRunes(s string, most int) int {
	n := min(len(s), most)
	for i := n - 1; i >= 0 && i >= n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:n]) {
				return i
			}
			break
		}
	}
	return n
}
