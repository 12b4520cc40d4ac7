package main_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a running `spacewasm serve`.
type server struct {
	*process
	t     *testing.T // which its methods fail
	data  string
	url   string // of the platform
	port  string
	token string
	http  *http.Client
}

// process is a program that runs.
type process struct {
	cmd    *exec.Cmd
	stderr buffer
	exited chan struct{} // closed when err is set
	err    error
}

// in returns the server for a part of its test.
func (s *server) in(t *testing.T) *server {
	part := *s
	part.t = t
	return &part
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve starts a server on a data directory of its own. It is stopped at the end
// of the test, which fails if it does not end well.
func serve(t *testing.T, flags ...string) *server {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	must(t, os.Mkdir(data, 0o700))
	must(t, os.Symlink(artefact(t, codeCache), filepath.Join(data, "cache")))
	// Who shares compiled code shares the key to it.
	must(t, os.WriteFile(filepath.Join(data, "key"), []byte("the key of these tests\n"), 0o600))
	return serveData(t, data, flags...)
}

// serveData is serve on a given data directory.
func serveData(t *testing.T, data string, flags ...string) *server {
	t.Helper()
	flags = append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, flags...)
	return serveCommand(t, data, exec.Command(program(t), flags...))
}

// serveCommand is serveData with a command that runs the server in its own way.
func serveCommand(t *testing.T, data string, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{process: &process{exited: make(chan struct{})}, t: t, data: data}
	s.prepare(cmd)
	s.reach()
	token, err := os.ReadFile(filepath.Join(data, "token"))
	must(t, err)
	s.token = strings.TrimSpace(string(token))
	return s
}

// reach starts the prepared command, and makes the client of it.
func (s *server) reach() {
	t := s.t
	t.Helper()
	t.Cleanup(s.end)
	s.url = regexp.MustCompile(`http://[a-z0-9.]+:[0-9]+`).FindString(s.readyLine())
	base, err := url.Parse(s.url)
	must(t, err)
	s.port = base.Port()
	s.http = &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext:        func(context.Context, string, string) (net.Conn, error) { return s.dial() },
			DisableCompression: true,
			// Some tests check that nothing of a body is sent before the server says so.
			ExpectContinueTimeout: time.Minute,
			MaxIdleConnsPerHost:   64,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(s.http.CloseIdleConnections)
}

func (s *server) start(args []string) {
	s.t.Helper()
	s.prepare(exec.Command(program(s.t), args...))
}

// prepare makes a command the server's process, with an environment of its own.
func (s *server) prepare(cmd *exec.Cmd) {
	s.cmd = cmd
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.t.TempDir()}
	s.cmd.Stderr = &s.stderr
}

// readyLine starts the program and waits for its line.
func (s *server) readyLine() string {
	s.t.Helper()
	stdout, err := s.cmd.StdoutPipe()
	must(s.t, err)
	must(s.t, s.cmd.Start())
	lines := make(chan string, 1)
	go func() {
		defer close(s.exited)
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		lines <- line
		io.Copy(io.Discard, stdout)
		s.err = s.cmd.Wait()
	}()
	select {
	case line := <-lines:
		if !strings.Contains(line, "ready") {
			<-s.exited
			s.t.Fatalf("the server did not start: %q, %v\n%s", line, s.err, &s.stderr)
		}
		return line
	case <-time.After(30 * time.Second):
		s.t.Fatalf("the server is not ready after 30 s\n%s", &s.stderr)
	}
	return ""
}

// end is the cleanup: a server that has not been stopped is, and its log shown
// if the test has failed.
func (s *server) end() {
	select {
	case <-s.exited:
	default:
		s.stop()
	}
	if s.t.Failed() {
		log, _, _ := strings.Cut(s.stderr.String(), "\nSIGQUIT: quit") // of a dump that was asked for
		s.t.Logf("the server's log:\n%s", log)
	}
}

// stop asks the server to end, which it has to do with status 0.
func (s *server) stop() {
	s.t.Helper()
	must(s.t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.wait()
	if s.err != nil {
		s.t.Errorf("the server ended with %v after SIGTERM", s.err)
	}
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	s.t.Helper()
	must(s.t, s.cmd.Process.Kill())
	s.wait()
}

func (s *server) wait() {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(40 * time.Second):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("the server did not end\n%s", &s.stderr)
	}
}

// dial connects to the server.
func (s *server) dial() (net.Conn, error) {
	return net.DialTimeout("tcp", "127.0.0.1:"+s.port, 5*time.Second)
}

// console runs the command line against the server, with its own home.
func (s *server) console(status int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	args = append(args, "--server", s.url, "--token", s.token)
	return console(s.t, status, "", args...)
}

// console runs the program, which has to end with the status.
func console(t *testing.T, status int, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Stdin = strings.NewReader(stdin)
	return runConsole(t, cmd, status)
}

// consoleIn is console in a folder.
func consoleIn(t *testing.T, folder string, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Dir = folder
	return runConsole(t, cmd, status)
}

// runConsole runs a command that has its variables but for those that all have.
func runConsole(t *testing.T, cmd *exec.Cmd, status int) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "XDG_CACHE_HOME=" + artefact(t, codeCache),
		"PROBE=from outside",
	}, cmd.Env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	got := 0
	err := cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else {
		must(t, err)
	}
	if got != status {
		t.Fatalf("%q ended with %d, want %d\n%s%s", cmd.Args, got, status, &out, &errs)
	}
	return out.String(), errs.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contains fails the test if text does not hold all of parts.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%.4000s", part, text)
		}
	}
}
