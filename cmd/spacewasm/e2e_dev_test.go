package main_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
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
	return developIn(t, env, "--listen", "127.0.0.1:0", dir), dir
}

// developIn runs dev with these arguments.
func developIn(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	s := &server{process: &process{exited: make(chan struct{})}, t: t}
	s.prepare(exec.Command(program(t), append([]string{"dev"}, args...)...))
	s.cmd.Env = append(s.cmd.Env, env...)
	s.reach()
	return s
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

// says waits until the app's answer has a text in it.
func (s *server) says(path, want string) {
	s.t.Helper()
	s.until(path+" to say "+want, func() bool { return strings.Contains(s.get("shop", path).body, want) })
}

// tells waits until the terminal shows a text so many times.
func (s *server) tells(times int, want string) {
	s.t.Helper()
	s.until("the terminal to show "+want, func() bool { return strings.Count(s.stderr.String(), want) >= times })
}

// A project is built and served, and again when a file changes; all of its Micros answer at one address, private ones too.
func TestE2EDev(t *testing.T) {
	s, dir := develop(t, []string{"GREETING=from the shell"}, map[string]string{
		"Spacefile": devSpacefile, "site/index.html": "first page", "api/source.txt": string(guest("hello")),
	})
	answers := func(path, want string) { t.Helper(); s.says(path, want) }
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
	if n := strings.Count(s.stderr.String(), "$ cp source.txt"); n > 3 { // at first and after the change, which may be seen half written
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
	contains(t, s.stderr.String(), "200 GET /api", "rebuilt in ", "live at http://shop.localhost:"+s.port+"/")
	if s.cmd.Process.Pid != pid {
		t.Error("another process answers")
	}
	s.stop()
}

// A module that is copied over is live within a second of that, but for the time that
// the project has to be quiet; without another process.
func TestE2EDevSwaps(t *testing.T) {
	s, dir := develop(t, nil, map[string]string{"main.wasm": string(guest("hello"))})
	s.says("/", "hello\n")
	best := time.Hour
	for _, tc := range []struct{ guest, want string }{{"env", "GATEWAY_INTERFACE="}, {"args", "main.wasm"}, {"hello", "hello\n"}} {
		began := time.Now()
		save(t, filepath.Join(dir, "main.wasm"), string(guest(tc.guest)))
		s.says("/", tc.want)
		best = min(best, time.Since(began))
	}
	if most := time.Second + 60*time.Millisecond; best > most {
		t.Errorf("the best swap took %v, want %v", best, most)
	}
	t.Logf("the best swap took %v", best)
}

// slowSpacefile has a Micro whose build takes as long as its source says, and another.
const slowSpacefile = `v: 0
micros:
  - {name: api, src: api, engine: wasm, primary: true, commands: [". ./source"]}
  - {name: site, src: site, engine: static, serve: .}
`

// A change during a build ends its commands, as often as need be, and the end of dev does;
// until the first build is through, that is what a visitor is told, and then the last that was.
func TestE2EDevOvertakes(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	hang := func(word string) string { return "echo $$ >" + pid + "; echo " + word + "; exec sleep 600" }
	s, dir := develop(t, nil, map[string]string{
		"Spacefile": slowSpacefile, "site/index.html": "page", "api/source": hang("one"),
		"api/hello.bin": string(guest("hello")), "api/env.bin": string(guest("env")),
	})
	source := filepath.Join(dir, "api/source")
	s.tells(1, "api | one\n")
	s.get("shop", "/").problem(t, http.StatusServiceUnavailable, "preparing")
	save(t, source, hang("two"))
	s.tells(1, "api | two\n")
	save(t, source, "cp hello.bin main.wasm")
	s.says("/", "hello\n")
	save(t, source, hang("three"))
	s.tells(1, "api | three\n")
	if got := s.ok("shop", "/"); got != "hello\n" {
		t.Errorf("during a build it answers %q", got)
	}
	overtaken := readPID(t, pid)
	save(t, source, "cp env.bin main.wasm")
	s.says("/", "GATEWAY_INTERFACE=")
	ended(t, overtaken)
	save(t, source, hang("four"))
	s.tells(1, "api | four\n")
	s.stop()
	ended(t, readPID(t, pid))
}

// ended waits until a process is no more.
func ended(t *testing.T, pid int) {
	t.Helper()
	for range 500 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(string(read(t, file))))
	must(t, err)
	return pid
}

// A build that failed is tried again with the next change, of whatever Micro: until it
// goes well, nothing else hides the fault.
func TestE2EDevKeepsFault(t *testing.T) {
	s, dir := develop(t, nil, map[string]string{
		"Spacefile": slowSpacefile, "site/index.html": "first page",
		"api/source": "cp hello.bin main.wasm", "api/hello.bin": string(guest("hello")),
	})
	s.says("/", "hello\n")
	// With what would be a tag and a colour, if the page took it for that.
	save(t, filepath.Join(dir, "api/source"), `printf 'no <b>\033[31msuch\033[0m</b> thing\n'; exit 7`)
	s.says("/", "such")
	page := s.get("shop", "/", "Accept", "text/html").body
	contains(t, page, "no &lt;b&gt;such&lt;/b&gt; thing", "exit status 7")
	s.get("shop", "/").problem(t, http.StatusServiceUnavailable, "build_failed")
	save(t, filepath.Join(dir, "site/index.html"), "second page")
	s.tells(2, "failed: exit status 7")
	s.get("shop", "/site").problem(t, http.StatusServiceUnavailable, "build_failed")
	save(t, filepath.Join(dir, "api/source"), "cp hello.bin main.wasm")
	s.says("/site/", "second page")
	s.says("/", "hello\n")
}

// A variable has its value of the shell, else of the file .env as it stands, else its default;
// what an earlier start has set does not stay. What was built then answers at once.
func TestE2EDevVariables(t *testing.T) {
	home := "HOME=" + t.TempDir()
	env := `v: 0
micros:
  - {name: api, src: ., engine: wasm, primary: true, presets: {env: [{name: SHELL_ONE, default: d1}, {name: FILE_ONE, default: d2}]}}
`
	s, dir := develop(t, []string{home, "SHELL_ONE=shell"}, map[string]string{
		"Spacefile": env, "main.wasm": string(guest("env")), ".env": "SHELL_ONE=file\nFILE_ONE='of a file'\n",
	})
	s.says("/", "SHELL_ONE=shell\n")
	s.says("/", "FILE_ONE=of a file\n")
	save(t, filepath.Join(dir, ".env"), "FILE_ONE=changed\n")
	s.says("/", "FILE_ONE=changed\n")
	contains(t, s.get("shop", "/").body, "SHELL_ONE=shell\n")
	again := exec.Command(program(t), "dev", "--listen", "127.0.0.1:0", dir)
	again.Env = []string{home, "XDG_CACHE_HOME="}
	_, errs := runConsole(t, again, 1)
	contains(t, errs, "is served by another spacewasm dev")
	s.stop()
	must(t, os.Remove(filepath.Join(dir, ".env")))
	s = developIn(t, []string{home}, "--listen", "127.0.0.1:0", dir)
	if got := s.get("shop", "/"); got.status != http.StatusOK {
		t.Errorf("at once it answers %d", got.status)
	}
	s.says("/", "SHELL_ONE=d1\n")
	s.says("/", "FILE_ONE=d2\n")
	for _, secret := range []string{"shell", "of a file"} {
		if strings.Contains(s.stderr.String(), secret) {
			t.Errorf("the terminal shows %q", secret)
		}
	}
}

// A Micro that cannot begin without a variable has it from the first build on.
func TestE2EDevNeedsVariable(t *testing.T) {
	s, _ := develop(t, []string{"INIT=nothing"}, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - {name: api, src: ., engine: wasm, presets: {env: [{name: INIT, default: trap}]}}\n", "main.wasm": string(guest("wizer")),
	})
	s.until("it to answer", func() bool { return s.get("shop", "/").status == http.StatusOK })
}

