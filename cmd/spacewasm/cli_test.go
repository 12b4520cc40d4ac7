package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// Who pushes a private app is told how its owner asks for it.
func TestPushPrivate(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	dir := filepath.Join(tree(t, map[string]string{"hello/main.wasm": "w"}), "hello")
	const header = `-H "Authorization: Bearer $(spacewasm token)"`
	for _, public := range []bool{true, false} {
		server.app.Micros[0].Primary, server.app.Micros[0].Public = true, public
		k.run(t, 0, "push", dir, "--server", server.URL, "--token", "secret")
		if got := strings.Contains(k.err.String(), header); got == public {
			t.Errorf("public %v: %s", public, k.err.String())
		}
	}
}

func TestPushFolder(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	dir := filepath.Join(tree(t, map[string]string{"Hello/main.wasm": "w"}), "Hello")
	k.run(t, 0, "push", dir, "--server", server.URL, "--token", "secret")
	if got, want := k.out.String(), "http://hello.localhost:4200/\n"; got != want {
		t.Errorf("standard output is %q, want %q", got, want)
	}
	wants(t, k.err.String(), "packing", "uploading", "compiling", "revision 7", "MICRO", "5.7 MB", "2.2s", "none: a cgi module",
		"curl --resolve hello.localhost:4200:127.0.0.1 http://hello.localhost:4200/")
	if server.kind != "application/gzip" || names(untar(t, server.pushed)) != "main.wasm" {
		t.Errorf("pushed %s with %s", server.kind, names(untar(t, server.pushed)))
	}
}

func TestPushFiles(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	dir := tree(t, map[string]string{"hello.wasm": "w", "hello.zip": "z", "hello.tar.gz": "t", "hello.tgz": "t", "hello.txt": "no"})
	for file, kind := range map[string]string{
		"hello.wasm": "application/wasm", "hello.zip": "application/zip",
		"hello.tar.gz": "application/gzip", "hello.tgz": "application/gzip",
	} {
		k.run(t, 0, "push", filepath.Join(dir, file), "--json", "--server", server.URL, "--token", "secret")
		var app wire.App
		must(t, json.Unmarshal(k.out.Bytes(), &app))
		if server.kind != kind || string(server.pushed) != file[6:7] || app.Revision != 7 {
			t.Errorf("%s was pushed as %s %q, answered %+v", file, server.kind, server.pushed, app)
		}
	}
	k.run(t, 1, "push", filepath.Join(dir, "hello.txt"), "--server", server.URL, "--token", "secret")
	wants(t, k.err.String(), "hello.txt", ".tar.gz")
}

func TestPushWithTheWrongToken(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	k.env["SPACEWASM_TOKEN"] = "stale"
	k.run(t, 1, "push", tree(t, map[string]string{"main.wasm": "w"}), "--app", "hello", "--server", server.URL)
	wants(t, k.err.String(), "the token is wrong (error id e-1)", "came from the variable SPACEWASM_TOKEN")
}

func TestOtherCommands(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "secret"
	k.run(t, 0, "ls")
	wants(t, k.out.String(), "APP", "hello", "3 hours", "http://hello.localhost:4200/")
	k.run(t, 0, "open", "hello")
	wants(t, k.out.String(), "http://hello.localhost:4200/\n")
	k.run(t, 0, "rm", "hello")
	k.run(t, 1, "rm", "other")
	wants(t, k.err.String(), "there is no app", "spacewasm ls")
	k.run(t, 0, "logs", "hello", "--since", "1h")
	wants(t, k.out.String(), "  web  r1  platform/crashed  a\\x1b[31m\n    b\n")
	k.run(t, 0, "logs", "hello", "--json")
	wants(t, k.out.String(), `"message":"a\u001b[31m\nb\n"`)
	k.run(t, 2, "logs", "hello", "--since", "-1h")
	k.run(t, 2, "logs", "hello", "--status", "6xx")
	wants(t, k.err.String(), "--status \"6xx\"", "5xx")
	k.run(t, 2, "logs", "hello", "-f", "--until", "1h")
	k.run(t, 0, "logs", "hello", "--since", "2026-01-02T03:04:05Z", "--until", "1m", "--grep", "a", "--request", "r1", "-n", "5")
}

