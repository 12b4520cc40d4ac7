package project_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
)

// Who breaks a build off ends all that its command has started, also what does not listen.
func TestCommandsEndWithThePush(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{
		"Spacefile": spacefile(`{name: a, src: ., engine: wasm, commands: ["trap '' TERM; sleep 600 & echo $! >pid; mkfifo go; cat go >/dev/null & echo >go; echo started; wait"]}`),
	})
	p, err := project.Open(dir)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	show := func(out io.Writer, line string) { fmt.Fprintln(out, line) }
	go func() { w.CloseWithError(p.Build(ctx, project.Commands{Out: w, Env: os.Environ(), Show: show})) }()
	var seen []byte
	for buffer := make([]byte, 100); !strings.Contains(string(seen), "\nstarted"); {
		n, err := r.Read(buffer)
		must(t, err)
		seen = append(seen, buffer[:n]...)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("the build ended with %v", err)
	}
	pid := readPID(t, filepath.Join(dir, "pid"))
	// The kernel takes a moment for what it was told.
	for range 500 {
		if syscall.Kill(pid, 0) != nil || zombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	return pid
}

// zombie tells whether a process has ended, and nobody has asked how.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(text), ") Z ")
}