// Unless an address is given, the next free port will do.
func TestE2EDevNextPort(t *testing.T) {
	project := func() string {
		dir := filepath.Join(t.TempDir(), "shop")
		save(t, filepath.Join(dir, "main.wasm"), string(guest("hello")))
		return dir
	}
	one, two := developIn(t, nil, project()), developIn(t, nil, project())
	one.says("/", "hello\n")
	two.says("/", "hello\n")
	if one.port == two.port {
		t.Errorf("both have port %s", one.port)
	}
	_, errs := console(t, 1, "", "dev", "--listen", "127.0.0.1:"+one.port, project())
	contains(t, errs, "another program listens there")
}

// T37: commands need no token for it, and send it none that they find; another server still wants one.
func TestE2EDevWantsNoToken(t *testing.T) {
	action := "    actions: [{id: tick, name: Tick, trigger: schedule, default_interval: 1 day, path: /}]\n"
	s, _ := develop(t, nil, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - name: web\n    src: .\n    engine: wasm\n" + action, "main.wasm": string(guest("hello")),
	})
	s.says("/", "hello\n")
	folder, address := t.TempDir(), "http://localhost:"+s.port
	save(t, filepath.Join(folder, "spacewasm-data", "token"), "sw_of_another_server\n")
	for _, in := range []string{t.TempDir(), folder} {
		out, _ := consoleIn(t, in, 0, "actions", "run", "shop", "tick", "--server", address)
		contains(t, out, "ok (200)", "hello")
		out, _ = consoleIn(t, in, 0, "ls", "--server", address)
		contains(t, out, "shop")
		consoleIn(t, in, 0, "logs", "shop", "--server", address)
	}
	// Neither does one that is wrong do harm: the shell may have it for another server.
	console(t, 0, "", "ls", "--server", address, "--token", "sw_of_another_server")
	other := serve(t)
	_, errs := console(t, 1, "", "ls", "--server", other.url)
	contains(t, errs, "no token for "+other.url)
	_, errs = consoleIn(t, folder, 1, "ls", "--server", other.url)
	contains(t, errs, "did not prove that it knows the token")
}

