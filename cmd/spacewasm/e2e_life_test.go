package main_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// T34: a server that is to end says so to probers while it still takes requests,
// ends its streams at once, and ends itself when it is told a second time.
func TestE2EDrainDelay(t *testing.T) {
	s := serve(t, "--drain-delay", "30s")
	s.pushed("app", "application/wasm", guest("hello"))
	stream := s.connect()
	fmt.Fprintf(stream, "GET /api/v1/apps/app/logs?follow=true HTTP/1.1\r\nHost: localhost:%s\r\nAuthorization: Bearer %s\r\n\r\n", s.port, s.token)
	s.get("", "/readyz").is(t, http.StatusOK, "")
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.until("the prober to be told", func() bool { return s.get("", "/readyz").status == http.StatusServiceUnavailable })
	if got := s.get("", "/readyz").body; got != "draining\n" {
		t.Errorf("/readyz says %q", got)
	}
	s.get("", "/healthz").is(t, http.StatusOK, "")
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
	readAnswer(t, stream).is(t, http.StatusOK, "") // to its end
	s.http.CloseIdleConnections()
	began := time.Now()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.wait()
	if took := time.Since(began); took > 2*time.Second || s.err == nil {
		t.Errorf("after a second SIGTERM the server ended after %v with %v", took, s.err)
	}
}

// T34: a second SIGTERM does not wait for the requests that run.
func TestE2ESecondSignal(t *testing.T) {
	s := serve(t).withProbe()
	go s.try(s.request(http.MethodGet, "probe", "/state?nonce=1&ms=15000", nil))
	s.until("the request to run", func() bool { return len(s.leftovers()) == 1 })
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.until("the server to refuse", func() bool {
		conn, err := s.dial()
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	began := time.Now()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.wait()
	if took := time.Since(began); took > 2*time.Second || s.err == nil {
		t.Errorf("the server ended after %v with %v", took, s.err)
	}
}

// T34: the listener is open while apps are restored, and while those are prepared
// whose code cache is gone; it says so.
func TestE2ERestoring(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serveData(t, data).withProbe()
	s.stop()
	must(t, os.RemoveAll(filepath.Join(data, "cache")))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, s.port, err = net.SplitHostPort(listener.Addr().String())
	must(t, err)
	must(t, listener.Close())

	again := &server{process: &process{exited: make(chan struct{})}, t: t, data: data, port: s.port, http: s.http}
	again.start([]string{"serve", "--listen", "127.0.0.1:" + s.port, "--data", data})
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		ready <- again.readyLine()
	}()
	t.Cleanup(again.end)
	again.until("the listener", func() bool {
		conn, err := again.dial()
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	for _, c := range []struct {
		app, target string
		status      int
		body        string
	}{
		{"", "/healthz", 200, "ok\n"}, {"probe", "/", 503, "preparing"},
	} {
		if a := again.get(c.app, c.target); a.status != c.status || !strings.Contains(a.body, c.body) {
			t.Errorf("%s %s: %d %s", c.app, c.target, a.status, a.body)
		} else if c.body == "preparing" && a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %v", c.app, c.target, a.header)
		}
	}
	if line := <-ready; !strings.Contains(line, "ready") {
		t.Errorf("the line is %q", line)
	}
	again.get("", "/readyz").is(t, http.StatusOK, "")
	again.prepared("probe")
	contains(t, again.ok("probe", "/"), "GET /")
}

// T18: others are let in only if that is wanted, and then by the names that the
// server was given.
func TestE2EListenBeyondLoopback(t *testing.T) {
	_, errs := console(t, 2, "", "serve", "--listen", "0.0.0.0:0", "--data", filepath.Join(t.TempDir(), "data"))
	contains(t, errs, "others can reach it", "--insecure-listen", "proxy")
	s := serve(t, "--listen", "0.0.0.0:0", "--insecure-listen", "--domain", "space.test")
	// The log and the line that says ready come in ways of their own.
	s.until("the warning", func() bool { return strings.Contains(s.stderr.String(), "without TLS") })
	for host, status := range map[string]int{
		"space.test": 200, "127.0.0.1": 421, "[::1]": 421, "localhost": 421, "0.0.0.0": 421, "app.space.test": 404, "evil.example": 421,
	} {
		req := s.request(http.MethodGet, "", "/", nil)
		req.Host = host + ":" + s.port
		if a := s.do(req); a.status != status {
			t.Errorf("%s: %d, want %d", host, a.status, status)
		}
	}
	req := s.request(http.MethodGet, "", "/readyz", nil)
	req.Host = "127.0.0.1"
	s.do(req).is(t, http.StatusOK, "")
}

// T37: beside the server its token is found; where something else listens, or
// another server does, it is not sent.
func TestE2EFoundToken(t *testing.T) {
	s := serve(t)
	folder := t.TempDir()
	must(t, os.Mkdir(filepath.Join(folder, "spacewasm-data"), 0o700))
	found := filepath.Join(folder, "spacewasm-data", "token")
	must(t, os.WriteFile(found, []byte(s.token+"\n"), 0o600))
	_, errs := consoleIn(t, folder, 0, "ls", "--server", s.url)
	contains(t, errs, "spacewasm push")
	must(t, os.WriteFile(found, []byte("sw_of_another_server\n"), 0o600))
	_, errs = consoleIn(t, folder, 1, "ls", "--server", s.url)
	contains(t, errs, "did not prove that it knows the token", "was not sent", "spacewasm-data/token", "spacewasm login "+s.url)
}
