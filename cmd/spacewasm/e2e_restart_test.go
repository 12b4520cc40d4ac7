package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cacheFiles lists the compiled code with its times.
func cacheFiles(t *testing.T, data string) map[string]time.Time {
	t.Helper()
	files := map[string]time.Time{}
	dir := filepath.Join(data, "cache", "code")
	must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		files[path] = info.ModTime()
		return err
	}))
	return files
}

// A killed server comes back with what was active, compiles nothing, and clears
// away what it had begun.
func TestE2EKill(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data") // with a code cache of its own
	s := serveData(t, data).withProbe()
	for _, name := range []string{"hello", "args", "state"} {
		s.pushed("small", "application/wasm", guest(name))
	}
	s.until("the code to be gone that no rollback by one needs", func() bool { return len(glob(t, data, "cache/code/*/*")) == 3 })
	before := cacheFiles(t, data)
	if len(before) != 3 {
		t.Errorf("the code cache holds %v", before)
	}
	conn := s.beginPush("small")
	defer conn.Close()
	go s.try(s.request(http.MethodGet, "probe", "/state?nonce=1&ms=5000", nil))
	s.until("a staged push and a running request", func() bool {
		return len(s.leftovers()) == 1 && len(glob(t, data, "blobs/.stage-*")) == 1
	})
	s.kill()

	began := time.Now()
	s = serveData(t, data)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the restart took %v", took)
	}
	contains(t, s.ok("probe", "/"), "GET /")
	if got := s.ok("small", "/"); got != "1\n" {
		t.Errorf("small answers %q", got)
	}
	if after := cacheFiles(t, data); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the code cache was\n%v\nand is\n%v", before, after)
	}
	s.until("what the kill has left to be gone", func() bool {
		return len(s.leftovers()) == 0 && len(glob(t, data, "blobs/.stage-*")) == 0
	})
	out, _ := s.console(0, "ls")
	contains(t, out, "small", "probe")
}

// beginPush sends the beginning of a push only.
func (s *server) beginPush(app string) interface{ Close() error } {
	s.t.Helper()
	conn := s.connect()
	_, err := fmt.Fprintf(conn, "PUT /api/v1/apps/%s HTTP/1.1\r\nHost: localhost:%s\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/wasm\r\nContent-Length: 100000\r\n\r\n%s", app, s.port, s.token, guest("hello"))
	must(s.t, err)
	return conn
}

// until waits for something that is about to be.
func (s *server) until(what string, is func() bool) {
	s.t.Helper()
	for range 200 {
		if is() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	s.t.Fatalf("waited in vain for %s", what)
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	must(t, err)
	return names
}

// A push that the client gives up leaves what ran.
func TestE2EPushBrokenOff(t *testing.T) {
	s := serve(t)
	s.pushed("app", "application/wasm", guest("hello"))
	before := s.tree()
	conn := s.beginPush("app")
	s.until("a staged push", func() bool { return len(glob(t, s.data, "blobs/.stage-*")) == 1 })
	must(t, conn.Close())
	s.unchanged(before)
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
}

// T35: a data directory has one server.
func TestE2ESecondServer(t *testing.T) {
	s := serve(t)
	_, errs := console(t, 1, "", "serve", "--listen", "127.0.0.1:0", "--data", s.data)
	contains(t, errs, "in use by another server", "--data")
	s.get("", "/healthz").is(t, http.StatusOK, "")
}

// SIGTERM lets a running request finish and refuses new ones.
func TestE2EDrain(t *testing.T) {
	s := serve(t).withProbe()
	done := make(chan answer, 1)
	failed := make(chan error, 1)
	go func() {
		a, err := s.try(s.request(http.MethodGet, "probe", "/state?nonce=1&ms=2000", nil))
		done <- a
		failed <- err
	}()
	s.until("the request to run", func() bool { return len(s.leftovers()) == 1 })
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.until("the server to refuse", func() bool {
		conn, err := s.dial()
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case <-done:
		t.Fatal("the request has ended before the server refused others")
	case <-s.exited:
		t.Fatal("the server did not wait for the request")
	default:
	}
	a := <-done
	must(t, <-failed)
	if a.status != http.StatusOK || !strings.Contains(a.body, "mark 1") {
		t.Errorf("the running request got %d %q", a.status, a.body)
	}
	s.wait()
	if s.err != nil {
		t.Errorf("the server ended with %v", s.err)
	}
}

// An app that cannot run with the settings of a new start says so, and leaves
// the others alone.
func TestE2ERestartFailed(t *testing.T) {
	s := serve(t, "--memory", "1GiB")
	s.pushed("big", "application/wasm", guest("bigmem"))
	s.pushed("small", "application/wasm", guest("hello"))
	if got := s.ok("big", "/"); got != "big\n" {
		t.Errorf("big answers %q", got)
	}
	s.stop()
	s = serveData(t, s.data, "--memory", "64MiB")
	s.get("big", "/").problem(t, http.StatusServiceUnavailable, "preparing")
	if got := s.ok("small", "/"); got != "hello\n" {
		t.Errorf("small answers %q", got)
	}
	_, errs := s.console(0, "ls")
	contains(t, errs, "big does not run")
	s.pushed("big", "application/wasm", guest("state"))
	if got := s.ok("big", "/"); got != "1\n" {
		t.Errorf("big answers %q after another push", got)
	}
}
