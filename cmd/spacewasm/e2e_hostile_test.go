package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// slowModule is a module that keeps a compiler busy for as long as it may. Each
// variant is a module of its own.
func slowModule(t *testing.T, variant byte) []byte {
	t.Helper()
	for _, m := range wasitest.Hostile() {
		if m.Slow {
			const customSection, size, nameBytes = 0, 3, 1
			return append(m.Code, customSection, size, nameBytes, variant, 0)
		}
	}
	t.Fatal("there is no slow module")
	return nil
}

// Whatever a module would do to a compiler, its push is refused within 10 s, and
// the app that runs is as quick as ever.
func TestE2EHostileModules(t *testing.T) {
	s := serve(t)
	s.pushed("app", "application/wasm", guest("hello"))
	before := s.tree()
	stop := make(chan struct{})
	var visitor sync.WaitGroup
	visitor.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			began := time.Now()
			a, err := s.try(s.request(http.MethodGet, "app", "/", nil))
			if took := time.Since(began); err != nil || a.body != "hello\n" || took > 2*time.Second {
				t.Errorf("the app answers %q, %v after %v", a.body, err, took)
				return
			}
			time.Sleep(20 * time.Millisecond) // a visitor, not a flood
		}
	})
	for _, m := range wasitest.Hostile() {
		t.Run(m.Name, func(t *testing.T) {
			s, began := s.in(t), time.Now()
			s.put("app", "application/wasm", bytes.NewReader(m.Code)).problem(t, http.StatusUnprocessableEntity, "refused")
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	close(stop)
	visitor.Wait()
	if peak := s.peak(); peak > 300<<20 {
		t.Errorf("the server has held %d MiB", peak>>20)
	}
	s.unchanged(before)
}

// peak is the most memory that the server has held, in bytes.
func (s *server) peak() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	must(s.t, err)
	_, rest, _ := bytes.Cut(text, []byte("VmHWM:"))
	var kib int64
	_, err = fmt.Sscan(string(rest), &kib)
	must(s.t, err)
	return kib << 10
}

// children are the processes that the server has started.
func (s *server) children() []int {
	s.t.Helper()
	var ids []int
	for _, file := range glob(s.t, fmt.Sprintf("/proc/%d/task", s.cmd.Process.Pid), "*/children") {
		text, _ := os.ReadFile(file) // a thread may have ended
		for word := range bytes.FieldsSeq(text) {
			id, err := strconv.Atoi(string(word))
			must(s.t, err)
			ids = append(ids, id)
		}
	}
	return ids
}

// pushing pushes a slow module; the answer comes later.
func (s *server) pushing(app string, variant byte) <-chan answer {
	done := make(chan answer, 1)
	req := s.request(http.MethodPut, "", "/api/v1/apps/"+app, bytes.NewReader(slowModule(s.t, variant)),
		"Authorization", "Bearer "+s.token, "Content-Type", "application/wasm")
	go func() {
		a, _ := s.try(req) // without an answer its status is 0
		done <- a
	}()
	return done
}

// T27: two modules are compiled at once, and a good one waits for its turn.
func TestE2ECompileTurns(t *testing.T) {
	s := serve(t)
	first, second := s.pushing("first", '1'), s.pushing("second", '2')
	s.until("two children", func() bool { return len(s.children()) == 2 })
	third := append(guest("hello"), 0, 3, 1, 't', byte(time.Now().UnixNano())) // in no cache
	began := time.Now()
	s.pushed("third", "application/wasm", third)
	if took := time.Since(began); took < time.Second {
		t.Errorf("the third push did not wait: %v", took)
	}
	(<-first).problem(t, http.StatusUnprocessableEntity, "refused")
	(<-second).problem(t, http.StatusUnprocessableEntity, "refused")
	if got := s.ok("third", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
}

// A child that is ended from outside is no fault of the module.
func TestE2EChildKilled(t *testing.T) {
	s := serve(t)
	push := s.pushing("app", 'k')
	s.until("a child", func() bool { return len(s.children()) == 1 })
	must(t, syscall.Kill(s.children()[0], syscall.SIGKILL))
	contains(t, (<-push).problem(t, http.StatusInternalServerError, "internal").Detail, "ended from outside", "try again")
	s.pushed("app", "application/wasm", guest("hello"))
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
}

// T27: a server that is killed while it compiles takes the child with it, and
// what the two have left is gone after the next start.
func TestE2EKilledWhileCompiling(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data") // with a code cache of its own
	s := serveData(t, data)
	s.pushed("app", "application/wasm", guest("hello"))
	push := s.pushing("app", 'w')
	s.until("a child", func() bool { return len(s.children()) == 1 })
	id := s.children()[0]
	if len(glob(t, data, "cache/incoming/*")) == 0 {
		t.Error("the child works nowhere")
	}
	s.kill()
	if a := <-push; a.status != 0 {
		t.Errorf("the push was answered with %d", a.status)
	}
	s.until("the child to end", func() bool { return syscall.Kill(id, 0) != nil || defunct(id) })
	s = serveData(t, data)
	if left := append(glob(t, data, "cache/incoming/*"), glob(t, data, "cache/*/*.tmp")...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
}

// defunct tells whether a process has ended and waits for its new parent to see it.
func defunct(id int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	return err != nil || bytes.Contains(text, []byte(") Z "))
}
