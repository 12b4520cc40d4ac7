package door_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/door"
)

// T26: a body comes at the least rate, or whoever reads it is told, and the
// connection ends.
func TestSlowBody(t *testing.T) {
	for name, c := range map[string]struct {
		length, piece int           // bytes of the body, and of each of its pieces
		every         time.Duration // a piece comes
		slow          bool
		took          time.Duration
	}{
		"a byte a second":    {1000, 1, time.Second, true, 10 * time.Second},
		"nothing":            {1000, 0, time.Hour, true, 10 * time.Second},
		"just enough":        {5 * door.Least, door.Least / 8, time.Second, false, 40 * time.Second},
		"just not enough":    {5 * door.Least, door.Least / 16, time.Second, true, 10 * time.Second},
		"small, and slow":    {9, 1, time.Second, false, 9 * time.Second},
		"late, then at once": {door.Least, door.Least, 9 * time.Second, false, 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done := make(chan error, 1)
				l, _ := serve(t, 1, func(w http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					done <- err
				})
				conn := l.dial()
				defer conn.Close()
				began := time.Now()
				go func() {
					fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", c.length)
					for sent := 0; sent < c.length; sent += c.piece {
						select {
						case <-time.After(c.every):
						case <-t.Context().Done():
							return
						}
						if _, err := conn.Write(make([]byte, c.piece)); err != nil {
							return
						}
					}
				}()
				err := <-done
				if errors.Is(err, os.ErrDeadlineExceeded) != c.slow || time.Since(began) != c.took {
					t.Errorf("got %v after %v", err, time.Since(began))
				}
				res := answer(t, conn)
				if res.Close != c.slow {
					t.Errorf("the connection closes: %v", res.Close)
				}
			})
		})
	}
}

// T26: a client that sends no body is not waited for by a handler that does not
// want it, and a handler may want it sooner.
func TestUnreadBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := serve(t, 1, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/soon" {
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(2 * time.Second))
				_, err := io.Copy(io.Discard, r.Body)
				fmt.Fprint(w, errors.Is(err, os.ErrDeadlineExceeded))
			}
		})
		for target, most := range map[string]time.Duration{"/": 10 * time.Second, "/soon": 2 * time.Second} {
			conn := l.dial()
			began := time.Now()
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", target)
			body, err := io.ReadAll(answer(t, conn).Body)
			if took := time.Since(began); took > most || err != nil || target == "/soon" && string(body) != "true" {
				t.Errorf("%s: %q, %v after %v", target, body, err, took)
			}
			_ = conn.Close()
			synctest.Wait()
		}
	})
}

// A client that waits to be told to send its body is refused at once.
func TestRefusedExpectation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := serve(t, 1, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotFound) })
		conn := l.dial()
		defer conn.Close()
		began := time.Now()
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
		if res := answer(t, conn); res.StatusCode != http.StatusNotFound || time.Since(began) != 0 {
			t.Errorf("answer %d after %v", res.StatusCode, time.Since(began))
		}
	})
}

// A handler that runs for long after it has read the body is not disturbed.
func TestLongHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := serve(t, 1, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(time.Hour)
			fmt.Fprint(w, r.Context().Err())
		})
		conn := l.dial()
		defer conn.Close()
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
		if body, err := io.ReadAll(answer(t, conn).Body); string(body) != "<nil>" || err != nil {
			t.Errorf("got %q, %v", body, err)
		}
	})
}

// T26: a client that takes nothing is cut off; one that takes at the least rate
// gets all, also of a stream in which nothing is said for long.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 * door.Least
		failed := make(chan error, 1)
		l, _ := serve(t, 2, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "first")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Hour)
			_, err := io.Copy(w, strings.NewReader(strings.Repeat("x", size)))
			failed <- err
		})
		for name, every := range map[string]time.Duration{"slow": 9 * time.Second, "dead": 11 * time.Second} {
			conn := l.dial()
			go fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			began := time.Now()
			res := answer(t, conn)
			var got int
			var err error
			for block := make([]byte, door.Least); err == nil; {
				time.Sleep(every)
				var n int
				n, err = io.ReadFull(res.Body, block)
				got += n
			}
			if whole := got == size+len("first"); whole != (name == "slow") {
				t.Errorf("%s: %d bytes, %v after %v", name, got, err, time.Since(began))
			}
			if err := <-failed; (err == nil) != (name == "slow") {
				t.Errorf("%s: the handler got %v", name, err)
			}
			_ = conn.Close()
		}
	})
}

// T26: a deadline that the handler sets for the whole response holds too.
func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan error, 1)
		l, _ := serve(t, 1, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(15 * time.Second))
			_, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 100*door.Least)))
			failed <- err
		})
		conn := l.dial()
		var reader sync.WaitGroup
		defer reader.Wait()
		defer conn.Close()
		began := time.Now()
		reader.Go(func() {
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			for block := make([]byte, door.Least); ; time.Sleep(time.Second) {
				if _, err := conn.Read(block); err != nil {
					return
				}
			}
		})
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 15*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// T26: there are no more connections than places. Who comes when all are taken
// takes that of the one idle longest, or waits.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		l, d := serve(t, 2, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stay" {
				<-leave
			}
		})
		ask := func(target string) net.Conn {
			conn := l.dial()
			go fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target)
			return conn
		}
		first := ask("/")
		answer(t, first)
		second := ask("/stay")
		synctest.Wait()
		if d.Load() != 2 {
			t.Fatalf("%d connections", d.Load())
		}
		third := ask("/stay")
		if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the idle one is told %v", err)
		}
		synctest.Wait()
		fourth := ask("/") // the door has it in its hand
		time.Sleep(time.Hour)
		if d.Load() != 2 {
			t.Errorf("%d connections", d.Load())
		}
		close(leave)
		for _, conn := range []net.Conn{second, third, fourth} {
			answer(t, conn)
			_ = conn.Close()
		}
		synctest.Wait()
		if d.Load() != 0 {
			t.Errorf("%d connections are left", d.Load())
		}
	})
}

// A door that is closed while it is full does not wait.
func TestCloseFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane()
		d := door.New(l, 1)
		accepted := make(chan error, 2)
		go func() {
			for {
				_, err := d.Accept()
				accepted <- err
				if err != nil {
					return
				}
			}
		}()
		first, second := l.dial(), l.dial()
		synctest.Wait()
		if err := errors.Join(d.Close(), d.Close()); err != nil {
			t.Error(err)
		}
		if err := errors.Join(<-accepted, <-accepted); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if _, err := second.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("who waited is told %v", err)
		}
		_ = first.Close()
	})
}

// What was answered arrives, also where the server has not read all that came: it
// ends its half of the connection first.
func TestAnswerBeforeReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := door.New(l, 10)
	server := &http.Server{Handler: door.Brisk(http.NotFoundHandler()), ConnState: d.State, MaxHeaderBytes: 4 << 10}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(d) })
	defer wg.Wait()
	defer server.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\nX-A: %s\r\n\r\n", strings.Repeat("a", 64<<10))
	res := answer(t, conn)
	if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge || err != nil {
		t.Errorf("%d %q, %v", res.StatusCode, body, err)
	}
	time.Sleep(600 * time.Millisecond) // Go's server waits for half a second before it closes the other half
}
