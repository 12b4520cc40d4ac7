package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this program under its name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spacewasm": main})
}

// TestScript runs testdata/script/*.txtar, the manual of the command line.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setup,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "serve": serveHere},
	})
}

// setup gives each script a home of its own.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	env.Setenv("HOME", home)
	guests, err := filepath.Abs("../../wasi/wasitest/guests")
	if err != nil {
		return err
	}
	env.Setenv("GUESTS", guests)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	env.Setenv("XDG_CACHE_HOME", filepath.Join(home, ".cache"))
	return os.Mkdir(home, 0o700)
}

// exits is the command "exits STATUS program args...": exec that wants this very
// exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// serveHere is the command "serve flags...": it starts a server on a free port,
// with its data in ./spacewasm-data, and sets SPACEWASM_SERVER. The server ends
// with the script.
func serveHere(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve flags...")
	}
	path, err := exec.LookPath("spacewasm")
	ts.Check(err)
	cmd := exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			ts.Logf("the server: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	_, base, ok := strings.Cut(strings.TrimSpace(line), "ready at ")
	if !ok {
		ts.Fatalf("the server said %q", line)
	}
	ts.Setenv("SPACEWASM_SERVER", base)
}
