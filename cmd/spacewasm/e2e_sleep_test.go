package main_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// timed asks an app with the admin token, and returns what Server-Timing says of the
// start.
func (s *server) timed(app string) string {
	s.t.Helper()
	r := s.request(http.MethodGet, app, "/", nil)
	r.Header.Set("Authorization", "Bearer "+s.token)
	a, err := s.try(r)
	must(s.t, err)
	if a.status != http.StatusOK {
		return fmt.Sprint(a.status)
	}
	found := regexp.MustCompile(`^queue;dur=[0-9.]+, start;desc="([a-z]+)";dur=[0-9.]+, run;dur=[0-9.]+, fuel;desc="[0-9]+"$`).
		FindStringSubmatch(a.header.Get("Server-Timing"))
	if found == nil {
		s.t.Fatalf("Server-Timing is %q", a.header.Get("Server-Timing"))
	}
	return found[1]
}

// A Micro that nobody asks for sleeps, at first without its instances, then without its
// code; its owner sees how deep it slept, and nobody else anything of it. T10.
func TestE2ESleep(t *testing.T) {
	s := serve(t, "--sleep", "400ms", "--deep-sleep", "1200ms")
	s.pushed("go", "application/wasm", read(t, buildMicro(t, "hello-handler.wasm", "../../examples/hello", asHandler)))
	s.pushed("small", "application/wasm", guest("hello"))
	for _, app := range []string{"go", "small"} {
		s.until(app+" to be reset", func() bool { return s.timed(app) == "reset" })
		time.Sleep(700 * time.Millisecond)
		if got := s.timed(app); got != "clone" {
			t.Errorf("%s after its instances have gone: %s", app, got)
		}
		time.Sleep(1500 * time.Millisecond)
		if got := s.timed(app); got != "load" {
			t.Errorf("%s after its code has gone: %s", app, got)
		}
		if got := s.get(app, "/").header.Get("Server-Timing"); got != "" {
			t.Errorf("a visitor is told %q", got)
		}
	}
	// Code that has gone meanwhile is made again.
	time.Sleep(1500 * time.Millisecond)
	alone := serveData(t, t.TempDir(), "--sleep", "50ms", "--deep-sleep", "50ms", "--server-timing", "all")
	alone.pushed("app", "application/wasm", guest("hello"))
	time.Sleep(300 * time.Millisecond)
	for _, file := range glob(t, alone.data, "cache/code/*/*") {
		must(t, os.Remove(file))
	}
	alone.get("app", "/").is(t, http.StatusServiceUnavailable, "preparing")
	alone.prepared("app")
	if got := alone.get("app", "/"); got.body != "hello\n" || !strings.Contains(got.header.Get("Server-Timing"), "start;desc=") {
		t.Errorf("%+v", got)
	}
}

const sleepers = 1000

// A thousand Micros that sleep cost the server little memory, and no time at its start.
func TestE2EThousandSleepers(t *testing.T) {
	if testing.Short() {
		t.Skip("pushes a thousand Micros")
	}
	s := serve(t, "--sleep", "100ms", "--deep-sleep", "200ms")
	files := map[string]string{"Spacefile": fiveMicros}
	for _, folder := range []string{"web", "other", "echo", "counter", "c"} {
		files[folder+"/main.wasm"] = string(guest("hello"))
	}
	bundle := zipped(t, files)
	const apps = sleepers / 5
	for i := range apps {
		s.pushed(fmt.Sprintf("app%d", i), "application/zip", bundle)
	}
	check := func(what string) {
		t.Helper()
		var c census
		s.until(what+" to sleep", func() bool {
			c = s.take()
			return c.files["image"] == 0 && c.files["/memfd:spacewasm-image (deleted)"] == 0
		})
		t.Logf("%s: %d MiB, %d threads", what, c.resident>>20, c.threads)
		if c.resident > 100<<20 {
			t.Errorf("%s: %d MiB resident", what, c.resident>>20)
		}
	}
	check("a thousand that have been pushed")
	s.stop()
	began := time.Now()
	s = serveData(t, s.data, "--sleep", "100ms", "--deep-sleep", "200ms")
	took := time.Since(began)
	t.Logf("ready after %v", took)
	if took > time.Second {
		t.Errorf("the start took %v", took)
	}
	check("a thousand at the start")
	for i := range apps {
		if got := s.ok(fmt.Sprintf("app%d", i), "/other/"); got != "hello\n" {
			t.Errorf("app %d answers %q", i, got)
		}
	}
	check("a thousand of which some were awake")
}
