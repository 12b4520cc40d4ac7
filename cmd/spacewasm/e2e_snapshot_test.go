package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// seedOf is what the guest wizer drew while it initialised itself.
func seedOf(t *testing.T, answer string) string {
	t.Helper()
	found := regexp.MustCompile(`count 42 block 1 .* seed ([0-9a-f]+) clock on`).FindStringSubmatch(answer)
	if found == nil {
		t.Fatalf("it answers %q", answer)
	}
	return found[1]
}

// prepared waits until an app has been prepared, which takes its time on a machine
// that is busy.
func (s *server) prepared(app string) {
	s.t.Helper()
	for range 600 {
		a := s.get(app, "/")
		if a.status == http.StatusOK {
			return
		}
		a.is(s.t, http.StatusServiceUnavailable, "preparing")
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("%s was not prepared in a minute", app)
}

// A module initialises itself once, when it is pushed: every request begins there,
// also after a restart, and what it said is in the log. A snapshot lives as long as
// its revision, and nobody can read it.
func TestE2ESnapshot(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serveData(t, data)
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "wizer.wasm"), guest("wizer"), 0o600))
	_, errs := s.console(0, "push", "--app", "wizer", filepath.Join(folder, "wizer.wasm"))
	contains(t, errs, "MB", "drew randomness")
	seed := seedOf(t, s.ok("wizer", "/?a=1"))
	for range 5 {
		if got := seedOf(t, s.ok("wizer", "/?b=2")); got != seed {
			t.Errorf("another request has the seed %s, not %s", got, seed)
		}
	}
	out, _ := s.console(0, "ls", "--json")
	contains(t, out, `"taken": true`, `"drew": [`)
	out, _ = s.console(0, "logs", "wizer")
	contains(t, out, "initialising")
	kept := glob(t, data, "cache/snapshots/*/*")
	if len(kept) != 1 {
		t.Fatalf("kept %v", kept)
	}
	if text := read(t, kept[0]); strings.Contains(string(text), "DETA_") || strings.Contains(string(text), "bbbbbbbb") {
		t.Error("the snapshot can be read")
	}
	s.stop()

	s = serveData(t, data, "--listen", "127.0.0.1:"+s.port)
	if got := seedOf(t, s.ok("wizer", "/")); got != seed {
		t.Error("the restart has initialised it again")
	}
	s.pushed("wizer", "application/wasm", guest("wizer"))
	if got := seedOf(t, s.ok("wizer", "/")); got == seed {
		t.Error("another revision has the snapshot of the one before")
	}
	s.until("the snapshot of the revision before to be gone", func() bool {
		return len(glob(t, data, "cache/snapshots/*")) == 1 && len(glob(t, data, filepath.Join("cache/snapshots", filepath.Base(filepath.Dir(kept[0]))))) == 0
	})
	s.console(0, "rm", "--yes", "wizer")
	s.until("the snapshots, and the code, to be gone", func() bool {
		return len(glob(t, data, "cache/snapshots/*")) == 0 && len(glob(t, data, "cache/code/*/*")) == 0
	})
}

// A push whose initialiser fails is refused with what it said, and what ran goes on.
func TestE2EInitialiserFails(t *testing.T) {
	s := serve(t, "--timeout", "1s", "--memory", "1MiB") // of which it takes three
	s.pushed("app", "application/wasm", guest("hello"))
	p := s.put("app", "application/wasm", strings.NewReader(string(guest("wizer")))).problem(t, http.StatusUnprocessableEntity, "refused")
	contains(t, p.Detail, "the initialiser wizer.initialize did not end well", "it said: initialising")
	if got := s.ok("app", "/"); got != "hello\n" {
		t.Errorf("the app answers %q", got)
	}
}

// T30: after an upgrade the server serves at once: apps that are not prepared for it
// are prepared when they are asked for, and prepare does it ahead.
func TestE2EServerUpgrade(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serveData(t, data)
	port := s.port
	large := read(t, helloGo(t))
	s.pushed("slow", "application/wasm", large)
	s.pushed("wizer", "application/wasm", guest("wizer"))
	s.stop()
	upgrade := func() { // as another version would find it
		t.Helper()
		must(t, os.RemoveAll(filepath.Join(data, "cache")))
	}
	upgrade()
	s = serveData(t, data, "--listen", "127.0.0.1:"+port)
	a := s.get("slow", "/") // of a server that is ready
	a.is(t, http.StatusServiceUnavailable, "preparing")
	if a.header.Get("Retry-After") == "" {
		t.Error("who is to try again is not told when")
	}
	s.prepared("slow")
	s.prepared("wizer")
	seed := seedOf(t, s.ok("wizer", "/"))
	out, _ := s.console(0, "ls", "--json")
	if strings.Contains(out, "preparing") {
		t.Errorf("still: %s", out)
	}
	s.stop()

	upgrade()
	out, errs := console(t, 0, "", "prepare", "--data", data, "--listen", "127.0.0.1:"+port)
	contains(t, out, "slow is prepared (", "wizer is prepared (")
	contains(t, errs, "2 of 2 apps are ready")
	s = serveData(t, data, "--listen", "127.0.0.1:"+port)
	s.ok("slow", "/")
	if got := seedOf(t, s.ok("wizer", "/")); got == seed {
		t.Error("the snapshot came back")
	}
	_, errs = console(t, 1, "", "prepare", "--data", data)
	contains(t, errs, "in use by another server")
	s.stop()
	out, _ = console(t, 1, "", "prepare", "--data", data, "--memory", "64KiB")
	contains(t, out, "cannot run: ", "raise --memory")
	_, errs = console(t, 1, "", "prepare", "--data", t.TempDir())
	contains(t, errs, "there are no apps in", "--data")
}
