package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A handler in Go begins each request behind its start, and with nothing of another
// request, whatever comes at the same time.
func TestE2EHandler(t *testing.T) {
	s := serve(t)
	app := s.pushed("go", "application/wasm", read(t, reactor(t)))
	if m := app.Micros[0]; m.Contract != "handler" || !m.Snapshot.Taken || m.Snapshot.Bytes < 1<<20 {
		t.Errorf("got %+v", m)
	}
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for n := range 25 {
				name := fmt.Sprintf("c%d-%d", client, n)
				want := fmt.Sprintf(`{"message":"hello %s","query":{"a":"%d"},"seen":1}`+"\n", name, n)
				a := s.get("go", fmt.Sprintf("/hello/%s?a=%d", name, n))
				if a.status != http.StatusOK || a.body != want || a.header.Get("Content-Type") != "application/json" {
					t.Errorf("%d %q, want %q", a.status, a.body, want)
				}
			}
		})
	}
	clients.Wait()
	if a := s.get("go", "/none"); a.status != http.StatusNotFound || !strings.Contains(a.body, "404 page not found") {
		t.Errorf("another path answers %d %q", a.status, a.body)
	}
}

// A handler that imports nothing answers nothing, and the contract's other ways end
// as they should.
func TestE2EPlainHandler(t *testing.T) {
	s := serve(t)
	s.pushed("plain", "application/wasm", guest("reactor"))
	if got := s.ok("plain", "/"); got != "" {
		t.Errorf("it answers %q", got)
	}
	s.pushed("plain", "application/wasm", guest("handler"))
	if got := s.ok("plain", "/"); got != "" {
		t.Errorf("it answers %q", got)
	}
}
