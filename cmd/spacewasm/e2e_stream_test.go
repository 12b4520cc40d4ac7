package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// A response that is flushed, or large, begins before its Micro ends.
func TestE2EStream(t *testing.T) {
	s := serve(t).withProbe()
	for name, target := range map[string]string{"flushed": "/stream?ms=1500&flush=1", "large": "/stream?ms=1500"} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			began := time.Now()
			res, err := s.http.Do(s.request(http.MethodGet, "probe", target, nil))
			must(t, err)
			defer res.Body.Close()
			body := bufio.NewReader(res.Body)
			line, err := body.ReadString('\n')
			must(t, err)
			if took := time.Since(began); took > time.Second || line != "first\n" {
				t.Errorf("%q came after %v", line, took)
			}
			rest, err := io.ReadAll(body)
			must(t, err)
			if took := time.Since(began); took < 1500*time.Millisecond || lastLine(string(rest)) == "" {
				t.Errorf("the end came after %v", took)
			}
			contains(t, string(rest[max(0, len(rest)-5):]), "last\n")
		})
	}
}

// What is small and not flushed is held, so that a late failure is an error of
// its own; what has begun is cut.
func TestE2ELateFailure(t *testing.T) {
	s := serve(t, "--timeout", "1s").withProbe()
	s.get("probe", "/sleep?ms=5000").problem(t, http.StatusGatewayTimeout, "deadline")
	for _, target := range []string{"/stream?ms=5000&flush=1", "/stream?ms=5000"} {
		a, err := s.try(s.request(http.MethodGet, "probe", target, nil))
		if err == nil {
			t.Fatalf("%s: the client takes %d %d bytes for a whole response", target, a.status, len(a.body))
		}
		e := s.logged("probe", a.header.Get("X-Space-Request-Id"), func(e entry) bool { return e.Source == "platform" })
		if e.Code != "deadline" {
			t.Errorf("%s: the log has %+v", target, e)
		}
	}
	s.pushed("late", "application/wasm", guest("trap-late"))
	if a, err := s.try(s.request(http.MethodGet, "late", "/", nil)); err == nil {
		t.Errorf("the client takes %d %d bytes for a whole response", a.status, len(a.body))
	}
}

// A client that leaves takes its execution along.
func TestE2EClientGone(t *testing.T) {
	s := serve(t).withProbe()
	for _, target := range []string{"/sleep?ms=15000", "/spin", "/stream?ms=15000&flush=1", "/state?nonce=1&ms=15000"} {
		before := len(s.logs("probe"))
		conn := s.connect()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: probe.localhost:%s\r\n\r\n", target, s.port)
		time.Sleep(200 * time.Millisecond) // it runs
		conn.Close()
		s.until("the log to tell of "+target, func() bool {
			log := s.logs("probe")
			return len(log) > before && log[len(log)-1].Code == "client_gone"
		})
	}
	if left := s.leftovers(); len(left) > 0 {
		t.Errorf("the requests have left %v", left)
	}
}
