package wasitest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

const header = "Content-Type: text/plain\n\n"

// behaviour is what a guest does under the stock engine. Of out and err the whole is compared, unless check is set.
type behaviour struct {
	guest    string
	stdin    string
	out, err string
	fault    string // part of the message of the error; "exit N" for an exit status
	check    func(out string) bool
}

func behaviours() []behaviour {
	long := strings.Repeat("0123456789", 20_000)
	return []behaviour{
		{guest: "hello", out: header + "hello\n"},
		{guest: "echo", out: "Content-Type: application/octet-stream\n\n"},
		{guest: "echo", stdin: long, out: "Content-Type: application/octet-stream\n\n" + long},
		{guest: "env", out: header + "A=1\nQUERY_STRING=70000\nEMPTY=\n"},
		{guest: "args", out: header + "program\nsecond\n"},
		{guest: "stderr", out: header + "hello\n", err: "one\ntwo\n"},
		{guest: "nbytes", out: header + strings.Repeat("x", 70_000)},
		{guest: "state", out: header + "1\n"},
		{guest: "flush", out: header + "first\nsecond\n"},
		{guest: "sleep", out: header + "awake\n"}, // the test's clock does not sleep
		{guest: "exit0", out: header + "hello\n"},
		{guest: "exit3", fault: "exit 3"},
		{guest: "trap", fault: "unreachable"},
		{guest: "trap-bounds", fault: "out of bounds memory access"},
		{guest: "trap-convert", fault: "invalid conversion to integer"},
		{guest: "trap-copy", fault: "out of bounds memory access"},
		{guest: "trap-div", fault: "integer divide by zero"},
		{guest: "trap-null", fault: "invalid table access"},
		{guest: "trap-overflow", fault: "integer overflow"},
		{guest: "trap-table", fault: "invalid table access"},
		{guest: "trap-type", fault: "indirect call type mismatch"},
		{guest: "trap-late", out: header + strings.Repeat("x", 102_400), fault: "unreachable"},
		{guest: "nohdr", out: "hello\n"},
		{guest: "badstatus", out: "Status: 99\n" + header + "hello\n"},
		{guest: "badheader", out: "Content-Type: text/plain\nBad Name: x\n\nhello\n"},
		{guest: "crheader", out: "Content-Type: text/plain\nX-Split: a\rSet-Cookie: b=c\n\nhello\n"},
		{guest: "grow", fault: "unreachable"},
		{guest: "grow-ok", out: header + "200\n"},
		{guest: "overflow", fault: "stack overflow"},
		{guest: "tmpwrite", out: header + "fresh\n"},
		{guest: "rowrite", check: func(out string) bool { return len(out) > len(header)+1 && out != header+"0\n" }},
		{guest: "spin", fault: "deadline"},
		{guest: "bigbody", fault: "deadline", check: func(out string) bool { return len(out) > 1<<16 }},
	}
}

func TestGuestsBehave(t *testing.T) {
	for _, test := range behaviours() {
		t.Run(test.guest, func(t *testing.T) { test.run(t) })
	}
}

func (b behaviour) run(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout())
	defer cancel()
	const pages = 200
	config := wazero.NewRuntimeConfigInterpreter().WithCloseOnContextDone(true).WithMemoryLimitPages(pages)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	defer func() { _ = runtime.Close(context.Background()) }()
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	var stdout, stderr bytes.Buffer
	module := wazero.NewModuleConfig().WithArgs("program", "second").WithStdin(strings.NewReader(b.stdin)).
		WithStdout(&stdout).WithStderr(&stderr).
		WithEnv("A", "1").WithEnv("QUERY_STRING", "70000").WithEnv("EMPTY", "").
		WithFSConfig(wazero.NewFSConfig().WithReadOnlyDirMount(t.TempDir(), "/").WithDirMount(t.TempDir(), "/tmp"))
	_, err := runtime.InstantiateWithConfig(ctx, wasitest.Guest(b.guest), module)
	b.compare(t, stdout.String(), stderr.String(), err)
}

// timeout is short where it is the only way to end the guest.
func (b behaviour) timeout() time.Duration {
	if b.fault == "deadline" {
		return 50 * time.Millisecond
	}
	return time.Minute
}

func (b behaviour) compare(t *testing.T, stdout, stderr string, err error) {
	t.Helper()
	if got := fault(err); !strings.Contains(got, b.fault) || (b.fault == "") != (got == "") {
		t.Errorf("ended with %q, want %q", got, b.fault)
	}
	if b.check != nil {
		if !b.check(stdout) {
			t.Errorf("unexpected output of %d bytes: %.100q", len(stdout), stdout)
		}
		return
	}
	if stdout != b.out || stderr != b.err {
		t.Errorf("got output of %d bytes %.100q, errors %q\nwant %d bytes %.100q, errors %q",
			len(stdout), stdout, stderr, len(b.out), b.out, b.err)
	}
}

// fault puts how a guest ended into words; empty if it returned. The engine reports exit 0 as no error at all.
func fault(err error) string {
	var exit *sys.ExitError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &exit) && exit.ExitCode() == sys.ExitCodeDeadlineExceeded:
		return "deadline"
	case errors.As(err, &exit):
		return fmt.Sprintf("exit %d", exit.ExitCode())
	}
	return err.Error()
}
