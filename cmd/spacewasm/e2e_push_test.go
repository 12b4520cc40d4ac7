package main_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// peakOf is the most memory that a process had resident so far, in bytes; 0 if it is gone.
func peakOf(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if match == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(string(match[1]), 10, 64)
	return kb << 10
}

// meter passes connections on to the server, and counts what clients send.
type meter struct {
	url  string
	sent atomic.Int64
}

func (s *server) meter() *meter {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	m := &meter{url: "http://localhost:" + port}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			passing.Go(func() { m.pass(conn, s) })
		}
	})
	s.t.Cleanup(func() { listener.Close(); passing.Wait() })
	return m
}

func (m *meter) pass(client net.Conn, s *server) {
	defer client.Close()
	server, err := s.dial()
	if err != nil {
		return
	}
	defer server.Close()
	var up sync.WaitGroup
	up.Go(func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := client.Read(buffer)
			m.sent.Add(int64(n))
			if _, failed := server.Write(buffer[:n]); err != nil || failed != nil {
				server.(*net.TCPConn).CloseWrite()
				return
			}
		}
	})
	io.Copy(client, server)
	client.Close()
	up.Wait()
}

// writeNoise writes a file that cannot be compressed.
func writeNoise(t *testing.T, path string, size int64) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{7}), size)
	must(t, err)
	must(t, f.Close())
}

// push runs a push through the meter, and returns what it said, the bytes that it sent, and the most memory that it had.
func (m *meter) push(s *server, dir string) (said string, sent, most int64) {
	s.t.Helper()
	before := m.sent.Load()
	cmd := exec.Command(program(s.t), "push", dir, "--app", "large", "--server", m.url, "--token", s.token)
	cmd.Env = []string{"HOME=" + s.t.TempDir()}
	var text buffer
	cmd.Stderr = &text
	must(s.t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				s.t.Fatalf("the push ended with %v\n%s", err, &text)
			}
			return text.String(), m.sent.Load() - before, most
		case <-time.After(5 * time.Millisecond):
			most = max(most, peakOf(cmd.Process.Pid))
		}
	}
}

// A large app goes through both sides without being in the memory of either, and what has not changed does not go again.
func TestE2ELargePush(t *testing.T) {
	size := int64(200 << 20)
	if testing.Short() {
		size = 64 << 20
	}
	s := serve(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "main.wasm"), guest("hello"), 0o644))
	writeNoise(t, filepath.Join(dir, "asset"), size)
	must(t, os.WriteFile(filepath.Join(dir, "small"), []byte("one"), 0o644))
	s.pushed("other", "application/wasm", guest("hello")) // what the first push takes in any case
	m := s.meter()

	before := s.peak()
	_, sent, client := m.push(s, dir)
	grown := s.peak() - before
	t.Logf("%d MiB sent of %d; the server grew by %d KiB from %d, the client had %d", sent>>20, size>>20, grown>>10, before>>10, client>>10)
	if sent < size || grown > 8<<20 || client > 32<<20 {
		t.Error("that is too little sent, or too much memory")
	}

	must(t, os.WriteFile(filepath.Join(dir, "small"), []byte("two"), 0o644))
	said, sent, client := m.push(s, dir)
	grown = s.peak() - before
	t.Logf("%d bytes sent then; the server grew by %d KiB, the client had %d", sent, grown>>10, client>>10)
	if sent > 64<<10 || grown > 8<<20 || client > 32<<20 {
		t.Error("that is too much sent, or too much memory")
	}
	contains(t, said, "looking for changes…", " unchanged)", "revision 2 is live")
	if got := s.ok("large", "/"); got != "hello\n" {
		t.Errorf("answers %q", got)
	}
}

// readEvents pushes a module, and reads the steps up to one.
func (s *server) readEvents(conn net.Conn, module []byte, until string) {
	s.t.Helper()
	fmt.Fprintf(conn, "PUT /api/v1/apps/slow HTTP/1.1\r\nHost: localhost:%s\r\nAuthorization: Bearer %s\r\nAccept: application/x-ndjson\r\n"+
		"Content-Type: application/wasm\r\nContent-Length: %d\r\n\r\n%s", s.port, s.token, len(module), module)
	must(s.t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		must(s.t, err)
		if strings.Contains(line, until) {
			return
		}
	}
}

// The steps come while they are taken, and a client that goes away while a module is compiled takes the push with it.
func TestE2EClientGoesWhileCompiling(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data") // with a cache of its own, so that it does compile
	must(t, os.Mkdir(data, 0o700))
	s := serveData(t, data)
	conn, err := s.dial()
	must(t, err)
	s.readEvents(conn, read(t, helloGo(t)), `{"event":"compile","micro":"slow","state":"begin"}`)
	if len(glob(t, s.data, "blobs/.stage-*")) != 1 {
		t.Fatal("the push is over already")
	}
	must(t, conn.Close())
	s.until("the push to be gone", func() bool {
		return len(glob(t, s.data, "blobs/*")) == 0 && len(glob(t, s.data, "blobs/.stage-*")) == 0 && len(glob(t, s.data, "listings/*")) == 0
	})
	if a := s.get("slow", "/"); a.status != http.StatusNotFound {
		t.Errorf("the app of a push that was left answers %d", a.status)
	}
}
