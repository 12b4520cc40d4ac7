package main_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// raw is the target at which the probe's output is the given text.
func raw(output string) string { return "/raw/" + url.PathEscape(output) }

// Each way to fail has its status and code; the visitor learns no more than that,
// and the owner finds the rest under the error id.
func TestE2EFaults(t *testing.T) {
	s := serve(t, "--timeout", "1s", "--memory", "64MiB", "--payload", "128KiB").withProbe()
	for _, c := range []struct {
		name, target string
		status       int
		code         string
		detail       string // what the visitor reads
		cause        string // what the owner reads
		line         string // what the guest has written on standard error
	}{
		{"spin", "/spin", 504, "deadline", "within 1s", "within 1s", "secret of spin"},
		{"sleep", "/sleep?ms=30000", 504, "deadline", "within 1s", "within 1s", ""},
		{"panic", "/panic", 502, "exited", "status 2", "status 2", "secret of panic"},
		{"exit", "/exit?status=3", 502, "exited", "status 3", "status 3", "secret of exit"},
		{"memory", "/memory", 502, "out_of_memory", "limit is 64 MiB", "limit is 64 MiB", "secret of memory"},
		{"no header", raw("hello"), 502, "bad_response", "blank line", "blank line", ""},
		{"bad header", raw("a b\n\nhello"), 502, "bad_response", "Name: value", "Name: value", ""},
		{"bad status", raw("Status: 99\n\nhello"), 502, "bad_response", "200 to 599", "200 to 599", ""},
		{"nothing", raw(""), 502, "bad_response", "nothing", "nothing", ""},
		{"short body", raw("Content-Type: a/b\nContent-Length: 9\n\nhello"), 502, "bad_response", "5 bytes", "5 bytes", ""},
		{"large", "/bytes?n=131073&declared=1", 502, "response_too_large", "131072 bytes", "131072 bytes", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			began := time.Now()
			a := s.get("probe", c.target)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			p := a.problem(t, c.status, c.code)
			contains(t, p.Detail, c.detail)
			if strings.Contains(a.body, "secret") || strings.Contains(a.body, "goroutine") {
				t.Errorf("the visitor reads the log: %s", a.body)
			}
			e := s.logged("probe", p.ErrorID, func(e entry) bool { return e.Source == "platform" })
			if e.Code != c.code {
				t.Errorf("the log has the code %q", e.Code)
			}
			contains(t, e.Message, c.cause)
			if c.line != "" {
				s.logged("probe", p.ErrorID, func(e entry) bool { return e.Source == "guest" && strings.Contains(e.Message, c.line) })
			}
		})
	}
	contains(t, s.ok("probe", "/"), "GET /")
}

// A trap's stack is for the owner.
func TestE2ECrash(t *testing.T) {
	s := serve(t)
	s.pushed("trap", "application/wasm", guest("trap"))
	a := s.get("trap", "/")
	p := a.problem(t, http.StatusBadGateway, "crashed")
	if strings.Contains(a.body, "wasm stack") || strings.Contains(a.body, "_start") {
		t.Errorf("the visitor reads the stack: %s", a.body)
	}
	e := s.logged("trap", p.ErrorID, func(e entry) bool { return e.Code == "crashed" })
	contains(t, e.Message, "unreachable", "\n")
	s.pushed("overflow", "application/wasm", guest("overflow"))
	s.get("overflow", "/").problem(t, http.StatusBadGateway, "crashed")
}

// A browser gets a page, with the error id.
func TestE2EErrorPage(t *testing.T) {
	s := serve(t).withProbe()
	a := s.get("probe", "/exit?status=1", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	a.is(t, http.StatusBadGateway, "exited")
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
		t.Errorf("Content-Type %q", got)
	}
	id := a.header.Get("X-Space-Request-Id")
	contains(t, a.body, "<!doctype html>", "502", "status 1", id)
	if strings.Contains(a.body, "secret") {
		t.Errorf("the visitor reads the log: %s", a.body)
	}
	s.logged("probe", id, func(e entry) bool { return e.Code == "exited" })
	s.get("probe", "/exit?status=1", "Accept", "*/*").problem(t, http.StatusBadGateway, "exited")
}
