package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const twoWithVariables = `v: 0
micros:
  - name: web
    src: web
    engine: wasm
    primary: true
    public: true
    presets:
      env:
        - {name: LEVEL, description: how much it says, default: info}
        - {name: MODE, description: what it does}
  - {name: api, src: api, engine: wasm, public: true}
`

// withVariables pushes an app of two Micros: one shows its environment, and the other
// initialises itself, so that its snapshot has its environment in it.
func (s *server) withVariables() *server {
	s.t.Helper()
	s.pushed("app", "application/zip", zipped(s.t, map[string]string{
		"Spacefile": twoWithVariables, "web/main.wasm": string(guest("env")), "api/main.wasm": string(guest("wizer")),
	}))
	return s
}

// variable is what the app's first Micro finds as the value of a variable.
func (s *server) variable(name string) (value string, ok bool) {
	s.t.Helper()
	value, ok = environment(s.ok("app", "/"))[name]
	return value, ok
}

func (s *server) hasVariables(want map[string]string) {
	s.t.Helper()
	for name, value := range want {
		if got, ok := s.variable(name); got != value || !ok {
			s.t.Errorf("%s is %q, %v; want %q", name, got, ok, value)
		}
	}
}

// setsVariable sets a variable, whose value comes by standard input.
func (s *server) setsVariable(value string, args ...string) (stdout, stderr string) {
	s.t.Helper()
	args = append(append([]string{"env", "app"}, args...), "--server", s.url)
	cmd := exec.Command(program(s.t), args...)
	cmd.Stdin = strings.NewReader(value)
	cmd.Env = []string{"SPACEWASM_TOKEN=" + s.token}
	return runConsole(s.t, cmd, 0)
}

// holding lists the files of the data directory in which a text stands.
func (s *server) holding(text string) []string {
	s.t.Helper()
	var found []string
	must(s.t, filepath.WalkDir(s.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return gone(err)
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return gone(err)
	}))
	return found
}

// T9: what an owner sets reaches the Micro at once, with a new snapshot and no
// compilation; the snapshot before it is deleted; and it stands nowhere to be read: not
// in logs, not in the data directory, not on a terminal that has not asked.
func TestE2EVariables(t *testing.T) {
	const secret, other = "correct-horse-battery", "staple-of-the-other"
	s := serveData(t, filepath.Join(t.TempDir(), "data")).withVariables()
	s.hasVariables(map[string]string{"LEVEL": "info"})
	if _, ok := s.variable("MODE"); ok {
		t.Error("a preset without a default is set")
	}
	seed := seedOf(t, s.ok("app", "/api/"))
	code, before := s.codeFiles(), glob(t, s.data, "cache/snapshots/*/*")

	out, errs := s.setsVariable(secret+"\n", "--set", "TOKEN")
	contains(t, errs, "with a new snapshot: api")
	contains(t, out, "TOKEN", "(all)", "******", "LEVEL", "info (default)", "not set", "how much it says")
	s.hasVariables(map[string]string{"TOKEN": secret, "LEVEL": "info"})
	second := seedOf(t, s.ok("app", "/api/"))
	if second == seed {
		t.Error("the snapshot is that of before")
	}
	s.until("the snapshot before to be gone", func() bool {
		now := glob(t, s.data, "cache/snapshots/*/*")
		return len(now) == 1 && !slices.Contains(before, now[0])
	})
	if now := s.codeFiles(); !slices.Equal(now, code) || len(code) == 0 {
		t.Errorf("code was compiled: %v, %v", code, now)
	}

	_, errs = s.console(0, "env", "app", "--micro", "web", "--set", "TOKEN="+other, "--set", "LEVEL=debug", "--set", "EMPTY=")
	if strings.Contains(errs, "snapshot") {
		t.Errorf("a Micro that has none: %s", errs)
	}
	s.hasVariables(map[string]string{"TOKEN": other, "LEVEL": "debug", "EMPTY": ""})
	if got := seedOf(t, s.ok("app", "/api/")); got != second {
		t.Error("another Micro's variable has made a new snapshot")
	}
	// One that fails with the new values changes nothing.
	_, errs = s.console(1, "env", "app", "--set", "INIT=trap", "--set", "TOKEN=never")
	contains(t, errs, "api: main.wasm: the initialiser wizer.initialize did not end well")
	s.hasVariables(map[string]string{"TOKEN": other})
	if _, ok := s.variable("INIT"); ok || seedOf(t, s.ok("app", "/api/")) != second {
		t.Error("a change that was refused has changed something")
	}

	out, _ = s.console(0, "env", "app", "--json")
	if strings.Contains(out, secret) || strings.Contains(out, other) {
		t.Errorf("values without having been asked for: %s", out)
	}
	out, _ = s.console(0, "env", "app", "--reveal")
	contains(t, out, secret, other)
	s.kill() // between no two writes: all of it is there
	s = serveData(t, s.data, "--listen", "127.0.0.1:"+s.port)
	s.hasVariables(map[string]string{"TOKEN": other, "LEVEL": "debug"})
	if got := seedOf(t, s.ok("app", "/api/")); got != second {
		t.Error("the restart has initialised it again")
	}
	s.console(0, "env", "app", "--micro", "web", "--unset", "TOKEN", "--unset", "LEVEL")
	s.hasVariables(map[string]string{"TOKEN": secret, "LEVEL": "info"})
	s.nowhere(secret, other)
	s.stop()
	s.nowhere(secret, other)
}

