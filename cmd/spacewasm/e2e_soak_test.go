package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a server under soak keeps, each with five Micros.
const (
	soakApps    = 4
	soakClients = 100
)

const soakMicros = `v: 0
micros:
  - {name: web, src: web, engine: wasm, primary: true, public: true}
  - {name: echo, src: echo, engine: wasm, public: true}
  - {name: counter, src: counter, engine: wasm, public: true}
  - {name: env, src: env, engine: wasm, public: true}
  - {name: hello, src: hello, engine: wasm, public: true}
`

const faultyMicros = `v: 0
micros:
  - {name: trap, src: trap, engine: wasm, primary: true, public: true}
  - {name: late, src: late, engine: wasm, public: true}
  - {name: memory, src: memory, engine: wasm, public: true}
  - {name: grow, src: grow, engine: wasm, public: true}
  - {name: endless, src: endless, engine: wasm, public: true}
`

const stuckMicros = `v: 0
micros:
  - {name: recurse, src: recurse, engine: wasm, primary: true, public: true}
  - {name: wait, src: wait, engine: wasm, public: true}
`

// soak is a server with what is done to it.
type soak struct {
	*server
	secrets map[string]string // the key of each app
	bundles []string          // those of the apps that stay
	seed    string            // of the app that has initialised itself
	visits  []visit
	tally   tally
}

// A hundred clients over twenty Micros get no wrong answer while other apps are
// pushed, replaced, broken, killed and removed, and nothing is left behind.
func TestE2ESoak(t *testing.T) {
	duration := 30 * time.Second
	if testing.Short() {
		duration = 5 * time.Second
	}
	if text := os.Getenv("SPACEWASM_SOAK"); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		must(t, err)
	}
	quiet := newSoak(t)
	quiet.settle()
	idle := quiet.creators()

	s := newSoak(t)
	s.warm()
	before, kept := s.settle(), s.kept()
	s.run(duration)
	s.tally.report(t, s.visits)
	s.settle()
	s.until("the code of what has gone to be unmapped", func() bool { return s.take().code <= before.code })
	after := s.settle()
	after.compare(t, before)
	if now := s.kept(); !slices.Equal(now, kept) {
		t.Errorf("the data directory has kept\n%s\nand had\n%s", strings.Join(now, "\n"), strings.Join(kept, "\n"))
	}
	for creator, n := range s.creators() {
		if n > idle[creator] {
			t.Errorf("%d goroutines %s, %d in a server without load", n, creator, idle[creator])
		}
	}
}

// newSoak returns a server with its apps.
func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{
		// Time enough for what is honest on a machine that is as busy as it can be.
		server:  serve(t, "--timeout", "15s", "--memory", "48MiB", "--tmp", "1MiB"),
		secrets: map[string]string{},
	}
	for i := range soakApps {
		app := fmt.Sprint("soak", i)
		s.pushed(app, "application/zip", zipped(t, map[string]string{
			"Spacefile": soakMicros, "web/main.wasm": string(read(t, probe(t))), "web/who": app, "echo/main.wasm": string(guest("echo")),
			"counter/main.wasm": string(guest("state")), "env/main.wasm": string(guest("env")), "hello/main.wasm": string(read(t, helloGo(t))),
		}))
		s.secrets[app] = variable(s.ok(app, "/env"), "DETA_PROJECT_KEY")
	}
	s.pushed("faulty", "application/zip", zipped(t, map[string]string{
		"Spacefile": faultyMicros, "trap/main.wasm": string(guest("trap")), "late/main.wasm": string(guest("trap-late")),
		"memory/main.wasm": string(guest("trap-bounds")), "grow/main.wasm": string(guest("grow")), "endless/main.wasm": string(guest("bigbody")),
	}))
	s.pushed("stuck", "application/zip", zipped(t, map[string]string{
		"Spacefile": stuckMicros, "recurse/main.wasm": string(guest("recurse")), "wait/main.wasm": string(guest("wait")),
	}))
	s.pushed("ready", "application/wasm", guest("wizer"))
	s.seed = seedOf(t, s.ok("ready", "/"))
	s.bundles = glob(t, s.data, "blobs/*")
	s.visits = visits()
	return s
}

// warm does each thing at least once.
func (s *soak) warm() {
	s.t.Helper()
	for app := range s.secrets { // each has a log from then on
		must(s.t, fails("/exit?status=3", 502, "exited")(s, app, "warm"))
	}
	var group sync.WaitGroup
	for i := range s.visits {
		group.Go(func() {
			if err := s.visit(i, "warm"); err != nil {
				s.t.Error(err)
			}
		})
	}
	group.Wait()
	s.run(0)
}

// run lets the clients loose for a while, and those who change the apps beside
// them. Each does at least one thing.
func (s *soak) run(duration time.Duration) {
	s.t.Helper()
	end := time.Now().Add(duration)
	var clients, others sync.WaitGroup
	for id := range soakClients {
		clients.Go(func() {
			for n := 0; n == 0 || time.Now().Before(end); n++ {
				if err := s.visit(s.choose(), fmt.Sprintf("c%d-%d-%d", id, n, rand.Uint32())); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	swap := &swapped{soak: s}
	must(s.t, swap.push())
	for name, do := range map[string]func() error{
		"swap": swap.push, "look at the swapped": swap.look, "come and go": s.comeAndGo, "look at what comes and goes": s.lookAtMortal,
		"hostile": s.hostile, "break off": s.breakOff, "kill a child": s.killChild, "follow a log": s.follow, "list": s.list,
	} {
		others.Go(func() {
			for n := 0; n == 0 || time.Now().Before(end); n++ {
				switch err := do(); {
				case errors.Is(err, errBusy): // those that break off hold the places of uploads for a moment
				case err != nil:
					s.t.Errorf("%s: %v", name, err)
					return
				default:
					s.tally.add(name)
				}
				time.Sleep(20 * time.Millisecond) // the clients are the load
			}
		})
	}
	clients.Wait()
	others.Wait()
	for _, app := range []string{"swap", "mortal"} {
		if a := s.remove(app); a.status != 204 && a.status != 404 {
			s.t.Errorf("remove %s: %d %s", app, a.status, a.body)
		}
	}
}

// settle waits until the server is at rest, and takes stock of it.
func (s *soak) settle() census {
	s.t.Helper()
	s.http.CloseIdleConnections()
	s.until("the executions' files to go", func() bool { return len(s.leftovers()) == 0 })
	s.until("the children to end", func() bool { return len(s.children()) == 0 })
	s.until("the bundles to be swept", func() bool { return slices.Equal(glob(s.t, s.data, "blobs/*"), s.bundles) })
	s.until("the connections to end", func() bool { return s.take().files["socket"] <= 1 })
	return s.take()
}

// tally counts what was done, by name.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (y *tally) add(name string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.counts == nil {
		y.counts = map[string]int{}
	}
	y.counts[name]++
}

// report fails the test if something was never done.
func (y *tally) report(t *testing.T, visits []visit) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	var b bytes.Buffer
	for _, v := range visits {
		if y.counts[v.name] == 0 {
			t.Errorf("%s: never came to its right answer", v.name)
		}
	}
	for name, n := range y.counts {
		fmt.Fprintf(&b, "%s %d, ", name, n)
	}
	t.Logf("%s", b.String())
}
