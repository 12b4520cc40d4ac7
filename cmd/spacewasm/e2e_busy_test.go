package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// While an app is replaced again and again, each request finds one revision whole.
func TestE2EPushUnderLoad(t *testing.T) {
	s := serve(t)
	modules := [][]byte{guest("hello"), guest("state")}
	s.pushed("app", "application/wasm", modules[0])
	var over atomic.Bool
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !over.Load() {
				a, err := s.try(s.request(http.MethodGet, "app", "/", nil))
				if err != nil || a.status != http.StatusOK || (a.body != "hello\n" && a.body != "1\n") {
					t.Errorf("answer %d %q, %v", a.status, a.body, err)
					return
				}
			}
		})
	}
	for i := range 20 {
		d := s.pushed("app", "application/wasm", modules[i%2])
		if d.Revision != i+2 {
			t.Errorf("revision %d, want %d", d.Revision, i+2)
		}
	}
	over.Store(true)
	group.Wait()
}

// Two pushes of one app at a time are two revisions, of which the later one runs.
func TestE2EPushTogether(t *testing.T) {
	s := serve(t)
	var group sync.WaitGroup
	var seen sync.Map
	for i := range 8 {
		group.Go(func() {
			d := s.pushed("app", "application/wasm", [][]byte{guest("hello"), guest("state")}[i%2])
			if _, twice := seen.LoadOrStore(d.Revision, i); twice {
				t.Errorf("revision %d is given twice", d.Revision)
			}
		})
	}
	group.Wait()
	last, ok := seen.Load(8)
	if !ok {
		t.Fatal("there is no revision 8")
	}
	if got, want := s.ok("app", "/"), []string{"hello\n", "1\n"}[last.(int)%2]; got != want {
		t.Errorf("the app answers %q, revision 8 %q", got, want)
	}
}

// A Micro whose places and queue are full says so at once.
func TestE2EQueueFull(t *testing.T) {
	s := serve(t, "--concurrency", "1").withProbe()
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	var full, fine atomic.Int32
	var group sync.WaitGroup
	for range 80 {
		group.Go(func() {
			a, err := s.try(s.request(http.MethodGet, "probe", "/sleep?ms=1000", nil).WithContext(ctx))
			switch {
			case err != nil: // the time is over, in the queue
			case a.status == http.StatusOK:
				fine.Add(1)
			case a.status == http.StatusTooManyRequests && a.header.Get("X-Space-Error") == "queue_full" && a.header.Get("Retry-After") != "":
				full.Add(1)
			default:
				t.Errorf("answer %d %v", a.status, a.header)
			}
		})
	}
	group.Wait()
	// One runs and 64 wait; on a slow machine more of them have run meanwhile.
	if full.Load() < 10 || full.Load() > 15 || fine.Load() < 1 {
		t.Errorf("%d answers of 429, want 15; %d of 200", full.Load(), fine.Load())
	}
	contains(t, s.ok("probe", "/"), "GET /")
}

// A client that does not read holds an execution no longer than a moment beyond
// the deadline.
func TestE2ESlowReader(t *testing.T) {
	s := serve(t, "--timeout", "1s").withProbe()
	conn := s.connect()
	must(t, conn.(*net.TCPConn).SetReadBuffer(4096))
	fmt.Fprintf(conn, "GET /bytes?n=%d HTTP/1.1\r\nHost: probe.localhost:%s\r\n\r\n", payload, s.port)
	began := time.Now()
	e := s.eventually(10*time.Second, "probe", func(e entry) bool { return e.Source == "platform" })
	if e.Code != "deadline" && e.Code != "client_gone" {
		t.Errorf("the log has %+v", e)
	}
	t.Logf("%s after %v", e.Code, time.Since(began))
}

// eventually waits for an entry of the log.
func (s *server) eventually(patience time.Duration, app string, fits func(entry) bool) entry {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, e := range s.logs(app) {
			if fits(e) {
				return e
			}
		}
	}
	s.t.Fatalf("the log has no such entry: %v", s.logs(app))
	return entry{}
}

// Names that no app can have are refused, and lead nowhere.
func TestE2EAppNames(t *testing.T) {
	s := serve(t)
	before := s.tree()
	for _, name := range []string{
		"UPPER", "a_b", "-a", "a-", "api", "www", "console", "a.b", "..", "%2e%2e%2fx", "x%2fy", "a%00", "%C3%A4",
		"a123456789012345678901234567890123456789012345",
	} {
		a := s.put(name, "application/wasm", bytes.NewReader(guest("hello")))
		if a.status != http.StatusBadRequest && a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	s.unchanged(before)
}
