package wasi_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestMain(m *testing.M) {
	if status, isChild := wasi.Child(os.Args); isChild {
		os.Exit(status)
	}
	goleak.VerifyTestMain(m)
}

// bench is an engine with the limits and folders of a test.
type bench struct {
	engine *wasi.Engine
	bundle *os.Root
	config wasi.InstanceConfig
}

func newBench(t *testing.T) *bench {
	t.Helper()
	engine, err := wasi.New(t.Context(), wasi.Config{})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(engine.Close(context.Background()), bundle.Close()); err != nil {
			t.Error(err)
		}
	})
	return &bench{engine: engine, bundle: bundle, config: wasi.InstanceConfig{
		Args: []string{"main.wasm"}, Env: []string{"GREETING=hello"}, Bundle: bundle, TmpDir: t.TempDir(),
		Limits: wasi.Limits{Memory: 4 << 20, Tmp: 1 << 20, TmpInodes: 10, Response: 1 << 20},
	}}
}

// answer is what one request to a guest came to.
type answer struct {
	*httptest.ResponseRecorder
	stderr string
	fault  *wasi.Fault
}

// ask compiles the guest and serves one request in a new instance.
func (b *bench) ask(t *testing.T, guest string, r *http.Request) answer {
	t.Helper()
	module, err := b.engine.Compile(t.Context(), wasitest.Guest(guest))
	if err != nil {
		t.Fatal(err)
	}
	instance, err := module.NewInstance(context.Background(), b.config)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	err = instance.Serve(a, r, &stderr)
	a.stderr = stderr.String()
	if err != nil && !errors.As(err, &a.fault) {
		t.Fatalf("not a fault: %v", err)
	}
	if err := errors.Join(instance.Close(), module.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return a
}

func get(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodGet, "http://app.localhost/path?q=1", nil)
}

func TestServe(t *testing.T) {
	b := newBench(t)
	post := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://app.localhost/", strings.NewReader("a body\x00"))
	for _, c := range []struct {
		guest string
		r     *http.Request
		want  string
	}{
		{"hello", get(t.Context()), "hello\n"},
		{"echo", post, "a body\x00"},
		{"exit0", get(t.Context()), ""},
		{"stderr", get(t.Context()), ""},
		{"env", get(t.Context()), "GREETING=hello"},
		{"env", get(t.Context()), "QUERY_STRING=q=1"},
		{"args", get(t.Context()), "main.wasm"},
		{"state", get(t.Context()), "1"},
		{"tmpwrite", get(t.Context()), "fresh"},
		{"rowrite", get(t.Context()), "69"}, // EROFS
		{"grow-ok", get(t.Context()), "64"}, // pages: the cap of 4 MiB
	} {
		for range 2 { // the second finds nothing of the first
			a := b.ask(t, c.guest, c.r.Clone(t.Context()))
			if c.guest == "echo" {
				break
			}
			if a.fault != nil || a.Code != http.StatusOK || !strings.Contains(a.Body.String(), c.want) {
				t.Errorf("%s: fault %v, status %d, body %q, want %q in it", c.guest, a.fault, a.Code, a.Body, c.want)
			}
			if c.guest == "stderr" && a.stderr != "one\ntwo\n" {
				t.Errorf("stderr: got %q", a.stderr)
			}
		}
	}
	if a := b.ask(t, "echo", httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("a body\x00"))); a.Body.String() != "a body\x00" {
		t.Errorf("echo: got %q, fault %v", a.Body, a.fault)
	}
}

