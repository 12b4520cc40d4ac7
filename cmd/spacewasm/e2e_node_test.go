package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Micro that is busy alone gets three quarters of the node's places; who finds
// none within 5 s gets 503, and other Micros answer at once meanwhile.
func TestE2ENodeFull(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := serve(t, "--concurrency", "1000").withProbe()
	s.pushed("hello", "application/wasm", guest("hello"))
	places := 8 * runtime.GOMAXPROCS(0) / 4 * 3
	var fine, full atomic.Int32
	var group sync.WaitGroup
	for range places + 4 {
		group.Go(func() {
			a, err := s.try(s.request(http.MethodGet, "probe", "/sleep?ms=8000", nil))
			switch {
			case err != nil:
				t.Error(err)
			case a.status == http.StatusOK:
				fine.Add(1)
			case a.status == http.StatusServiceUnavailable && a.header.Get("X-Space-Error") == "node_full" && a.header.Get("Retry-After") != "":
				full.Add(1)
			default:
				t.Errorf("answer %d %v", a.status, a.header)
			}
		})
	}
	for full.Load() == 0 && fine.Load() == 0 {
		began := time.Now()
		s.ok("hello", "/")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("another Micro has waited for %v", took)
		}
		time.Sleep(200 * time.Millisecond)
	}
	group.Wait()
	if int(fine.Load()) != places || full.Load() != 4 {
		t.Errorf("%d answers of 200, want %d; %d of 503", fine.Load(), places, full.Load())
	}
	contains(t, s.stderr.String(), fmt.Sprintf("the node runs %d with ", places), "level=WARN")
	contains(t, s.ok("probe", "/"), "GET /")
}

// T19: memory that others have is 503 to a guest that needs it, its own limit is
// 502, and what a request had is there again after it.
func TestE2ENodeMemory(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := serve(t, "--memory-budget", "64MiB", "--timeout", "15s").withProbe()
	contains(t, s.stderr.String(), "the limit of memory for one execution is lowered")
	for range 2 {
		var group sync.WaitGroup
		group.Go(func() { contains(t, s.ok("probe", "/hold?mib=20&ms=5000"), "held") })
		time.Sleep(1500 * time.Millisecond) // it has its memory
		a := s.get("probe", "/memory")
		a.problem(t, http.StatusServiceUnavailable, "node_full")
		if a.header.Get("Retry-After") == "" {
			t.Error("there is no Retry-After")
		}
		group.Wait()
	}
	s.get("probe", "/memory").problem(t, http.StatusBadGateway, "out_of_memory")
	contains(t, s.stderr.String(), "code=node_full", "of 58720256 bytes")
}

// T24: what all executions together have in /tmp is bounded, and given back.
func TestE2ENodeTmp(t *testing.T) {
	s := serve(t, "--tmp-budget", "1MiB").withProbe()
	for range 2 {
		contains(t, s.ok("probe", "/fill"), "written 1048576\n", "size 1048576\n", "failed true\n")
	}
}

// T26: clients that send a byte a second hold no execution: the next one is
// answered at once, and they are turned away.
func TestE2ESlowClients(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := serve(t, "--concurrency", "1").withProbe()
	host := "Host: probe.localhost:" + s.port + "\r\n"
	var group sync.WaitGroup
	for i := range 64 {
		conn := s.connect()
		head, answer := "POST /sum HTTP/1.1\r\n"+host+"Content-Length: 1000\r\n\r\n", "HTTP/1.1 400 "
		if i%2 == 1 {
			head, answer = "POST /sum HTTP/1.1\r\n"+host+"X-Never-Ends: ", ""
		}
		group.Go(func() { s.drip(conn, head, answer) })
	}
	for range 5 {
		began := time.Now()
		contains(t, s.ok("probe", "/"), "GET /")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(500 * time.Millisecond)
	}
	group.Wait()
}

// drip sends a head, and then a byte a second until the server ends that, with
// an answer that begins as it should.
func (s *server) drip(conn net.Conn, head, answer string) {
	began := time.Now()
	_ = conn.SetDeadline(began.Add(time.Minute))
	fmt.Fprint(conn, head)
	done := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(conn)
		done <- string(text)
	}()
	for range 20 {
		select {
		case text := <-done:
			if !strings.HasPrefix(text, answer) {
				s.t.Errorf("a slow client got %.100q, want %q", text, answer)
			}
			return
		case <-time.After(time.Second):
			fmt.Fprint(conn, "x")
		}
	}
	s.t.Errorf("a client that sends a byte a second is served for %v", time.Since(began))
}

// T26: there are no more connections than places; one that is idle gives way.
func TestE2EConnections(t *testing.T) {
	s := serve(t, "--connections", "4")
	s.pushed("hello", "application/wasm", guest("hello"))
	s.http.CloseIdleConnections()
	var idle []net.Conn
	for range 12 {
		conn := s.connect()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: hello.localhost:%s\r\n\r\n", s.port)
		block := make([]byte, 4096)
		n, err := conn.Read(block)
		must(t, err)
		contains(t, string(block[:n]), "HTTP/1.1 200")
		idle = append(idle, conn)
	}
	if _, err := io.ReadAll(idle[0]); err != nil {
		t.Errorf("the connection that was idle longest: %v", err)
	}
	contains(t, s.ok("hello", "/"), "hello")
}

// A follower of a log may hear nothing for longer than a slow client may take.
func TestE2EQuietFollower(t *testing.T) {
	t.Parallel() // it waits for most of its time
	s := serve(t).withProbe()
	res, err := s.http.Do(s.request(http.MethodGet, "", "/api/v1/apps/probe/logs?follow=true", nil, "Authorization", "Bearer "+s.token))
	must(t, err)
	defer res.Body.Close()
	time.Sleep(11 * time.Second)
	s.ok("probe", "/log?line=at+last")
	block := make([]byte, 4096)
	n, err := res.Body.Read(block)
	must(t, err)
	contains(t, string(block[:n]), "at last")
}
