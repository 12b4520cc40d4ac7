package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// peer is a server that is measured.
type peer struct {
	name string
	// what says how it answers, for the page.
	what string
	// start begins it on an address, with a folder of its own, and returns its command,
	// and the Host that it is to be asked by ("" is its address). An error that is
	// errMissing has it left out.
	start func(ctx context.Context, s settings, dir, address string) (*exec.Cmd, string, error)
	// least says that it is asked with this many connections only, as it is slow.
	only int
}

// errMissing says that a peer is not on this machine.
var errMissing = errors.New("not on this machine")

const (
	nameNative = "native Go"
	nameOurs   = "spacewasm"
	nameFresh  = "spacewasm, without its gateway"
	nameDirty  = "the same, instances reused dirty"
	nameStock  = "stock wazero, fresh instance"
	nameExtism = "Extism, fresh plug-in"
	nameFork   = "native CGI, fork and exec"
	nameNode   = "Node, one process"
	nameWarm   = "workerd, one isolate"
	nameIso    = "workerd, fresh isolate"
)

// peers are all that there are. The native server is what the others are held against.
func peers() []peer {
	return []peer{
		{name: nameNative, what: "the same handler with `net/http`, compiled for this machine: the ceiling", start: self("native")},
		{name: nameOurs, what: "`spacewasm serve`: examples/hello as a handler, fresh state for each request, through gateway and access log", start: startOurs},
		{name: nameFresh, what: "the same module and engine behind a bare `net/http` server", start: self("micro", "request")},
		{name: nameDirty, what: "the same, but instances are used again as requests have left them", start: self("micro", "instance")},
		{name: nameStock, what: "the same module, `WithCloseOnContextDone`, instantiated and initialised for each request", start: self("stock")},
		{name: nameExtism, what: "Extism's Go SDK, which is on wazero: the same answer by a plug-in in Go, instantiated for each request", start: startExtism},
		{name: nameFork, what: "the same program under `net/http/cgi`, a process for each request", start: startFork},
		{name: nameNode, what: "`node:http`, one process, state shared by all requests", start: startNode},
		{name: nameWarm, what: "workerd, state shared by all requests", start: startWorkerd(false)},
		{name: nameIso, what: "workerd, a worker loaded for each request", start: startWorkerd(true), only: 16},
	}
}

// self is a peer that this program serves itself.
func self(args ...string) func(context.Context, settings, string, string) (*exec.Cmd, string, error) {
	return func(ctx context.Context, s settings, dir, address string) (*exec.Cmd, string, error) {
		program, err := os.Executable()
		if err != nil {
			return nil, "", err
		}
		all := append([]string{"serve", address, filepath.Join(s.root, "examples/hello/main.wasm")}, args...)
		return command(ctx, dir, program, all...), "", nil
	}
}

func startOurs(ctx context.Context, s settings, dir, address string) (*exec.Cmd, string, error) {
	program := filepath.Join(s.root, "bin/spacewasm")
	data := filepath.Join(dir, "data")
	cmd := command(ctx, dir, program, "serve", "--listen", address, "--data", data)
	if err := start(ctx, cmd, address); err != nil {
		return nil, "", err
	}
	push := command(ctx, dir, program, "push", filepath.Join(s.root, "examples/hello"), "--app", "hello", "--server", "http://"+address)
	push.Env = append(os.Environ(), "SPACEWASM_TOKEN="+token(data))
	if out, err := push.CombinedOutput(); err != nil {
		return cmd, "", fmt.Errorf("push: %w\n%s", err, out)
	}
	return cmd, "hello.localhost", nil
}