// T9: an app that cannot begin without a variable is pushed with it, and that stands nowhere to be read; of a
// push that fails nothing is set.
func TestE2EPushWithVariables(t *testing.T) {
	const secret, other = "correct-horse-battery", "staple-of-the-other"
	s := serveData(t, filepath.Join(t.TempDir(), "data"))
	dir := filepath.Join(t.TempDir(), "app")
	// Until somebody sets INIT, the second Micro's initialiser fails.
	save(t, filepath.Join(dir, "Spacefile"), strings.TrimSuffix(twoWithVariables, "public: true}\n")+"public: true, presets: {env: [{name: INIT, default: trap}]}}\n")
	save(t, filepath.Join(dir, "web", "main.wasm"), string(guest("env")))
	save(t, filepath.Join(dir, "api", "main.wasm"), string(guest("wizer")))
	save(t, filepath.Join(dir, ".env"), "INIT=nothing\nTOKEN="+secret+"\n")
	_, errs := s.console(1, "push", dir)
	contains(t, errs, "the initialiser")
	_, errs = s.console(1, "push", dir, "--env", "TOKEN="+secret)
	contains(t, errs, "the initialiser")
	_, errs = s.console(1, "env", "app", "--set", "INIT=nothing")
	contains(t, errs, "no app", "spacewasm push --env")
	_, errs = s.console(2, "push", dir, "--env", "1="+secret)
	contains(t, errs, "--env, the 1st")
	_, errs = s.console(2, "push", dir, "--env", "PORT="+secret)
	contains(t, errs, "PORT is a variable that the platform sets")

	out, errs := s.console(0, "push", dir, "--env-file", filepath.Join(dir, ".env"), "--env", "OTHER="+other)
	if strings.Contains(out+errs, secret) || strings.Contains(out+errs, other) {
		t.Errorf("the terminal shows a value: %s%s", out, errs)
	}
	s.hasVariables(map[string]string{"TOKEN": secret, "OTHER": other, "LEVEL": "info"})
	seed := seedOf(t, s.ok("app", "/api/"))
	s.kill() // between no two writes: all of it is there
	s = serveData(t, s.data, "--listen", "127.0.0.1:"+s.port)
	s.hasVariables(map[string]string{"TOKEN": secret, "OTHER": other})
	if got := seedOf(t, s.ok("app", "/api/")); got != seed {
		t.Error("the restart has initialised it again")
	}
	s.console(0, "push", dir) // they stay
	s.hasVariables(map[string]string{"TOKEN": secret, "OTHER": other})
	s.nowhere(secret, other)
	s.stop()
	s.nowhere(secret, other)
}

// nowhere checks that values stand in no file of the server's, and not in its log.
func (s *server) nowhere(values ...string) {
	s.t.Helper()
	if found := s.holding("DETA_SPACE_APP"); len(found) > 0 {
		s.t.Errorf("an environment stands in %v", found)
	}
	if len(s.holding("how much it says")) == 0 {
		s.t.Error("nothing of the app is found at all")
	}
	for _, value := range values {
		if found := s.holding(value); len(found) > 0 {
			s.t.Errorf("%q stands in %v", value, found)
		}
		if strings.Contains(s.stderr.String(), value) {
			s.t.Errorf("%q stands in the log", value)
		}
	}
}

// codeFiles describes the compiled code on the disk.
func (s *server) codeFiles() []string {
	s.t.Helper()
	var all []string
	for _, file := range glob(s.t, s.data, "cache/code/*/*") {
		info, err := os.Stat(file)
		must(s.t, err)
		all = append(all, file+info.ModTime().String())
	}
	return all
}

