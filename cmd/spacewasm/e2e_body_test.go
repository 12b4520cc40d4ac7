package main_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// payload is the limit of a body, 5.5 MiB: what is larger by one byte is refused.
const payload = 5_767_168

// onlyReader hides a body's length, so that it goes in chunks.
type onlyReader struct{ io.Reader }

func TestE2ERequestBody(t *testing.T) {
	s := serve(t).withProbe()
	body := make([]byte, payload+1)
	_, err := rand.Read(body)
	must(t, err)
	full := body[:payload]
	want := fmt.Sprintf("%d %x <nil>\n", payload, sha256.Sum256(full))
	for name, r := range map[string]io.Reader{"declared": bytes.NewReader(full), "chunked": onlyReader{bytes.NewReader(full)}} {
		a := s.do(s.request(http.MethodPost, "probe", "/sum", r))
		a.is(t, http.StatusOK, "")
		if a.body != want {
			t.Errorf("%s: %q, want %q", name, a.body, want)
		}
		s.logged("probe", a.header.Get("X-Space-Request-Id"), func(e entry) bool { return e.Source == "guest" })
	}
	before := len(s.logs("probe"))
	for name, r := range map[string]io.Reader{"declared": bytes.NewReader(body), "chunked": onlyReader{bytes.NewReader(body)}} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			a := s.do(s.request(http.MethodPost, "probe", "/sum", r))
			contains(t, a.problem(t, http.StatusRequestEntityTooLarge, "payload_too_large").Detail, "5767168 bytes")
		})
	}
	if after := len(s.logs("probe")); after != before {
		t.Errorf("the Micro was started: %v", s.logs("probe")[before:])
	}
}

// A body that is declared too large is refused before any of it is sent.
func TestE2ERequestBodyDeclared(t *testing.T) {
	s := serve(t).withProbe()
	for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
		conn, err := s.dial()
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(3*time.Second)))
		_, err = fmt.Fprintf(conn, "POST /sum HTTP/1.1\r\nHost: probe.localhost:%s\r\nContent-Length: %d\r\n%s\r\n", s.port, payload+1, expect)
		must(t, err)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		if res.StatusCode != http.StatusRequestEntityTooLarge || res.Header.Get("X-Space-Error") != "payload_too_large" {
			t.Errorf("%q: answer %s %v", expect, res.Status, res.Header)
		}
		res.Body.Close()
	}
	if log := s.logs("probe"); len(log) > 0 {
		t.Errorf("the Micro was started: %v", log)
	}
}

// A body that is sent in chunks is refused as soon as it is too large, though
// the client would go on.
func TestE2ERequestBodyEndless(t *testing.T) {
	s := serve(t).withProbe()
	conn, err := s.dial()
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "POST /sum HTTP/1.1\r\nHost: probe.localhost:%s\r\nTransfer-Encoding: chunked\r\n\r\n", s.port)
	must(t, err)
	sendChunks(t, conn, payload+1)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answer %s", res.Status)
	}
}

// sendChunks sends n bytes in chunks, but not the end.
func sendChunks(t *testing.T, conn net.Conn, n int) {
	t.Helper()
	block := make([]byte, 64<<10)
	for n > 0 {
		part := block[:min(n, len(block))]
		_, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(part), part)
		must(t, err)
		n -= len(part)
	}
}

func TestE2EResponseBody(t *testing.T) {
	s := serve(t).withProbe()
	for _, target := range []string{"/bytes?n=%d&declared=1", "/bytes?n=%d"} {
		if got := s.ok("probe", fmt.Sprintf(target, payload)); len(got) != payload {
			t.Errorf(target+": %d bytes", payload, len(got))
		}
	}
	a := s.get("probe", fmt.Sprintf("/bytes?n=%d&declared=1", payload+1))
	contains(t, a.problem(t, http.StatusBadGateway, "response_too_large").Detail, "5767168 bytes")

	// What has begun to stream can only be cut.
	a, err := s.try(s.request(http.MethodGet, "probe", fmt.Sprintf("/bytes?n=%d", payload+1), nil))
	if err == nil {
		t.Fatalf("the client takes %d bytes, status %d, for a whole response", len(a.body), a.status)
	}
	e := s.logged("probe", a.header.Get("X-Space-Request-Id"), func(e entry) bool { return e.Source == "platform" })
	if e.Code != "response_too_large" {
		t.Errorf("the log has %+v", e)
	}
}

// A body passes in both directions as it is.
func TestE2EEcho(t *testing.T) {
	s := serve(t).withProbe()
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1 << 20, payload} {
		body := make([]byte, size)
		_, err := rand.Read(body)
		must(t, err)
		a := s.do(s.request(http.MethodPost, "probe", "/echo", bytes.NewReader(body)))
		a.is(t, http.StatusOK, "")
		if a.body != string(body) {
			t.Errorf("of %d bytes came %d back, or others", size, len(a.body))
		}
	}
}