func token(data string) string {
	text, err := os.ReadFile(filepath.Join(data, "token"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func startFork(ctx context.Context, s settings, dir, address string) (*exec.Cmd, string, error) {
	program := filepath.Join(dir, "hello-cgi")
	build := command(ctx, s.root, "go", "build", "-o", program, "./bench/suite/fork")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("build the CGI program: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	return command(ctx, dir, self, "serve", address, program, "fork"), "", nil
}

// startExtism builds a server and its plug-in, in a module of their own.
func startExtism(ctx context.Context, s settings, dir, address string) (*exec.Cmd, string, error) {
	source := filepath.Join(s.root, "bench/extism")
	program, plugin := filepath.Join(dir, "extism"), filepath.Join(dir, "plugin.wasm")
	build := command(ctx, source, "go", "build", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("%w: %w %s", errMissing, err, out)
	}
	build = command(ctx, source, "go", "build", "-buildmode=c-shared", "-o", plugin, "./plugin")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("build the plug-in: %w\n%s", err, out)
	}
	return command(ctx, dir, program, address, plugin), "", nil
}

func startNode(ctx context.Context, _ settings, dir, address string) (*exec.Cmd, string, error) {
	if _, err := exec.LookPath("node"); err != nil {
		return nil, "", errMissing
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", err
	}
	script := fmt.Sprintf("require('node:http').createServer((q, r) => { r.setHeader('Content-Type', 'text/plain; charset=utf-8'); "+
		"r.end(`Hello from ${q.headers.host}!\\n`) }).listen(%s, %q)", port, host)
	return command(ctx, dir, "node", "-e", script), "", nil
}

// startWorkerd gets workerd from npm.
func startWorkerd(fresh bool) func(context.Context, settings, string, string) (*exec.Cmd, string, error) {
	const version = "1.20261117.1"
	return func(ctx context.Context, _ settings, dir, address string) (*exec.Cmd, string, error) {
		if _, err := exec.LookPath("npm"); err != nil {
			return nil, "", errMissing
		}
		install := command(ctx, dir, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, "workerd@"+version)
		if out, err := install.CombinedOutput(); err != nil {
			return nil, "", fmt.Errorf("%w: npm: %w %s", errMissing, err, out)
		}
		worker := workerWarm
		if fresh {
			worker = workerFresh
		}
		files := map[string]string{"worker.js": worker, "inner.js": workerWarm, "config.capnp": workerConfig(address, fresh)}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				return nil, "", err
			}
		}
		return command(ctx, dir, filepath.Join(dir, "node_modules/.bin/workerd"), "serve", "--experimental", "config.capnp"), "", nil
	}
}

const (
	workerWarm = "export default { fetch(r) { return new Response(`Hello from ${r.headers.get('host')}!\\n`) } }\n"
	// A worker that nobody refers to any more is freed when the collector runs.
	workerFresh = `let n = 0
export default { async fetch(r, env) {
  const worker = env.LOADER.get('w' + n++, () => ({ compatibilityDate: '2026-11-01', mainModule: 'inner.js', modules: { 'inner.js': env.INNER } }))
  return await worker.getEntrypoint().fetch(r)
} }
`
)

func workerConfig(address string, fresh bool) string {
	bindings := ""
	if fresh {
		bindings = `, bindings = [(name = "LOADER", workerLoader = (id = "fresh")), (name = "INNER", text = embed "inner.js")]`
	}
	return fmt.Sprintf(`using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "worker.js", esModule = embed "worker.js")], compatibilityDate = "2026-11-01"%s))],
  sockets = [(name = "http", address = %q, http = (), service = "main")]
);
`, bindings, address)
}

// command is a command of a folder, which ends with the context by a signal that it can
// act on, and whose words are kept for when it fails.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// start starts a server and waits until it answers.
func start(ctx context.Context, cmd *exec.Cmd, address string) error {
	log, err := os.Create(filepath.Join(cmd.Dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	const tries, pause = 600, 50 * time.Millisecond
	for range tries {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		time.Sleep(pause)
	}
	return errors.Join(fmt.Errorf("%s does not listen on %s: %s", cmd.Path, address, lastLines(log.Name())), stop(cmd))
}

// lastLines are those of a log.
func lastLines(name string) string {
	file, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	var last []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		last = append(last, lines.Text())
		last = last[max(len(last)-5, 0):]
	}
	return strings.Join(last, "\n")
}

// stop ends a server.
func stop(cmd *exec.Cmd) error {
	if cmd == nil || cmd.Process == nil {
		return nil
	}
	if err := cmd.Cancel(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	_ = cmd.Wait() // by a signal, which is no fault
	return nil
}

// check asks a server once, and that it answers what it should.
func check(ctx context.Context, address, host string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return err
	}
	if host != "" {
		r.Host = host
	}
	resp, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "Hello from ") {
		return fmt.Errorf("it answers %d %q", resp.StatusCode, text)
	}
	return nil
}

// freeAddress is one that nobody listens on now.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
