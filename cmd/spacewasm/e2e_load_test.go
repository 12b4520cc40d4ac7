package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const fiveMicros = `v: 0
micros:
  - {name: web, src: web, engine: wasm, primary: true, public: true}
  - {name: other, src: other, engine: wasm, public: true}
  - {name: echo, src: echo, engine: wasm, public: true}
  - {name: counter, src: counter, engine: wasm, public: true}
  - {name: c, src: c, engine: wasm, public: true}
`

// withFive pushes an app of five Micros, of four programs.
func (s *server) withFive() *server {
	s.t.Helper()
	module := string(read(s.t, probe(s.t)))
	s.pushed("five", "application/zip", zipped(s.t, map[string]string{
		"Spacefile": fiveMicros, "web/main.wasm": module, "other/main.wasm": module,
		"echo/main.wasm": string(guest("echo")), "counter/main.wasm": string(guest("state")), "c/main.wasm": string(read(s.t, helloC(s.t))),
	}))
	return s
}

// exchange is a request to the app of five with the one answer to it.
type exchange struct {
	method, target, body, want string
}

// exchanges makes one exchange of each kind; the nonce is in all that can hold it.
func exchanges(port, nonce string) []exchange {
	blob := nonce + strings.Repeat(nonce[:1], rand.IntN(200<<10))
	return []exchange{
		{"GET", "/state?nonce=" + nonce, "", "runs 1 files 0 mark " + nonce + " error <nil>\n"},
		{"GET", "/other/state?nonce=" + nonce, "", "runs 1 files 0 mark " + nonce + " error <nil>\n"},
		{"POST", "/other/echo", blob, blob},
		{"POST", "/echo", blob, blob},
		{"GET", "/counter/" + nonce, "", "1\n"},
		{"GET", "/c/" + nonce + "?q=1", "", fmt.Sprintf("Hello from C!\nGET /%s?q=1 on five.localhost:%s\n", nonce, port)},
	}
}

// check sends an exchange and says what is wrong with its answer.
func (s *server) check(x exchange) error {
	req, err := http.NewRequest(x.method, "http://five.localhost:"+s.port+x.target, bytes.NewBufferString(x.body))
	if err != nil {
		return err
	}
	a, err := s.try(req)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", x.method, x.target, err)
	case a.status != http.StatusOK || a.body != x.want:
		return fmt.Errorf("%s %s: %d %.300q, want %.300q", x.method, x.target, a.status, a.body, x.want)
	}
	return nil
}

// Sixteen clients over five Micros get no wrong answer, and leave nothing behind.
func TestE2ELoad(t *testing.T) {
	duration := 10 * time.Second
	if testing.Short() {
		duration = 2 * time.Second
	}
	quiet := serve(t).withFive()
	quiet.warm()
	idle := quiet.goroutines()
	s := serve(t).withFive()
	s.warm()
	files := s.descriptors()
	n := s.load(16, duration)
	if n < 160 {
		t.Errorf("only %d answers", n)
	}
	s.http.CloseIdleConnections()
	s.until("the executions' files to go", func() bool { return len(s.leftovers()) == 0 })
	s.until("the descriptors to be closed", func() bool { return s.descriptors() <= files+4 })
	after := s.goroutines()
	t.Logf("%d answers; %d goroutines, %d in a server without load", n, after, idle)
	if after > idle+8 {
		t.Errorf("%d goroutines, %d in a server without load", after, idle)
	}
}

// warm asks each Micro once, and lets the connections go.
func (s *server) warm() {
	s.t.Helper()
	for _, x := range exchanges(s.port, "warm") {
		must(s.t, s.check(x))
	}
	s.http.CloseIdleConnections()
}

// load asks with some clients for a while, and returns the number of answers.
func (s *server) load(clients int, duration time.Duration) int64 {
	s.t.Helper()
	end := time.Now().Add(duration)
	var count atomic.Int64
	var group sync.WaitGroup
	for client := range clients {
		group.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				all := exchanges(s.port, fmt.Sprintf("n%d-%d-%d", client, i, rand.Uint64()))
				if err := s.check(all[rand.IntN(len(all))]); err != nil {
					s.t.Error(err)
					return
				}
				count.Add(1)
			}
		})
	}
	group.Wait()
	return count.Load()
}

// descriptors is the number of files that the server has open.
func (s *server) descriptors() int {
	s.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	if err != nil {
		s.t.Skipf("cannot count descriptors: %v", err)
	}
	return len(entries)
}

// goroutines ends the server with a dump of its goroutines, and counts them.
func (s *server) goroutines() int {
	s.t.Helper()
	time.Sleep(200 * time.Millisecond) // those of connections end
	must(s.t, s.cmd.Process.Signal(syscall.SIGQUIT))
	s.wait()
	n := strings.Count(s.stderr.String(), "\ngoroutine ")
	if n < 3 {
		s.t.Fatalf("no dump of goroutines:\n%s", &s.stderr)
	}
	return n
}
