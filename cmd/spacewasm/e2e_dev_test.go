package main_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// develop runs dev on a project of these files, below a folder that names the app.
func develop(t *testing.T, env []string, files map[string]string) (s *server, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "shop")
	for name, text := range files {
		save(t, filepath.Join(dir, name), text)
	}
	s = &server{process: &process{exited: make(chan struct{})}, t: t}
	s.prepare(exec.Command(program(t), "dev", "--listen", "127.0.0.1:0", dir))
	s.cmd.Env = append(s.cmd.Env, env...)
	s.reach()
	return s, dir
}

func save(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

const devSpacefile = `v: 0
micros:
  - {name: site, src: site, engine: static, serve: ., primary: true, public: true}
  - name: api
    src: api
    engine: wasm
    commands: [cp source.txt main.wasm]
    presets: {env: [{name: GREETING, default: unset}]}
`

// A project is built and served, and again when a file changes; all of its Micros answer at one address, private ones too.
func TestE2EDev(t *testing.T) {
	s, dir := develop(t, []string{"GREETING=from the shell"}, map[string]string{
		"Spacefile": devSpacefile, "site/index.html": "first page", "api/source.txt": string(guest("hello")),
	})
	answers := func(path, want string) {
		t.Helper()
		s.until(path+" to say "+want, func() bool { return strings.Contains(s.get("shop", path).body, want) })
	}
	answers("/", "first page")
	answers("/api", "hello\n")
	pid := s.cmd.Process.Pid

	// What has no commands is swapped as it is, soon.
	save(t, filepath.Join(dir, "site/index.html"), "second page")
	began := time.Now()
	answers("/", "second page")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the page was swapped after %v", took)
	}
	// Commands run again, and their own output is no change.
	save(t, filepath.Join(dir, "api/source.txt"), string(guest("env")))
	answers("/api", "GREETING=from the shell\n")
	time.Sleep(500 * time.Millisecond)
	if n := strings.Count(s.stderr.String(), "$ cp source.txt"); n > 3 { // at first, perhaps again, and after the change
		t.Errorf("the command ran %d times:\n%s", n, &s.stderr)
	}
	// A fault is shown in the browser, until it is mended.
	save(t, filepath.Join(dir, "Spacefile"), strings.Replace(devSpacefile, "engine: wasm", "engine: python3.9", 1))
	s.until("the fault to be shown", func() bool {
		a := s.get("shop", "/", "Accept", "text/html")
		return a.status == http.StatusServiceUnavailable && strings.Contains(a.body, "Spacefile:6:") && strings.Contains(a.body, "<pre")
	})
	save(t, filepath.Join(dir, "Spacefile"), devSpacefile)
	answers("/", "second page")
	// So is what a command says that fails.
	must(t, os.Remove(filepath.Join(dir, "api/source.txt")))
	s.until("the command's words to be shown", func() bool {
		return strings.Contains(s.get("shop", "/api", "Accept", "text/html").body, "source.txt")
	})
	save(t, filepath.Join(dir, "api/source.txt"), string(guest("stderr")))
	s.until("the log to be in the terminal", func() bool {
		s.get("shop", "/api")
		return strings.Contains(s.stderr.String(), "api | ")
	})
	contains(t, s.stderr.String(), "200 GET /api", "live at http://shop.localhost:"+s.port+"/")
	if s.cmd.Process.Pid != pid {
		t.Error("another process answers")
	}
	s.stop()
}

// It says what is wrong with what it was given.
func TestE2EDevRefuses(t *testing.T) {
	_, errs := console(t, 1, "", "dev", "nowhere")
	contains(t, errs, "is no folder", "spacewasm new")
	_, errs = console(t, 2, "", "dev", "--listen", "0.0.0.0:1", t.TempDir())
	contains(t, errs, "others can reach it")
}
