package api_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/door"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// upload begins a push of a module over a real connection, and returns that and what the server answers.
func (b *bench) upload(t *testing.T, length int) (net.Conn, <-chan string) {
	t.Helper()
	server := httptest.NewServer(door.Brisk(b))
	t.Cleanup(server.Close)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PUT /api/v1/apps/app HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n"+
		"Content-Type: application/wasm\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", length)
	answer := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(conn)
		answer <- string(text)
	}()
	return conn, answer
}

// T27: an upload that stalls, or that comes a byte at a time, is cut, and told why.
func TestUploadStalls(t *testing.T) {
	module := wasitest.Guest("hello")
	for name, send := range map[string]func(io.Writer){
		"at once": func(io.Writer) {},
		"midway":  func(w io.Writer) { _, _ = w.Write(module[:50]) },
		"trickle": func(w io.Writer) {
			for i := 0; ; i++ {
				if _, err := w.Write([]byte{module[i%len(module)]}); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each takes a window of package door
			b := newBench(t)
			conn, answer := b.upload(t, 10<<10)
			go send(conn)
			select {
			case got := <-answer:
				if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "the upload stalled after") {
					t.Errorf("got %s", got)
				}
			case <-time.After(3 * door.Window):
				t.Error("no answer")
			}
			conn.Close()
			if rec := b.ask(t, http.MethodGet, "/api/v1/apps/app", nil); rec.Code != http.StatusNotFound {
				t.Errorf("got %d", rec.Code)
			}
		})
	}
}

// An upload that comes slowly, but comes, is taken, and its connection lives on while it is compiled.
func TestUploadComesSlowly(t *testing.T) {
	b := newBench(t)
	module := wasitest.Guest("hello")
	conn, answer := b.upload(t, len(module))
	half := len(module) / 2
	for _, part := range [][]byte{module[:half], module[half:]} {
		time.Sleep(200 * time.Millisecond)
		if _, err := conn.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-answer; !strings.HasPrefix(got, "HTTP/1.1 201 ") {
		t.Errorf("got %s", got)
	}
}

// T27: a drain waits for no upload that is still on its way.
func TestUploadEndsAtDrain(t *testing.T) {
	b := newBench(t)
	conn, answer := b.upload(t, 10<<10)
	_, _ = conn.Write(wasitest.Guest("hello")[:50])
	b.drain()
	if got := <-answer; !strings.HasPrefix(got, "HTTP/1.1 503 ") || !strings.Contains(got, "stopping") {
		t.Errorf("got %s", got)
	}
}