// T9: with another key the server starts, says of the apps with variables what is to be
// done, and they heal by that, or by the right key.
func TestE2EAnotherKey(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	s := serveData(t, filepath.Join(t.TempDir(), "data"), "--key-file", key).withVariables()
	s.pushed("plain", "application/wasm", guest("hello"))
	s.setsVariable("one\ntwo\n", "--set", "A", "--set", "B")
	s.setsVariable("three", "--micro", "web", "--set", "C")
	if len(glob(t, s.data, "*key*")) > 0 {
		t.Error("there is a key in the data directory")
	}
	s.stop()
	must(t, os.Rename(key, key+".right"))
	again := func() {
		t.Helper()
		s = serveData(t, s.data, "--listen", "127.0.0.1:"+s.port, "--key-file", key)
	}
	again()
	s.prepared("plain")
	_, errs := s.console(0, "ls")
	contains(t, errs, "app does not run: the key file is not the one", "A, B, C", "spacewasm env")
	s.get("app", "/").is(t, http.StatusServiceUnavailable, "preparing")
	out, _ := s.console(0, "env", "app", "--reveal")
	contains(t, out, "cannot be read: set it again")
	p := s.put("app", "application/wasm", bytes.NewReader(guest("hello"))).problem(t, http.StatusUnprocessableEntity, "refused")
	contains(t, p.Detail, "the key file is not the one")
	s.stop()

	must(t, os.Rename(key, key+".wrong"))
	must(t, os.Rename(key+".right", key))
	again()
	s.prepared("app")
	s.hasVariables(map[string]string{"A": "one", "B": "two", "C": "three"})
	s.stop()
	must(t, os.Rename(key+".wrong", key))
	again()
	s.setsVariable("1\n2", "--set", "A", "--set", "B") // C cannot be read still
	_, errs = s.console(0, "ls")
	contains(t, errs, "app does not run", "C")
	s.console(0, "env", "app", "--micro", "web", "--unset", "C")
	s.hasVariables(map[string]string{"A": "1", "B": "2"})
	seedOf(t, s.ok("app", "/api/"))
}

// A .env file is read as its authors mean it, and no error repeats what may be a secret.
func TestE2EEnvFile(t *testing.T) {
	s := serve(t).withVariables()
	dir := t.TempDir()
	file := filepath.Join(dir, ".env")
	must(t, os.WriteFile(file, []byte("# ours\nexport A=1\nB=\"two\\nlines\" # yes\nC='a$b'\n\nD=no # comment\n"), 0o600))
	s.console(0, "env", "app", "--file", file, "--set", "D=flag")
	var listed struct {
		Variables []struct{ Name, Value string }
	}
	out, _ := s.console(0, "env", "app", "--reveal", "--json")
	must(t, json.Unmarshal([]byte(out), &listed))
	want := map[string]string{"A": "1", "B": "two\nlines", "C": "a$b", "D": "flag", "LEVEL": "", "MODE": ""}
	for _, v := range listed.Variables {
		if v.Value != want[v.Name] {
			t.Errorf("%s is %q", v.Name, v.Value)
		}
		delete(want, v.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	const secret = "s3cret of mine"
	for _, text := range []string{"KEY=\"" + secret, secret, "KEY " + secret + "\n"} {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		_, errs := s.console(1, "env", "app", "--file", file)
		contains(t, errs, "want NAME=VALUE")
		if strings.Contains(errs, "s3cret") {
			t.Errorf("%q: %s", text, errs)
		}
	}
	for _, args := range [][]string{{"--set", secret}, {"--set", secret + "=x"}, {"--unset", secret}, {"--set", "DETA_X=" + secret}, {"--set", "HTTP_PROXY=" + secret}} {
		_, errs := s.console(2, append([]string{"env", "app"}, args...)...)
		if strings.Contains(errs, "s3cret") {
			t.Errorf("%q: %s", args, errs)
		}
	}
	_, errs := s.console(1, "env", "app", "--unset", "NEVER")
	contains(t, errs, `"NEVER" is not set`)
	_, errs = s.console(1, "env", "app", "--micro", "nobody", "--set", "A=1")
	contains(t, errs, `no Micro "nobody"`)
	_, errs = s.console(1, "env", "nobody")
	contains(t, errs, "spacewasm ls")
}

// A server that is killed while variables change comes up with what it has recorded:
// no less than it has answered with, and that is what the Micro finds.
func TestE2EChangeCrash(t *testing.T) {
	s := serveData(t, filepath.Join(t.TempDir(), "data")).withVariables()
	for round := range 4 {
		answered := make(chan int, 1000)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := 1; ; i++ {
				r := s.request(http.MethodPatch, "", "/api/v1/apps/app/env",
					strings.NewReader(fmt.Sprintf(`{"set": {"N": "%d"}}`, round*1000+i)), "Content-Type", "application/json", "Authorization", "Bearer "+s.token)
				if a, err := s.try(r); err != nil || a.status != http.StatusOK {
					return
				}
				answered <- round*1000 + i
			}
		}()
		last := <-answered
		time.Sleep(time.Duration(37*round) * time.Millisecond)
		s.kill()
		<-ended
		for len(answered) > 0 {
			last = <-answered
		}
		s = serveData(t, s.data, "--listen", "127.0.0.1:"+s.port)
		var listed struct {
			Variables []struct{ Name, Value string }
		}
		out, _ := s.console(0, "env", "app", "--reveal", "--json")
		must(t, json.Unmarshal([]byte(out), &listed))
		stored := listed.Variables[0].Value
		if got, _ := s.variable("N"); got != stored || stored != strconv.Itoa(last) && stored != strconv.Itoa(last+1) {
			t.Errorf("answered %d, stored %s, the Micro has %q", last, stored, got)
		}
		seedOf(t, s.ok("app", "/api/"))
		s.until("the snapshots of what was not recorded to be gone", func() bool { return len(glob(t, s.data, "cache/snapshots/*/*")) == 1 })
	}
}