func TestFaults(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		guest     string
		kind      wasi.FaultKind
		committed bool
	}{
		{"trap", wasi.FaultTrap, false},
		{"trap-late", wasi.FaultTrap, true},
		{"overflow", wasi.FaultTrap, false},
		{"exit3", wasi.FaultExit, false},
		{"grow", wasi.FaultOutOfMemory, false},
		{"nohdr", wasi.FaultBadResponse, false},
		{"badstatus", wasi.FaultBadResponse, false},
		{"badheader", wasi.FaultBadResponse, false},
		{"bigbody", wasi.FaultResponseTooLarge, true},
		{"spin", wasi.FaultDeadline, false},
		{"sleep", wasi.FaultDeadline, false},
	} {
		t.Run(c.guest, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if c.kind != wasi.FaultDeadline {
				ctx = t.Context()
			}
			began := time.Now()
			a := b.ask(t, c.guest, get(ctx))
			if a.fault == nil || a.fault.Kind != c.kind || a.fault.Committed != c.committed {
				t.Fatalf("got %+v, want kind %d, committed %v", a.fault, c.kind, c.committed)
			}
			if !c.committed && (a.Body.Len() > 0 || len(a.Header()) > 0) {
				t.Errorf("the response was touched: %q %v", a.Body, a.Header())
			}
			if c.kind == wasi.FaultDeadline && time.Since(began) > 3*time.Second {
				t.Errorf("ended after %v", time.Since(began))
			}
			if c.kind == wasi.FaultDeadline && (!strings.Contains(a.fault.Stack, "$") || strings.Contains(a.fault.Stack, "spacewasm.")) {
				t.Errorf("the stack does not show where the program was: %q", a.fault.Stack)
			}
			if c.guest == "trap" && !strings.Contains(a.fault.Stack, "$0") {
				t.Errorf("the stack does not show the function: %q", a.fault.Stack)
			}
		})
	}
}

// The client's leaving ends the guest, and is not the guest's fault.
func TestClientLeaves(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if a := b.ask(t, "spin", get(ctx)); a.fault == nil || a.fault.Kind != wasi.FaultClientGone {
		t.Fatalf("got %+v", a.fault)
	}
}

// A flush sends what there is while the guest runs on.
func TestFlush(t *testing.T) {
	b := newBench(t)
	a := b.ask(t, "flush", get(t.Context()))
	if a.fault != nil || !a.Flushed || a.Body.String() != "first\nsecond\n" {
		t.Fatalf("fault %v, flushed %v, body %q", a.fault, a.Flushed, a.Body)
	}
}

func TestRefused(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name string
		code []byte
		want []string
	}{
		{"empty", nil, []string{"not"}},
		{"text", []byte("hello, world"), []string{"preview 1"}},
		{"cut short", wasitest.Guest("hello")[:40], []string{"cut short"}},
		{"version", []byte("\x00asm\x02\x00\x00\x00"), []string{"version"}},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), []string{"component", "planned"}},
		{"unknown imports", wasitest.Guest("unknownimport"), []string{"env.foo", "env.bar"}},
		{"imported memory", wasitest.Guest("importmem"), []string{"env.memory"}},
		{"no entry", wasitest.Guest("noentry"), []string{"_start"}},
		{"handler", wasitest.Guest("badhandler"), []string{
			"exports no function handle_response", "handle_request has the wrong type: it must take nothing and return an i64",
			"http_handler.get_method is imported with another type",
		}},
	} {
		_, err := b.engine.Compile(t.Context(), c.code)
		if _, ok := errors.AsType[*wasi.RefusedError](err); !ok {
			t.Errorf("%s: got %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not name %q", c.name, err, want)
			}
		}
	}
}

// What is wrong with a module is said in a few lines, however much that is.
func TestRefusedBriefly(t *testing.T) {
	engine := newBench(t).engine
	for _, m := range wasitest.Hostile() {
		report, err := engine.Inspect(m.Code)
		if err == nil {
			err = &wasi.RefusedError{Faults: report.Faults}
		}
		if n := len(err.Error()); n > 16<<10 || (n == 0 && !m.Slow) {
			t.Errorf("%s: %d bytes: %.200s", m.Name, n, err)
		}
	}
}

func TestMinimumAboveLimit(t *testing.T) {
	b := newBench(t)
	module, err := b.engine.Compile(t.Context(), wasitest.Guest("bigmem"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = module.Close(t.Context()) }()
	if err := module.Report().Fits(512 << 20); err == nil || !strings.Contains(err.Error(), "512 MiB") {
		t.Errorf("got %v", err)
	}
	if err := module.Report().Fits(1 << 30); err != nil {
		t.Error(err)
	}
}

// Two modules of the same bytes share code, and closing one leaves the other.
func TestSharedCode(t *testing.T) {
	b := newBench(t)
	first, err := b.engine.Compile(t.Context(), wasitest.Guest("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if a := b.ask(t, "hello", get(t.Context())); a.fault != nil { // compiles and closes a second one
		t.Fatal(a.fault)
	}
	instance, err := first.NewInstance(context.Background(), b.config)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := instance.Serve(rec, get(t.Context()), &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(instance.Close(), first.Close(t.Context()), first.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}
