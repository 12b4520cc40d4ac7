package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandsBuild(t *testing.T) {
	server := newFakeServer(t)
	dir := tree(t, map[string]string{
		"Spacefile": spacefile(
			`{name: web, src: web, engine: react, primary: true, commands: ["mkdir dist", "echo $SPACEWASM_MICRO >dist/index.html; echo out; echo err >&2; printf rest"]}`,
			`{name: api, src: api, engine: wasm, commands: ["printf w >main.wasm", "echo token ${SPACEWASM_TOKEN-none}"]}`),
		"web/package.json": "{}", "api/main.go": "package main",
	})
	t.Setenv("SPACEWASM_TOKEN", "secret") // which no build is told
	k := newConsole(t)
	k.run(t, 0, "push", dir, "--app", "hello", "--server", server.URL, "--token", "secret")
	wants(t, k.err.String(), "web | $ mkdir dist\n", "web | out\n", "web | err\n", "web | rest\n", "api | token none\n")
	if got := names(untar(t, server.pushed)); got != "Spacefile api/ api/main.go api/main.wasm web/ web/dist/ web/dist/index.html" {
		t.Errorf("packed %s", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, "web/dist/index.html"))
	must(t, err)
	if string(text) != "web\n" {
		t.Errorf("SPACEWASM_MICRO was %q", text)
	}
	// Again the first fails, as the folder is there: nothing is sent, and nothing else run.
	server.pushed = nil
	k.run(t, 1, "push", dir, "--app", "hello", "--server", server.URL, "--token", "secret")
	wants(t, k.err.String(), "micro web: `mkdir dist` failed: exit status 1; nothing was sent", "--skip-commands")
	if server.pushed != nil || strings.Contains(k.err.String(), "api |") {
		t.Errorf("it went on:\n%s", k.err.String())
	}
	k.run(t, 0, "push", dir, "--app", "hello", "--server", server.URL, "--token", "secret", "--skip-commands")
	if server.pushed == nil || strings.Contains(k.err.String(), "$ ") {
		t.Errorf("commands ran:\n%s", k.err.String())
	}
}

// One Micro's output is shown as it is; what its commands do not make is a fault.
func TestCommandsOfOneMicro(t *testing.T) {
	dir := tree(t, map[string]string{"Spacefile": spacefile(`{name: a, src: ., engine: wasm, commands: ["echo hello"]}`)})
	k := newConsole(t)
	k.run(t, 1, "push", dir, "--app", "hello", "--server", "http://127.0.0.1:1", "--token", "secret")
	wants(t, k.err.String(), "\nhello\n", "there is no file main.wasm; its `commands` have run, and have not made it")
}

// Where a module is missing and its source is there, the command that makes it is named.
func TestCommandsAreNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ run, want string }{
		{"main.wasm", "with `commands: [\"GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o main.wasm .\"]`"},
		{"other.wasm", "or have its `commands` build it\n"},
	} {
		dir := tree(t, map[string]string{
			"Spacefile":  spacefile(`{name: a, src: api, engine: wasm, run: ` + tc.run + `}`),
			"api/go.mod": "module x", "api/main.go": goSDK,
		})
		k := newConsole(t)
		k.run(t, 1, "push", dir, "--app", "hello", "--server", "http://127.0.0.1:1", "--token", "secret")
		wants(t, k.err.String(), "there is no file api/"+tc.run, tc.want)
	}
}

// What would stop a push anyway is said before a build.
func TestCommandsComeAfterFaults(t *testing.T) {
	micros := []string{`{name: a, src: ., engine: wasm, primary: true, commands: ["touch ran"]}`, `{name: b, src: gone, engine: wasm}`}
	for _, tc := range []struct {
		micros []string
		args   []string
	}{
		{micros, []string{"--token", "secret"}},
		{[]string{`{name: a, src: ., engine: wasm, commands: ["touch ran"], bogus: 1}`}, []string{"--token", "secret"}},
		{micros[:1], nil},
	} {
		dir := tree(t, map[string]string{"Spacefile": spacefile(tc.micros...)})
		newConsole(t).run(t, 1, append([]string{"push", dir, "--app", "hello", "--server", "http://127.0.0.1:1"}, tc.args...)...)
		if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
			t.Errorf("%v: the command ran", tc.micros)
		}
	}
}