// T28: what guests and visitors have written does nothing to the terminal.
func TestReportsCommand(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "secret"
	k.run(t, 0, "reports", "hello")
	wants(t, k.out.String(), "ID ", "r1 ", "crashed", "un\\x1b[31mreachable", "node_full, without a report: 9")
	k.run(t, 0, "reports", "hello", "r1")
	wants(t, k.out.String(), "the program crashed (502 crashed)", "web, revision 3", "1.2 ms", "clone", "1.5s of 20s", "1.0 MiB of 512 MiB",
		"fuel     77\n", "the connection was cut", "4 more", "\nstack\n    main.f()\n", "\nlog\n    a\\x1b[31m\n    b\n", "\nrequest\n    GET /x HTTP/1.1\n    Cookie: [masked]\n")
	k.run(t, 0, "reports", "hello", "r1", "--json")
	wants(t, k.out.String(), `"a\u001b[31m"`)
	k.run(t, 1, "reports", "hello", "../r1")
	wants(t, k.err.String(), "no error id")
	k.run(t, 1, "reports", "hello", "r2")
	k.run(t, 2, "reports")
}

// The actions of an app with a command's name can be listed; an argument wins over a variable.
func TestActionsOfAppNamedRun(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	k.env["SPACEWASM_SERVER"], k.env["SPACEWASM_TOKEN"] = server.URL, "secret"
	for _, cmd := range newActions(k.cli).Commands() {
		k.run(t, 0, "actions", "--app", cmd.Name())
		wants(t, k.err.String(), cmd.Name()+" has no actions")
		// Who is told how to list them is told this.
		k.run(t, 1, "actions", "run", cmd.Name(), "tick")
		wants(t, k.err.String(), "`spacewasm actions --app "+cmd.Name()+"` lists them")
	}
	k.run(t, 1, "actions", "run", "hello", "tick")
	wants(t, k.err.String(), "`spacewasm actions hello` lists them")
	k.env["SPACEWASM_APP"] = "run"
	k.run(t, 0, "actions")
	wants(t, k.err.String(), "run has no actions")
	k.run(t, 0, "actions", "hello")
	wants(t, k.err.String(), "hello has no actions")
}

func TestRemoveAsksOnATerminal(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	k.inTerminal = true
	for answer, status := range map[string]int{"y\n": 0, "YES\n": 0, "\n": 1, "": 1, "no\n": 1} {
		k.in = strings.NewReader(answer)
		k.run(t, status, "rm", "hello", "--server", server.URL, "--token", "secret")
		wants(t, k.err.String(), "delete hello from "+server.URL)
	}
	k.run(t, 0, "rm", "hello", "--yes", "--server", server.URL, "--token", "secret")
}

func TestInterruptEndsAPrompt(t *testing.T) {
	k := newConsole(t)
	reader, writer := io.Pipe()
	defer writer.Close()
	k.in = reader
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if status := run(ctx, []string{"login", "http://localhost:1"}, k.cli); status != 1 {
		t.Errorf("ended with %d", status)
	}
	wants(t, k.err.String(), "interrupted")
}

func TestLoginStoresTheTokenPerServer(t *testing.T) {
	k, server := newConsole(t), newFakeServer(t)
	k.in = strings.NewReader("wrong\n")
	k.run(t, 1, "login", server.URL)
	wants(t, k.err.String(), "nothing was stored")
	k.in = strings.NewReader("secret\nmore\n")
	k.run(t, 0, "login", server.URL+"/")
	file := filepath.Join(k.config, "spacewasm", "credentials.json")
	for path, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode() != mode {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), mode)
		}
	}
	k.run(t, 0, "ls", "--server", server.URL)
	other := newFakeServer(t)
	k.run(t, 0, "login", other.URL, "--token", "secret")
	k.run(t, 0, "ls", "--server", server.URL)
	entries, err := os.ReadDir(filepath.Dir(file))
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("login left %v", entries)
	}
}

