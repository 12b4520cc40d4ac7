package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// answer is a response that has been read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

// problem is the body of a platform error (RFC 9457).
type problem struct {
	Status  int
	Title   string
	Detail  string
	Code    string
	ErrorID string `json:"error_id"`
	Faults  []struct {
		File, Key, Message string
		Line               int
	}
}

// entry is one line of the log.
type entry struct {
	Time                                  time.Time
	Micro, Request, Source, Code, Message string
}

// deployed is the answer of a push.
type deployed struct {
	App      string
	Revision int
	URL      string
	Micros   []struct {
		Name, Path, Contract string
		Primary, Public      bool
		WasmBytes            int64   `json:"wasm_bytes"`
		CompileMS            float64 `json:"compile_ms"`
		Snapshot             *struct {
			Taken  bool
			Bytes  int64
			Reason string
		}
	}
}

// request makes a request to an app, or to the platform where app is "". The
// target goes as it is.
func (s *server) request(method, app, target string, body io.Reader, headers ...string) *http.Request {
	s.t.Helper()
	host := "localhost:" + s.port
	if app != "" {
		host = app + "." + host
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+host+target, body)
	must(s.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return req
}

// do sends a request and reads the answer.
func (s *server) do(req *http.Request) answer {
	s.t.Helper()
	a, err := s.try(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return a
}

// try is do for answers that may break off.
func (s *server) try(req *http.Request) (answer, error) {
	res, err := s.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{status: res.StatusCode, header: res.Header, body: string(body)}, err
}

// get asks an app.
func (s *server) get(app, target string, headers ...string) answer {
	s.t.Helper()
	return s.do(s.request(http.MethodGet, app, target, nil, headers...))
}

// ok asks an app, which has to answer with 200, and returns the body.
func (s *server) ok(app, target string, headers ...string) string {
	s.t.Helper()
	a := s.get(app, target, headers...)
	a.is(s.t, http.StatusOK, "")
	return a.body
}

// is checks the status, and the code of the platform error, "" for none.
func (a answer) is(t *testing.T, status int, code string) {
	t.Helper()
	if got := a.header.Get("X-Space-Error"); a.status != status || got != code {
		t.Fatalf("answer %d %q, want %d %q\n%.2000s", a.status, got, status, code, a.body)
	}
}

// problem checks a platform error and reads its body.
func (a answer) problem(t *testing.T, status int, code string) problem {
	t.Helper()
	a.is(t, status, code)
	var p problem
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q, want application/problem+json", got)
	}
	must(t, json.Unmarshal([]byte(a.body), &p))
	if p.Status != status || p.Code != code || p.ErrorID == "" || p.ErrorID != a.header.Get("X-Space-Request-Id") {
		t.Errorf("the problem %+v does not fit its response %d %q %v", p, status, code, a.header)
	}
	return p
}

// put pushes a body through the admin API.
func (s *server) put(app, media string, body io.Reader) answer {
	s.t.Helper()
	return s.do(s.request(http.MethodPut, "", "/api/v1/apps/"+app, body,
		"Authorization", "Bearer "+s.token, "Content-Type", media))
}

// pushed pushes a body, which has to be taken.
func (s *server) pushed(app, media string, body []byte) deployed {
	s.t.Helper()
	a := s.put(app, media, bytes.NewReader(body))
	a.is(s.t, http.StatusCreated, "")
	var d deployed
	must(s.t, json.Unmarshal([]byte(a.body), &d))
	return d
}

// withProbe pushes the probe as the app "probe".
func (s *server) withProbe() *server {
	s.t.Helper()
	s.pushed("probe", "application/wasm", read(s.t, probe(s.t)))
	return s
}

// logs returns an app's log.
func (s *server) logs(app string) []entry {
	s.t.Helper()
	out, _ := s.console(0, "logs", app, "--json")
	var entries []entry
	for line := range strings.Lines(out) {
		var e entry
		must(s.t, json.Unmarshal([]byte(line), &e))
		entries = append(entries, e)
	}
	return entries
}

// logged waits until the log has an entry of a request that fits, because a
// response may be whole a moment before its log is.
func (s *server) logged(app, request string, fits func(entry) bool) entry {
	s.t.Helper()
	var entries []entry
	for range 40 {
		entries = s.logs(app)
		for _, e := range entries {
			if (request == "" || e.Request == request) && fits(e) {
				return e
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("the log of %s has no such entry for request %q:\n%v", app, request, entries)
	return entry{}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// lines makes a text of lines.
func lines(format string, args ...any) string { return fmt.Sprintf(format, args...) + "\n" }

// guest returns a small module; see package wasitest.
func guest(name string) []byte { return wasitest.Guest(name) }
