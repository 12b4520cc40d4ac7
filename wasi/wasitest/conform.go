package wasitest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The ways a request may end, as a [Sandbox] reports them.
const (
	EndedWell     = ""
	Refused       = "refused" // before anything ran
	Trapped       = "trap"
	Exited        = "exit"
	OutOfMemory   = "out of memory"
	Deadline      = "deadline"
	BadResponse   = "bad response"
	TooLarge      = "response too large"
	kitMemory     = 8 << 20
	kitTmp        = 1 << 20
	kitTmpInodes  = 100
	kitResponse   = 200 << 10
	quickDeadline = 200 * time.Millisecond
	// late is by how much a guest may miss its deadline, on a machine that has
	// nothing else to do.
	late = 100 * time.Millisecond
)

// Rules are the limits of one execution; sizes are in bytes.
type Rules struct {
	Timeout   time.Duration
	Memory    uint64
	Tmp       int64
	TmpInodes int
	Response  int64 // of its body
}

// DefaultRules are small, so that each can be reached quickly.
func DefaultRules() Rules {
	return Rules{Timeout: 20 * time.Second, Memory: kitMemory, Tmp: kitTmp, TmpInodes: kitTmpInodes, Response: kitResponse}
}

// Program is what a build is given to run.
type Program struct {
	Module []byte
	Args   []string
	Env    []string // KEY=value lines
	Bundle string   // the folder that is the guest's read-only /
	Rules  Rules
}

// Sandbox answers a request by a program in a fresh state, and says how it ended.
type Sandbox interface {
	Serve(w http.ResponseWriter, r *http.Request) (ended string)
}

// Build makes a sandbox of a program, or says why it refuses it. What it needs is
// freed when the test ends.
type Build func(t *testing.T, p Program) (Sandbox, error)

// Case is one rule that a Micro lives by, and a guest that goes up to it.
type Case struct {
	Guest string
	// Query is the request's query; it says what some guests do.
	Query string
	Body  string
	// Change makes a rule tighter.
	Change func(*Rules)
	// Ended is how each request ends.
	Ended string
	// Answer is the body of the response where the request ends well.
	Answer string
	// Within is how long the quickest of the requests may take; 0 means a minute.
	Within time.Duration
}

// Conform holds a build against all rules. Each case serves three requests, so
// that the third would show what the first has left.
func Conform(t *testing.T, build Build) {
	for _, c := range Cases() {
		t.Run(strings.Trim(c.Guest+" "+c.Query, " "), func(t *testing.T) { c.run(t, build) })
	}
}

func (c Case) run(t *testing.T, build Build) {
	p := Program{Module: Guest(c.Guest), Args: []string{c.Guest + ".wasm", "-v"}, Bundle: t.TempDir(), Rules: DefaultRules()}
	if c.Change != nil {
		c.Change(&p.Rules)
	}
	p.Env = []string{"KIT=1", fmt.Sprintf("TMP_BYTES=%d", p.Rules.Tmp)}
	if err := os.WriteFile(filepath.Join(p.Bundle, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	sandbox, err := build(t, p)
	if (err != nil) != (c.Ended == Refused) {
		t.Fatalf("refused with %v, want %q", err, c.Ended)
	}
	if err != nil {
		return
	}
	within, quickest := c.Within, time.Duration(0)
	if within == 0 {
		within = time.Minute
	}
	for i := range 3 {
		if took := c.request(t, sandbox); i == 0 || took < quickest {
			quickest = took
		}
	}
	if quickest > within {
		t.Errorf("took %v, may take %v", quickest, within)
	}
}

// request serves one request, and returns how long it took.
func (c Case) request(t *testing.T, sandbox Sandbox) time.Duration {
	t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?"+c.Query, strings.NewReader(c.Body))
	began := time.Now()
	ended := sandbox.Serve(rec, r)
	took := time.Since(began)
	if ended != c.Ended {
		t.Fatalf("ended with %q, want %q; answered %.200q", ended, c.Ended, rec.Body)
	}
	if c.Ended == EndedWell && c.Answer != rec.Body.String() {
		t.Errorf("answered:\n%s\nwant:\n%s\n%s", rec.Body, c.Answer, difference(rec.Body.String(), c.Answer))
	}
	return took
}

// difference is the first line in which two answers differ.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d: %q, want %q", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}