func TestTokenLookup(t *testing.T) {
	k := newConsole(t)
	t.Chdir(t.TempDir())
	token := func(status int, args ...string) (value, from string) {
		t.Helper()
		k.run(t, status, append([]string{"token"}, args...)...)
		return strings.TrimSpace(k.out.String()), k.err.String()
	}
	_, why := token(1)
	wants(t, why, "no token for http://localhost:4200", "spacewasm login", "SPACEWASM_TOKEN", "--token")
	must(t, os.Mkdir("spacewasm-data", 0o700))
	must(t, os.WriteFile(localToken, []byte("local\n"), 0o600))
	for _, server := range []string{"http://localhost:4200", "http://127.0.0.1:1", "http://[::1]:1", "http://x.localhost"} {
		if got, from := token(0, "--server", server); got != "local" || !strings.Contains(from, localToken) {
			t.Errorf("%s gets %q %s", server, got, from)
		}
	}
	for _, server := range []string{"http://example.org", "http://localhost.example.org", "http://notlocalhost"} {
		if got, _ := token(1, "--server", server); got != "" {
			t.Errorf("%s gets %q", server, got)
		}
	}
	file, err := k.credentialsFile()
	must(t, err)
	must(t, writeCredentials(file, credentials{Tokens: map[string]string{"http://localhost:4200": "stored"}}))
	if got, from := token(0); got != "stored" || !strings.Contains(from, file) {
		t.Errorf("got %q %s, want the stored one", got, from)
	}
	k.env["SPACEWASM_TOKEN"] = "variable"
	if got, from := token(0); got != "variable" || !strings.Contains(from, "SPACEWASM_TOKEN") {
		t.Errorf("got %q %s, want the variable's", got, from)
	}
	if got, from := token(0, "--token", "flag"); got != "flag" || strings.Contains(from, "SPACEWASM_TOKEN") {
		t.Errorf("got %q %s, want the flag's", got, from)
	}
}

// Each flag of each command takes its variable, whoever added it.
func TestEveryFlagComesFromTheEnvironment(t *testing.T) {
	k := newConsole(t)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.RunE == nil && cmd.Run != nil {
			t.Errorf("%s has Run; want RunE, which gets its variables", cmd.CommandPath())
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if variable := "[$" + envName(f.Name) + "]"; f.Name != "help" && strings.Count(f.Usage, variable) != 1 {
				t.Errorf("the help of %s --%s does not name %s once: %s", cmd.CommandPath(), f.Name, variable, f.Usage)
			}
		})
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRoot(k.cli))
	k.env["SPACEWASM_JSON"] = "true"
	k.run(t, 0, "version")
	wants(t, k.out.String(), `"os":`)
	k.run(t, 0, "version", "--json=false")
	if strings.Contains(k.out.String(), `"os":`) {
		t.Error("the variable won over the flag")
	}
	k.env["SPACEWASM_JSON"] = ""
	k.run(t, 0, "version")
	k.env["SPACEWASM_JSON"] = "perhaps"
	k.run(t, 2, "version")
	wants(t, k.err.String(), "SPACEWASM_JSON", "perhaps")
}

// T28: control characters, and what turns the reading order, are escaped.
func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 日本\n\tx": "plain ü 日本\n\tx",
		"\x1b[2J\r\a\x7f": `\x1b[2J\r\a\x7f`,
		"\u009b31m\u202e": `\u009b31m\u202e`,
		"bad \xff":        `bad \xff`,
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
	var b strings.Builder
	in := map[string]string{"k": "\x1b\u009b\U000e0001ü"}
	must(t, printJSON(&b, in, ""))
	var out map[string]string
	must(t, json.Unmarshal([]byte(b.String()), &out))
	if out["k"] != in["k"] || strings.ContainsAny(b.String(), "\x1b\u009b\U000e0001") {
		t.Errorf("printed %q", b.String())
	}
}

func TestOnlyWebAddressesAreOpened(t *testing.T) {
	for _, address := range []string{"file:///etc/passwd", "javascript:x", "-flag", ""} {
		if err := browse(address); err == nil {
			t.Errorf("%q was opened", address)
		}
	}
}