// It says what is wrong with what it was given.
func TestE2EDevRefuses(t *testing.T) {
	_, errs := console(t, 1, "", "dev", "nowhere")
	contains(t, errs, "is no folder", "spacewasm new")
	_, errs = console(t, 2, "", "dev", "--listen", "0.0.0.0:1", t.TempDir())
	contains(t, errs, "others can reach it")
}

// A build whose files have new names each time, as those of bundlers, is not begun again for them; what it leaves running is ended.
func TestE2EDevNewNames(t *testing.T) {
	s, dir := develop(t, nil, map[string]string{
		"Spacefile": "v: 0\nmicros:\n  - name: site\n    src: .\n    engine: svelte\n    serve: dist\n    public: true\n" +
			"    commands: ['mkdir -p dist; sleep 1000 >/dev/null 2>&1 & echo $! >>dist/pids', 'cat page.txt >dist/index.html; echo >dist/$(date +%s%N).js']\n",
		"page.txt": "first",
	})
	s.until("the first build", func() bool { return strings.Contains(s.get("shop", "/").body, "first") })
	save(t, filepath.Join(dir, "page.txt"), "second")
	s.until("the second", func() bool { return strings.Contains(s.get("shop", "/").body, "second") })
	time.Sleep(time.Second)
	if n := strings.Count(s.stderr.String(), "$ cat"); n > 4 {
		t.Errorf("built %d times", n)
	}
	for _, pid := range strings.Fields(string(read(t, filepath.Join(dir, "dist/pids")))) {
		if state, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(state), ") Z ") {
			t.Errorf("process %s is left: %s", pid, state)
		}
	}
}
