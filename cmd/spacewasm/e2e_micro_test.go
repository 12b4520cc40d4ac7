package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// buildMicro builds a Micro on the SDK as a handler.
func buildMicro(t *testing.T, name, pkg string, env ...string) string {
	t.Helper()
	return artefact(t, func() (string, error) {
		return goBuild(name, pkg, append(env, "GOOS=wasip1", "GOARCH=wasm")...)
	})
}

const asHandler = "GOFLAGS=-buildmode=c-shared"

// A Micro on the SDK meets in each request what main has left, and nothing of
// another request.
func TestE2EMicro(t *testing.T) {
	s := serve(t, "--timeout", "3s")
	module := read(t, buildMicro(t, "micro.wasm", "../../wasi/testdata/micro", asHandler))
	app := s.pushed("app", "application/zip", zipped(t, map[string]string{"main.wasm": string(module), "data.txt": "of the bundle"}))
	if m := app.Micros[0]; m.Contract != "handler" || !m.Snapshot.Taken {
		t.Errorf("got %+v", m)
	}
	out, _ := s.console(0, "logs", "app")
	contains(t, out, "main is ready")
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 20 {
				if got := s.ok("app", "/count"); got != `count 1 data "of the bundle" error <nil>`+"\n" {
					t.Errorf("it answers %q", got)
				}
			}
		})
	}
	clients.Wait()
	for target, want := range map[string]string{
		"/clock": "on and near\n", "/go": "a goroutine\n", "/tmp": "true <nil>\n", "/env": "app\n",
	} {
		for range 3 {
			if got := s.ok("app", target); got != want {
				t.Errorf("%s answers %q, want %q", target, got, want)
			}
		}
	}
	seeds, anew := map[string]bool{}, map[string]bool{}
	for range 5 {
		a, b, _ := strings.Cut(strings.TrimSpace(s.ok("app", "/rand")), " ")
		seeds[a], anew[b] = true, true
	}
	if len(seeds) != 1 || len(anew) != 5 {
		t.Errorf("math/rand/v2 gives %d numbers in 5 requests, micro.Rand %d", len(seeds), len(anew))
	}
	microBodies(t, s)
	s.get("app", "/panic").problem(t, http.StatusBadGateway, "crashed")
	out, _ = s.console(0, "logs", "app")
	contains(t, out, "panic: on purpose")
	s.get("app", "/exit").problem(t, http.StatusBadGateway, "exited")
	s.get("app", "/spin").problem(t, http.StatusGatewayTimeout, "deadline")
	s.get("app", "/none").is(t, http.StatusNotFound, "")
	s.ok("app", "/count")
}

// microBodies sends and gets bodies up to the limits.
func microBodies(t *testing.T, s *server) {
	t.Helper()
	const most = 5767168
	for _, n := range []int{0, 1, 5000, 70_000, most} {
		body := bytes.Repeat([]byte("y"), n)
		a := s.do(s.request(http.MethodPost, "app", "/echo", bytes.NewReader(body), "Content-Type", "a/b"))
		if a.status != http.StatusOK || a.body != string(body) || (n > 0 && a.header.Get("Content-Type") != "a/b") {
			t.Errorf("%d bytes: %d, %d bytes", n, a.status, len(a.body))
		}
	}
	// Of unknown length.
	a := s.do(s.request(http.MethodPost, "app", "/echo", io.MultiReader(strings.NewReader("in "), strings.NewReader("chunks"))))
	if a.body != "in chunks" {
		t.Errorf("chunks: %d %q", a.status, a.body)
	}
	s.get("app", fmt.Sprint("/bytes?n=", most+1)).problem(t, http.StatusBadGateway, "response_too_large")
	if got := s.ok("app", fmt.Sprint("/bytes?n=", most)); len(got) != most {
		t.Errorf("the largest response has %d bytes", len(got))
	}
}

// One source works as a handler, as a command (which answers as a CGI program where
// it is run as one), and natively.
func TestE2EOneSource(t *testing.T) {
	s := serve(t)
	const hello = "../../examples/hello"
	plain := buildMicro(t, "hello-plain.wasm", hello)
	for app, file := range map[string]string{"handler": buildMicro(t, "hello-handler.wasm", hello, asHandler), "command": plain} {
		if m := s.pushed(app, "application/wasm", read(t, file)).Micros[0]; m.Contract != "handler" || !m.Snapshot.Taken {
			t.Errorf("%s: %+v", app, m)
		}
		for range 3 {
			if got := s.ok(app, "/"); got != lines("Hello from %s.localhost:%s!", app, s.port) {
				t.Errorf("%s answers %q", app, got)
			}
		}
	}
	cgi := exec.Command(program(t), "run", plain)
	cgi.Env = []string{
		"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1", "HTTP_HOST=cgi.example", "REQUEST_URI=/",
	}
	out, _ := runConsole(t, cgi, 0)
	contains(t, out, "Status: 200", "Hello from cgi.example!")

	native := artefact(t, func() (string, error) { return goBuild("hello-native", hello) })
	port := freePort(t)
	cmd := exec.Command(native)
	cmd.Env = append(os.Environ(), "PORT="+port)
	must(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	s.until("the native program to answer", func() bool {
		res, err := http.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return err == nil && string(text) == "Hello from 127.0.0.1:"+port+"!\n"
	})
}

// freePort is one that nobody listens on, a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// The guestbook, with its templates and its cookie, is a handler too.
func TestE2EGuestbook(t *testing.T) {
	s := serve(t)
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("../../examples/guestbook")))
	must(t, os.WriteFile(filepath.Join(dir, "main.wasm"), read(t, buildMicro(t, "guestbook.wasm", "../../examples/guestbook", asHandler)), 0o600))
	_, errs := s.console(0, "push", "--app", "book", dir)
	contains(t, errs, "handler")
	contains(t, s.ok("book", "/"), "<form", "</html>")
}
