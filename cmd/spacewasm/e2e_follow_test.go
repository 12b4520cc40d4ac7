package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// `logs -f` shows what comes, and ends with the server.
func TestE2EFollow(t *testing.T) {
	s := serve(t).withProbe()
	s.get("probe", "/log?line=before").is(t, 200, "")
	cmd := exec.Command(program(t), "logs", "probe", "-f", "--json", "--server", s.url)
	cmd.Env = []string{"HOME=" + t.TempDir(), "SPACEWASM_TOKEN=" + s.token}
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	waitLine(t, lines, "before")
	a := s.get("probe", "/log?line=while")
	waitLine(t, lines, "while", a.header.Get("X-Space-Request-Id"))
	began := time.Now()
	must(t, s.cmd.Process.Signal(os.Interrupt))
	s.wait()
	if took := time.Since(began); took > 5*time.Second || s.err != nil {
		t.Errorf("the server ended after %v with %v", took, s.err)
	}
	for range lines { // ends
	}
	_ = cmd.Wait() // the status of a stream that broke off is the scripts' concern
}

// waitLine waits for a line that holds all of parts.
func waitLine(t *testing.T, lines <-chan string, parts ...string) {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatal("the stream ended")
			}
			if strings.Contains(line, parts[0]) {
				contains(t, line, parts...)
				return
			}
		case <-timeout:
			t.Fatalf("no line with %q", parts)
		}
	}
}
