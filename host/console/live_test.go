package console_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/logs"
)

// listen opens a stream of events, each line of which goes to the channel, closed at its
// end.
func listen(t *testing.T, b *bench, server *httptest.Server, target string) (lines <-chan string, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	found := make(chan string, 100)
	go func() {
		defer close(found)
		for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
			found <- scan.Text()
		}
	}()
	return found, resp.StatusCode
}

func serve(t *testing.T, b *bench) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.ServeHTTP(w, r.WithContext(access.WithOwner(r.Context(), "admin")))
	}))
	t.Cleanup(server.Close)
	return server
}

// next waits for a line that holds a text.
func next(t *testing.T, lines <-chan string, text string) string {
	t.Helper()
	for late := time.After(10 * time.Second); ; {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the stream ended before %q", text)
			}
			if strings.Contains(line, text) {
				return line
			}
		case <-late:
			t.Fatalf("%q did not come", text)
		}
	}
}

// A page hears of requests and of lines of the log as they come, of those that match, and
// no longer than the server runs.
func TestLive(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	server := serve(t, b)
	lines, status := listen(t, b, server, "/apps/app/micros/app/live?source=guest&q=WANTED")
	if status != http.StatusOK {
		t.Fatalf("got %d", status)
	}
	next(t, lines, "retry")
	for _, e := range []logs.Entry{
		{Micro: "app", Source: logs.SourcePlatform, Message: "wanted by the platform"},
		{Micro: "other", Source: logs.SourceGuest, Message: "wanted elsewhere"},
		{Micro: "app", Source: logs.SourceGuest, Message: "something else"},
		{Micro: "app", Source: logs.SourceGuest, Message: "wanted </script>\nsecond"},
	} {
		if err := b.logs.Append("app", e); err != nil {
			t.Fatal(err)
		}
	}
	if line := next(t, lines, "data: "); !strings.Contains(line, `"message":"wanted \u003c/script\u003e\nsecond"`) {
		t.Errorf("the first line is %s", line)
	}
	noted := make(chan struct{})
	go func() { // until the page follows
		for {
			select {
			case <-noted:
				return
			case <-time.After(10 * time.Millisecond):
				b.book.Note(keyOf(b, "app"), activity.Request{ID: "r1", Time: time.Now(), Method: "GET", Path: "/x", Status: 200})
			}
		}
	}()
	next(t, lines, `"path":"/x"`)
	close(noted)
	b.drain()
	for range lines { // it ends
	}
}

// Pages that follow are bounded.
func TestStreamsAreBounded(t *testing.T) {
	b := newBench(t)
	b.deployed("app")
	server := serve(t, b)
	full := false
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 70 {
		if ctx.Err() != nil {
			break
		}
		if _, status := listen(t, b, server, "/apps/app/micros/app/live"); status == http.StatusServiceUnavailable {
			full = true
			break
		}
	}
	if !full {
		t.Error("any number of pages may follow")
	}
	b.drain()
}
