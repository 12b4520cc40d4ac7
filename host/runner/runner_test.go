package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a Micro's log in memory.
type journal struct {
	mu     sync.Mutex
	stderr map[space.RequestID]*bytes.Buffer
	faults map[space.RequestID]*space.Error
	closed int
}

var _ runner.Log = (*journal)(nil)

func (j *journal) Open(id space.RequestID) runner.RequestLog {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stderr[id] = &bytes.Buffer{}
	return &words{j, id, j.stderr[id]}
}

type words struct {
	journal *journal
	id      space.RequestID
	*bytes.Buffer
}

func (w *words) Fault(e *space.Error) {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	w.journal.faults[w.id] = e
}

func (w *words) Tail() []string { return strings.Split(w.String(), "\n") }

func (w *words) Close() error {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	w.journal.closed++
	return nil
}

// bench makes Micros of one engine.
type bench struct {
	engine *wasi.Engine
	log    *journal
	limits space.Limits
	node   runner.Node  // of the Micros that are made from then on
	woken  atomic.Int64 // how often one was
}

func newBench(t *testing.T) *bench {
	t.Helper()
	engine, err := wasi.New(t.Context(), wasi.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	limits := space.DefaultLimits()
	limits.Timeout, limits.Memory, limits.Payload = 10*time.Second, 8<<20, 200<<10
	limits.Concurrency, limits.Queue, limits.QueueWait = 2, 1, 20*time.Millisecond
	log := &journal{stderr: map[space.RequestID]*bytes.Buffer{}, faults: map[space.RequestID]*space.Error{}}
	return &bench{engine: engine, log: log, limits: limits}
}

func (b *bench) micro(t *testing.T, guest string, change func(*space.Limits)) *runner.Micro {
	t.Helper()
	return b.microIn(t, t.TempDir(), guest, change)
}

// microIn makes a Micro with a folder as its bundle.
func (b *bench) microIn(t *testing.T, dir, guest string, change func(*space.Limits)) *runner.Micro {
	t.Helper()
	limits := b.limits
	if change != nil {
		change(&limits)
	}
	m := runner.New(runner.Config{
		Micro: space.Micro{Name: guest, Run: []string{"main.wasm", "-v"}},
		Wake: func(ctx context.Context) (*runner.Awake, error) {
			b.woken.Add(1)
			module, err := b.engine.Compile(ctx, wasitest.Guest(guest))
			if err != nil {
				return nil, err
			}
			bundle, err := os.OpenRoot(dir)
			return &runner.Awake{Module: module, Bundle: bundle}, err
		},
		Env: []string{"DETA_RUNTIME=true"}, TmpDir: t.TempDir(), Limits: limits, Node: b.node, Log: b.log,
	})
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// request is a request with the id that the test goes by.
func request(ctx context.Context, id space.RequestID, target string, body io.Reader) *http.Request {
	return httptest.NewRequestWithContext(space.WithRequestID(ctx, id), http.MethodPost, target, body)
}

func TestServe(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ guest, want string }{
		{"hello", "hello\n"},
		{"echo", "the body"},
		{"args", "main.wasm\n-v\n"},
		{"env", "DETA_RUNTIME=true\n"},
		{"env", "CONTENT_LENGTH=8\n"},
		{"state", "1\n"},
		{"tmpwrite", "fresh\n"},
		{"rowrite", "69\n"},
		{"grow-ok", "128\n"},
		{"stderr", ""},
	} {
		m := b.micro(t, c.guest, nil)
		for range 3 { // of which none finds anything of another
			rec := httptest.NewRecorder()
			if err := m.Serve(rec, request(t.Context(), "id", "/", strings.NewReader("the body"))); err != nil {
				t.Fatalf("%s: %v", c.guest, err)
			}
			if !strings.Contains(rec.Body.String(), c.want) {
				t.Errorf("%s answers %q, want %q", c.guest, rec.Body, c.want)
			}
		}
	}
	if got := b.log.stderr["id"].String(); got != "one\ntwo\n" || b.log.closed != len(b.log.stderr)*30 || len(b.log.faults) != 0 {
		t.Errorf("log %q, closed %d times, faults %v", got, b.log.closed, b.log.faults)
	}
}

// Each fault has its code, a message for visitors, and stands in the log when Serve returns.
func TestFaults(t *testing.T) {
	b := newBench(t)
	quick := func(l *space.Limits) { l.Timeout = 100 * time.Millisecond }
	for _, c := range []struct {
		guest     string
		change    func(*space.Limits)
		code      space.Code
		message   string
		committed bool
	}{
		{"trap", nil, space.CodeCrashed, "the program crashed: unreachable", false},
		{"trap-late", nil, space.CodeCrashed, "the program crashed: unreachable", true},
		{"overflow", nil, space.CodeCrashed, "the program crashed: stack overflow", false},
		{"exit3", nil, space.CodeExited, "the program exited with status 3", false},
		{"grow", nil, space.CodeOutOfMemory, "its limit is 8 MiB", false},
		{"nohdr", nil, space.CodeBadResponse, "no blank line", false},
		{"badstatus", nil, space.CodeBadResponse, "200 to 599", false},
		{"crheader", nil, space.CodeBadResponse, "control characters", false},
		{"bigbody", nil, space.CodeResponseTooLarge, "larger than the 204800 bytes", true},
		{"spin", quick, space.CodeDeadline, "did not finish within 100ms", false},
		{"sleep", quick, space.CodeDeadline, "did not finish within 100ms", false},
	} {
		t.Run(c.guest, func(t *testing.T) {
			m := b.micro(t, c.guest, c.change)
			id := space.RequestID(c.guest)
			rec := httptest.NewRecorder()
			err := m.Serve(rec, request(t.Context(), id, "/", nil))
			var e *space.Error
			if !errors.As(err, &e) || e.Code != c.code || e.Committed != c.committed || !strings.Contains(e.Message, c.message) {
				t.Fatalf("got %+v", err)
			}
			if b.log.faults[id] != e {
				t.Errorf("the log has %v", b.log.faults[id])
			}
			if !c.committed && (rec.Body.Len() > 0 || len(rec.Header()) > 0) {
				t.Errorf("touched: %v %q", rec.Header(), rec.Body)
			}
			// wazero has no stack trace for a stack overflow.
			if c.code == space.CodeCrashed && c.guest != "overflow" && e.Detail == "" {
				t.Errorf("no stack trace; the cause is %v", e.Err)
			}
		})
	}
}

func TestResponseLimit(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "nbytes", nil)
	limit := int(b.limits.Payload)
	rec := httptest.NewRecorder()
	if err := m.Serve(rec, request(t.Context(), "a", "/?"+strconv.Itoa(limit), nil)); err != nil || rec.Body.Len() != limit {
		t.Errorf("%d bytes, %v", rec.Body.Len(), err)
	}
	err := m.Serve(httptest.NewRecorder(), request(t.Context(), "a", "/?"+strconv.Itoa(limit+1), nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodeResponseTooLarge {
		t.Errorf("got %v", err)
	}
}

// failing is a body that must not be read, or that breaks off.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A body is refused before the Micro has been started.
func TestRequestLimit(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "echo", nil)
	limit := int(b.limits.Payload)
	unread := errors.New("was read")
	for name, c := range map[string]struct {
		length int64
		body   io.Reader
		code   space.Code // "" where it passes
		err    error
	}{
		"nothing":               {0, http.NoBody, "", nil},
		"declared, inclusive":   {int64(limit), strings.NewReader(strings.Repeat("x", limit)), "", nil},
		"chunked, inclusive":    {-1, strings.NewReader(strings.Repeat("x", limit)), "", nil},
		"declared too large":    {int64(limit) + 1, failing{unread}, space.CodePayloadTooLarge, nil},
		"chunked and too large": {-1, io.MultiReader(strings.NewReader(strings.Repeat("x", limit+1)), failing{unread}), space.CodePayloadTooLarge, nil},
		"breaks off":            {100, io.MultiReader(strings.NewReader("x"), failing{io.ErrUnexpectedEOF}), space.CodeBadRequest, io.ErrUnexpectedEOF},
		"too slow":              {100, failing{os.ErrDeadlineExceeded}, space.CodeBadRequest, nil},
	} {
		t.Run(name, func(t *testing.T) {
			id := space.RequestID(name)
			r := request(t.Context(), id, "/", c.body)
			r.ContentLength = c.length
			rec := httptest.NewRecorder()
			err := m.Serve(rec, r)
			if c.code == "" {
				if want := max(0, c.length); err != nil || int64(rec.Body.Len()) < want || (c.length < 0 && rec.Body.Len() != limit) {
					t.Errorf("%d bytes came back, %v", rec.Body.Len(), err)
				}
				return
			}
			e := space.AsError(err)
			if e == nil || e.Code != c.code || errors.Is(err, unread) || (c.err != nil && !errors.Is(err, c.err)) {
				t.Errorf("got %v", err)
			}
			if _, started := b.log.stderr[id]; started {
				t.Error("the Micro was started")
			}
		})
	}
}

// held is a client that takes the first part of a response and then no more until it may.
type held struct {
	*httptest.ResponseRecorder
	inside, leave chan struct{}
}

func (h *held) Flush() {
	h.inside <- struct{}{}
	<-h.leave
}

// occupy has n requests inside a Micro of the guest flush, and returns what lets them go.
func occupy(t *testing.T, m *runner.Micro, n int) (leave func()) {
	t.Helper()
	var wg sync.WaitGroup
	h := &held{inside: make(chan struct{}), leave: make(chan struct{})}
	for i := range n {
		wg.Go(func() {
			w := &held{httptest.NewRecorder(), h.inside, h.leave}
			if err := m.Serve(w, request(context.Background(), space.RequestID(fmt.Sprint("inside", i)), "/", nil)); err != nil {
				t.Error(err)
			}
		})
	}
	for range n {
		<-h.inside
	}
	return sync.OnceFunc(func() {
		close(h.leave)
		wg.Wait()
	})
}

func TestQueueFull(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "flush", nil)
	leave := occupy(t, m, 2)
	defer leave()
	err := m.Serve(httptest.NewRecorder(), request(t.Context(), "late", "/", nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodeQueueFull {
		t.Errorf("after its wait: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = m.Serve(httptest.NewRecorder(), request(ctx, "gone", "/", nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodeClientGone || !errors.Is(err, context.Canceled) {
		t.Errorf("after the client left: %v", err)
	}
	leave()
	if err := m.Serve(httptest.NewRecorder(), request(t.Context(), "later", "/", nil)); err != nil {
		t.Errorf("with places free: %v", err)
	}
}

// A client that leaves ends its guest, which is nobody's fault.
func TestClientLeaves(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "sleep", nil)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	err := m.Serve(httptest.NewRecorder(), request(ctx, "gone", "/", nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodeClientGone || e.Committed {
		t.Errorf("got %v", err)
	}
}

func TestClose(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "flush", nil)
	leave := occupy(t, m, 1)
	defer leave()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "close micro flush") {
		t.Errorf("closed in use: %v", err)
	}
	err := m.Serve(httptest.NewRecorder(), request(t.Context(), "late", "/", nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodePreparing {
		t.Errorf("got %v", err)
	}
	var left atomic.Bool
	closed := make(chan error, 1)
	go func() {
		err := m.Close(context.Background())
		if !left.Load() {
			t.Error("closed in use")
		}
		closed <- err
	}()
	left.Store(true)
	leave()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Errorf("the second time: %v", err)
	}
}
