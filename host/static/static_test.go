package static_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/static"
)

// A Micro that nobody asks for holds nothing, and wakes as it was.
func TestIdle(t *testing.T) {
	tree := plant(t, map[string]string{"long.js": long("js")})
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		s := static.New(static.Config{Idle: time.Minute, Files: func() (*os.Root, error) {
			opened++
			return tree()
		}})
		awake := func(want bool) {
			t.Helper()
			synctest.Wait()
			if open, files, packed := s.Awake(); open != want || (files > 0) != want || (packed > 0) != want {
				t.Errorf("open %v, %d files, %d packed; want it awake: %v", open, files, packed, want)
			}
		}
		awake(false)
		var tag string
		for range 2 {
			res := ask(t, s, http.MethodGet, "/long.js", "Accept-Encoding", "gzip")
			if tag != "" && res.Header.Get("Etag") != tag {
				t.Errorf("the tag is %s, and was %s", res.Header.Get("Etag"), tag)
			}
			tag = res.Header.Get("Etag")
			time.Sleep(50 * time.Second)
			ask(t, s, http.MethodGet, "/long.js")
			time.Sleep(50 * time.Second)
			awake(true)
			time.Sleep(11 * time.Second)
			awake(false)
		}
		if opened != 2 {
			t.Errorf("opened %d times", opened)
		}
		slow := waits{nowhere{http.Header{}}, 5 * time.Minute}
		if err := s.Serve(slow, httptest.NewRequest(http.MethodGet, "/long.js", http.NoBody)); err != nil {
			t.Errorf("while it is sent slowly: %v", err)
		}
		ask(t, s, http.MethodGet, "/")
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		awake(false)
		if opened != 3 {
			t.Errorf("opened %d times", opened)
		}
	})
}

// waits is a client that reads slowly.
type waits struct {
	nowhere
	time.Duration
}

func (w waits) Write(p []byte) (int, error) {
	time.Sleep(w.Duration)
	return len(p), nil
}

// What others have compressed holds nobody up for long.
func TestTurnToCompress(t *testing.T) {
	tree := plant(t, map[string]string{"long.js": long("js")})
	synctest.Test(t, func(t *testing.T) {
		s := open(t, static.Config{Files: tree})
		release := s.TakeTurn()
		began := time.Now()
		res := ask(t, s, http.MethodGet, "/long.js", "Accept-Encoding", "gzip")
		if coding := res.Header.Get("Content-Encoding"); coding != "" || body(t, res) != long("js") || time.Since(began) > time.Second {
			t.Errorf("compressed %q after %v", coding, time.Since(began))
		}
		if plain := ask(t, s, http.MethodGet, "/long.js").Header.Get("Etag"); res.Header.Get("Etag") != plain {
			t.Errorf("the tag is %s, of the file %s", res.Header.Get("Etag"), plain)
		}
		release()
		if coding := ask(t, s, http.MethodGet, "/long.js", "Accept-Encoding", "gzip").Header.Get("Content-Encoding"); coding != "gzip" {
			t.Errorf("compressed %q when it can be", coding)
		}
	})
}

func TestBounds(t *testing.T) {
	files := map[string]string{}
	for i := range static.MaxFiles + 50 {
		files[fmt.Sprintf("%d.js", i)] = "x"
	}
	for i := range 20 {
		files[fmt.Sprintf("long%d.js", i)] = long(fmt.Sprint(i))
	}
	const limit = 4000 // a few of them
	s := open(t, static.Config{Files: plant(t, files), Packed: limit})
	for range 2 {
		for name, want := range files {
			res := ask(t, s, http.MethodGet, "/"+name, "Accept-Encoding", "gzip")
			if got := unzip(t, body(t, res)); got != want {
				t.Fatalf("%s: %d %.20q", name, res.StatusCode, got)
			}
		}
	}
	for i := range 100 {
		ask(t, s, http.MethodGet, fmt.Sprintf("/not-there-%d", i))
	}
	if _, n, size := s.Awake(); n > static.MaxFiles || size > limit || n < static.MaxFiles/2 || size < limit/4 {
		t.Errorf("%d files and %d bytes are remembered", n, size)
	}
}

// A hundred clients at once get what each has asked for, and a site that goes to
// sleep beneath them is not noticed.
func TestConcurrent(t *testing.T) {
	files := map[string]string{"index.html": "home", "404.html": "none"}
	for i := range 10 {
		files[fmt.Sprintf("long%d.js", i)] = long(fmt.Sprint(i))
	}
	s := open(t, static.Config{Files: plant(t, files), Idle: time.Microsecond, Packed: 8000})
	var clients sync.WaitGroup
	var asked atomic.Int64
	for client := range 100 {
		clients.Go(func() {
			for i := range 20 {
				name := fmt.Sprintf("long%d.js", (client+i)%10)
				header := []string{"Accept-Encoding", "gzip"}
				if i%3 == 0 {
					header = nil
				}
				asked.Add(1)
				res := ask(t, s, http.MethodGet, "/"+name, header...)
				if got := unzip(t, body(t, res)); got != files[name] {
					t.Errorf("%s: %d %.20q", name, res.StatusCode, got)
				}
			}
		})
	}
	clients.Wait()
	if n := s.Usage().Requests; n != asked.Load() {
		t.Errorf("%d requests counted of %d", n, asked.Load())
	}
}

func TestUsageOfARequest(t *testing.T) {
	s := site(t, pages)
	var usage space.Usage
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	serve(t, s, r.WithContext(space.WithUsage(r.Context(), &usage)))
	if !reflect.DeepEqual(usage, space.Usage{Requests: 1}) {
		t.Errorf("%+v", usage)
	}
}

func BenchmarkServe(b *testing.B) {
	s := site(b, map[string]string{"assets/app.js": long("app")})
	tag := ask(b, s, http.MethodGet, "/assets/app.js").Header.Get("Etag")
	for _, c := range []struct{ name, header, value string }{
		{"plain", "X", "x"},
		{"gzip", "Accept-Encoding", "gzip"},
		{"not modified", "If-None-Match", tag},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/assets/app.js", http.NoBody)
			r.Header.Set(c.header, c.value)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Serve(nowhere{http.Header{}}, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
