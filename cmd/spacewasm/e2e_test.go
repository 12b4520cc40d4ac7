package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// What the end-to-end tests run is built here once for each run, below the
// ignored folder bin of the checkout: the program as users build it, and guests.
const buildDir = "../../bin/e2e"

// builtEnv names a folder where all of it has been built already, for tests that
// run as another user.
const builtEnv = "SPACEWASM_TEST_BUILT"

// program returns the path of the program under test.
func program(t *testing.T) string { return artefact(t, buildProgram) }

// probe returns the path of the module of testdata/probe.
func probe(t *testing.T) string { return artefact(t, buildProbe) }

// helloGo returns the path of the module of wasi/testdata/cgi.
func helloGo(t *testing.T) string { return artefact(t, buildHello) }

// reactor returns the path of the module of wasi/testdata/reactor, a handler in Go.
func reactor(t *testing.T) string { return artefact(t, buildReactor) }

// helloC returns the path of the module of examples/hello-c. Without clang the
// test is skipped, but not in CI.
func helloC(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("clang"); err != nil && os.Getenv("CI") == "" {
		t.Skip("clang is missing: `make deps` installs it")
	}
	return artefact(t, buildHelloC)
}

func artefact(t *testing.T, build func() (string, error)) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	buildProgram = sync.OnceValues(func() (string, error) {
		return goBuild("spacewasm", ".", "CGO_ENABLED=0")
	})
	buildProbe = sync.OnceValues(func() (string, error) {
		return goBuild("probe.wasm", "./testdata/probe", "GOOS=wasip1", "GOARCH=wasm")
	})
	buildHello = sync.OnceValues(func() (string, error) {
		return goBuild("hello.wasm", "../../wasi/testdata/cgi", "GOOS=wasip1", "GOARCH=wasm")
	})
	buildReactor = sync.OnceValues(func() (string, error) {
		return goBuild("reactor.wasm", "../../wasi/testdata/reactor", "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-buildmode=c-shared")
	})
	buildHelloC = sync.OnceValues(func() (string, error) {
		path, err := buildPath("hello-c.wasm", "../../examples/hello-c/main.c")
		if err != nil || os.Getenv(builtEnv) != "" {
			return path, err
		}
		return path, tool(nil, "clang", "--target=wasm32-wasi", "-Os", "-o", path, "../../examples/hello-c/main.c")
	})
	// codeCache is compiled code that the servers of one run share, because
	// compiling a Go guest takes seconds.
	codeCache = sync.OnceValues(func() (string, error) {
		if os.Getenv(builtEnv) != "" {
			return os.MkdirTemp("", "cache-")
		}
		dir, err := buildPath("cache", ".")
		if err != nil {
			return "", err
		}
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
		return dir, os.MkdirAll(dir, 0o700)
	})
)

// buildPath is where name is built. Looking at its source tells the go command
// that the test depends on it.
func buildPath(name, source string) (string, error) {
	if dir := os.Getenv(builtEnv); dir != "" {
		return filepath.Join(dir, name), nil
	}
	if _, err := os.Stat(source); err != nil {
		return "", err
	}
	path, err := filepath.Abs(filepath.Join(buildDir, name))
	if err != nil {
		return "", err
	}
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}

func goBuild(name, pkg string, env ...string) (string, error) {
	path, err := buildPath(name, pkg)
	if err != nil || os.Getenv(builtEnv) != "" {
		return path, err
	}
	return path, tool(env, "go", "build", "-trimpath", "-o", path, pkg)
}

func tool(env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}
