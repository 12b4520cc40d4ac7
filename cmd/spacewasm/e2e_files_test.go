package main_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestE2ETmpQuota(t *testing.T) {
	s := serve(t, "--tmp", "1MiB").withProbe()
	for range 2 { // what the first has filled is gone
		contains(t, s.ok("probe", "/fill"), "written 1048576\n", "size 1048576\n", "failed true\n")
	}
	s.pushed("tmpwrite", "application/wasm", guest("tmpwrite"))
	s.get("tmpwrite", "/").is(t, 200, "")
}

// Nothing of one request is seen by another, be it before or beside it.
func TestE2EIsolation(t *testing.T) {
	s := serve(t).withProbe()
	check := func(nonce, more string) {
		want := fmt.Sprintf("runs 1 files 0 mark %s error <nil>\n", nonce)
		if got := s.ok("probe", "/state?nonce="+nonce+more); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for i := range 3 {
		check(fmt.Sprint("one-", i), "")
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() { check(fmt.Sprint("many-", i), "&ms=200") })
	}
	group.Wait()
	if left := s.leftovers(); len(left) > 0 {
		t.Errorf("the requests have left %v", left)
	}
}

// leftovers lists what executions have left in the data directory.
func (s *server) leftovers() []string {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.data, "tmp"))
	must(s.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestE2EReadOnlyBundle(t *testing.T) {
	s := serve(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "main.wasm"), read(t, probe(t)), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "assets"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "assets", "note.txt"), []byte("a note"), 0o600))
	s.console(0, "push", dir, "--app", "probe")
	if got := s.ok("probe", "/readonly"); got != "intact\n" {
		t.Errorf("of a read-only bundle: %s", got)
	}
	for _, name := range []string{"/assets/note.txt", "assets/note.txt"} {
		if got := s.ok("probe", "/read?name="+name); got != "a note\nerror <nil>\n" {
			t.Errorf("read %s: %q", name, got)
		}
	}
}

// No link and no path leads out of the sandbox.
func TestE2EEscape(t *testing.T) {
	s := serve(t).withProbe()
	secret := filepath.Join(s.data, "token")
	targets := []string{
		"/link?to=/etc/passwd", "/link?to=../../etc/passwd", "/link?to=../../../../../../etc/passwd",
		"/link?to=/&then=etc/passwd", "/link?to=..&then=../../../../etc/passwd", "/link?to=" + url.QueryEscape(secret),
		"/link?to=../../token", "/link?to=/proc/self/environ", "/read?name=/etc/passwd",
		"/read?name=../../../../../etc/passwd", "/read?name=/tmp/../../../../etc/passwd", "/read?name=" + url.QueryEscape(secret),
	}
	for _, target := range targets {
		got := s.ok("probe", target)
		if strings.Contains(got, "root:") || strings.Contains(got, s.token) || strings.Contains(got, "error <nil>") {
			t.Errorf("%s led out: %s", target, got)
		}
	}
	// Within /tmp a link is a link.
	contains(t, s.ok("probe", "/link?to=nothing"), "made <nil>", "error open")
}
