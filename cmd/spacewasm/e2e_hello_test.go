package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// helloProject puts a module and its example's Spacefile into a folder.
func helloProject(t *testing.T, name, module string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "main.wasm"), read(t, module), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "Spacefile"), read(t, filepath.Join("../../examples", name, "Spacefile")), 0o644))
	return dir
}

// lastLine is the last line of a text.
func lastLine(text string) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return all[len(all)-1]
}

func TestE2EHelloGo(t *testing.T) {
	s := serve(t)
	dir := helloProject(t, "hello", helloGo(t))
	out, _ := s.console(0, "push", dir)
	want := "http://hello.localhost:" + s.port + "/"
	if lastLine(out) != want {
		t.Errorf("push printed %q last, want %q", lastLine(out), want)
	}
	if got := s.ok("hello", "/"); got != lines("Hello from hello.localhost:%s!", s.port) {
		t.Errorf("hello answered %q", got)
	}
	helloAgain(t, s, dir, want)
	out, _ = s.console(0, "ls")
	contains(t, out, "hello", want)
	out, _ = s.console(0, "ls", "--json")
	contains(t, out, `"revision": 2`)
	s.console(0, "rm", "hello", "--yes")
	s.get("hello", "/").problem(t, http.StatusNotFound, "not_found")
	s.console(1, "rm", "hello", "--yes")
}

// helloAgain pushes a second time, and wants the facts.
func helloAgain(t *testing.T, s *server, dir, url string) {
	t.Helper()
	out, _ := s.console(0, "push", dir, "--json")
	var d deployed
	must(t, json.Unmarshal([]byte(out), &d))
	if d.App != "hello" || d.Revision != 2 || d.URL != url || len(d.Micros) != 1 {
		t.Fatalf("push --json printed %s", out)
	}
	m := d.Micros[0]
	if m.Name != "hello" || m.Path != "/" || m.Contract != "cgi" || !m.Primary || m.WasmBytes < 1<<20 || m.CompileMS < 0 ||
		m.Snapshot == nil || m.Snapshot.Taken || m.Snapshot.Reason == "" {
		t.Errorf("push --json printed %s", out)
	}
}

func TestE2EHelloC(t *testing.T) {
	s := serve(t)
	out, _ := s.console(0, "push", helloProject(t, "hello-c", helloC(t)))
	if want := "http://hello-c.localhost:" + s.port + "/"; lastLine(out) != want {
		t.Errorf("push printed %q last, want %q", lastLine(out), want)
	}
	a := s.get("hello-c", "/some/path?q=1")
	a.is(t, http.StatusOK, "")
	if want := lines("Hello from C!\nGET /some/path?q=1 on hello-c.localhost:%s", s.port); a.body != want {
		t.Errorf("hello-c answered %q, want %q", a.body, want)
	}
	e := s.logged("hello-c", a.header.Get("X-Space-Request-Id"), func(e entry) bool { return e.Source == "guest" })
	if strings.TrimSpace(e.Message) != "said hello" || e.Micro != "hello-c" || e.Time.IsZero() {
		t.Errorf("the log has %+v", e)
	}
	out, _ = s.console(0, "logs", "hello-c")
	contains(t, out, "said hello", a.header.Get("X-Space-Request-Id"))
}

// The same Micro without an SDK, as a handler in C and as a command in Rust.
func TestE2EHelloTwins(t *testing.T) {
	s := serve(t)
	for name, build := range map[string]func(t *testing.T, out string){
		"handler-c": func(t *testing.T, out string) {
			t.Helper()
			helloC(t) // skips where there is no clang
			must(t, tool(nil, "clang", "--target=wasm32-wasi", "-mexec-model=reactor", "-Os", "-Wall", "-Werror", "-o", out, "../../examples/handler-c/main.c"))
		},
		"hello-rust": func(t *testing.T, out string) {
			t.Helper()
			must(t, tool(nil, rustc(t), "--target", "wasm32-wasi", "-C", "opt-level=z", "-C", "lto", "-C", "panic=abort", "-o", out, "../../examples/hello-rust/main.rs"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			module := filepath.Join(t.TempDir(), "main.wasm")
			build(t, module)
			s.console(0, "push", helloProject(t, name, module))
			language := map[string]string{"handler-c": "C", "hello-rust": "Rust"}[name]
			for range 3 {
				a := s.get(name, "/some/path?q=1")
				if want := fmt.Sprintf("Hello from %s!\nGET /some/path?q=1 on %s.localhost:%s\n", language, name, s.port); a.body != want || a.status != http.StatusOK {
					t.Errorf("it answered %d %q, want %q", a.status, a.body, want)
				}
			}
			s.until("its log", func() bool {
				out, _ := s.console(0, "logs", name)
				return strings.Contains(out, "said hello")
			})
		})
	}
}

// rustc is a compiler that has the target; without one the test is skipped.
func rustc(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"rustc", "/usr/bin/rustc"} {
		dir, err := exec.Command(name, "--print", "target-libdir", "--target", "wasm32-wasi").Output()
		if _, missing := os.Stat(strings.TrimSpace(string(dir))); err == nil && missing == nil {
			return name
		}
	}
	t.Skip("no rustc has the target wasm32-wasi (Debian: rustc, libstd-rust-dev-wasm32)")
	return ""
}

// A lone module is an app with one public Micro, named after its file.
func TestE2EHelloModule(t *testing.T) {
	s := serve(t)
	file := filepath.Join(t.TempDir(), "greeting.wasm")
	must(t, os.WriteFile(file, read(t, helloGo(t)), 0o600))
	out, _ := s.console(0, "push", file)
	if want := "http://greeting.localhost:" + s.port + "/"; lastLine(out) != want {
		t.Errorf("push printed %q last, want %q", lastLine(out), want)
	}
	contains(t, s.ok("greeting", "/"), "Hello from greeting.localhost")
	s.console(0, "push", file, "--app", "other")
	contains(t, s.ok("other", "/"), "Hello from other.localhost")
}
