package reports

import (
	"cmp"
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Report says why a request failed. What the visitor or the guest had a hand in is without secrets, and cut to bounds.
type Report struct {
	Summary
	// Start is how the program came to run, "" if none did.
	Start space.Start `json:"start,omitempty"`
	// TookMS is the time from the request's arrival to the end of its answer.
	TookMS float64 `json:"took_ms"`
	// Committed says that a part of the answer had been sent, so that the connection was cut.
	Committed bool `json:"committed,omitempty"`
	// Time, Memory and Fuel are what the program used, and what it might.
	Time   Measure `json:"time_ms"`
	Memory Measure `json:"memory_bytes"`
	Fuel   Measure `json:"fuel"`
	// Stack is the wasm stack, the innermost function first.
	Stack []string `json:"stack"`
	// Log is what the program wrote last.
	Log     []string `json:"log"`
	Request Request  `json:"request"`
}

// Summary is a line of the list of reports.
type Summary struct {
	// ID is that of the request, which its visitor saw as the error id.
	ID       string     `json:"id"`
	At       time.Time  `json:"at"`
	Micro    string     `json:"micro"`
	Revision int        `json:"revision"`
	Code     space.Code `json:"code"`
	Status   int        `json:"status"`
	// Title is the code in words, and Message what the visitor read.
	Title   string `json:"title"`
	Message string `json:"message"`
	// Similar is how many requests failed in the same way within a second, of which no report was kept, and Latest when
	// the last of them did.
	Similar int       `json:"similar"`
	Latest  time.Time `json:"latest,omitzero"`
}

// Measure is what was used of something, and what might be; a Limit of 0 is no bound.
type Measure struct {
	Used  uint64 `json:"used"`
	Limit uint64 `json:"limit,omitempty"`
}

// Request is what the Micro was asked.
type Request struct {
	Method string `json:"method"`
	// Target is the path, and the query without its values.
	Target  string   `json:"target"`
	Proto   string   `json:"proto"`
	Headers []Header `json:"headers"`
}

// Header is one line of a request's header.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Count is how often something happened of which no report is kept.
type Count struct {
	Code   space.Code `json:"code"`
	Count  int        `json:"count"`
	Latest time.Time  `json:"latest"`
}

// Failure is a request that failed, as it comes from who served it.
type Failure struct {
	App      space.AppName
	Micro    string
	Revision int
	ID       space.RequestID
	Began    time.Time
	Took     time.Duration
	// Request is as the Micro saw it, without the platform's credentials. It is read later, and must not change.
	Request *http.Request
	Usage   space.Usage
	// Status is what was answered; 0 is that of the error's code.
	Status int
	Err    *space.Error
	// Secrets are the values that no report may have in it.
	Secrets []string
}

// The bounds of a report's parts, in number and in bytes.
const (
	maxMessage   = 2 << 10
	maxTarget    = 2 << 10
	maxHeaders   = 64
	maxHeader    = 512
	maxStack     = 100
	maxLog       = 200
	maxLine      = 2 << 10
	maxLogBytes  = 32 << 10
	maxStackByte = 16 << 10
)

// Report is what is kept of a failure.
func (f *Failure) Report() Report {
	m := newMask(f.Secrets)
	r := Report{
		Summary: Summary{
			ID: string(f.ID), At: f.Began.UTC(), Micro: f.Micro, Revision: f.Revision, Code: f.Err.Code, Status: cmp.Or(f.Status, f.Err.Code.Status()),
			Title: f.Err.Code.Words(), Message: m.cut(f.Err.Message, maxMessage),
		},
		Start: f.Usage.Start, TookMS: float64(f.Took.Microseconds()) / 1e3, Committed: f.Err.Committed,
		Time:   Measure{Used: uint64(max(0, f.Usage.Run.Milliseconds()))},
		Memory: Measure{Used: f.Usage.Memory}, Fuel: Measure{Used: f.Usage.Fuel},
		Stack: m.lines(splitLines(f.Err.Detail), maxStack, maxStackByte, false),
		Log:   m.lines(f.Err.Words, maxLog, maxLogBytes, true),
	}
	if limits := f.Usage.Limits; limits != nil {
		r.Time.Limit, r.Memory.Limit, r.Fuel.Limit = uint64(limits.Timeout.Milliseconds()), uint64(limits.Memory), limits.Fuel
	}
	if f.Request != nil {
		r.Request = m.request(f.Request)
	}
	return r
}
