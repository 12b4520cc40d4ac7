package runner_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // it makes a database

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
)

// wantFull fails the test unless err is that the node is full, with the figures
// for the server's log and none for the visitor.
func wantFull(t *testing.T, err error, message, figures string) {
	t.Helper()
	e := space.AsError(err)
	if e == nil || e.Code != space.CodeNodeFull || !strings.Contains(e.Message, message) || e.Err == nil ||
		!strings.Contains(e.Err.Error(), figures) || strings.ContainsAny(e.Message, "0123456789") {
		t.Errorf("got %v, want %q and %q", err, message, figures)
	}
}

// A Micro with places free waits for the node's, and says so when it gets none.
func TestNodeFull(t *testing.T) {
	b := newBench(t)
	b.node.Gate = pool.NewGate(2, 4)
	busy, other := b.micro(t, "flush", nil), b.micro(t, "hello", nil)
	third := b.micro(t, "flush", nil)
	leave := occupy(t, busy, 1)
	defer leave()
	leaveThird := occupy(t, third, 1)
	defer leaveThird()
	err := other.Serve(httptest.NewRecorder(), request(t.Context(), "late", "/", nil))
	wantFull(t, err, "all of its places are taken", "runs 2 with 0 in its queue")
	leave()
	if err := other.Serve(httptest.NewRecorder(), request(t.Context(), "later", "/", nil)); err != nil {
		t.Errorf("with a place free: %v", err)
	}
}

// T19: an instance that does not fit into the node's memory waits for another to
// end; one that finds none in time is turned away, and all is given back.
func TestNodeMemory(t *testing.T) {
	b := newBench(t)
	b.node.Gate, b.node.Memory = pool.NewGate(8, 4), pool.NewBudget(1<<20) // room for one
	patient := func(l *space.Limits) { l.QueueWait = 10 * time.Second }
	busy, hasty, other := b.micro(t, "flush", nil), b.micro(t, "hello", nil), b.micro(t, "hello", patient)
	leave := occupy(t, busy, 1)
	defer leave()
	err := hasty.Serve(httptest.NewRecorder(), request(t.Context(), "late", "/", nil))
	wantFull(t, err, "no memory for another execution", "of 1048576 bytes")
	time.AfterFunc(50*time.Millisecond, leave)
	if err := other.Serve(httptest.NewRecorder(), request(t.Context(), "later", "/", nil)); err != nil {
		t.Errorf("after the other has ended: %v", err)
	}
	for _, m := range []*runner.Micro{busy, hasty, other} { // which keep instances for later
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if b.node.Memory.Used() != 0 {
		t.Errorf("%d bytes are left over", b.node.Memory.Used())
	}
}

// T19: growth beyond the node's memory is the node's fault, beyond the Micro's
// own limit its own.
func TestNodeMemoryGrowth(t *testing.T) {
	b := newBench(t)
	b.node.Memory = pool.NewBudget(4 << 20)
	starved := b.micro(t, "grow", nil)
	err := starved.Serve(httptest.NewRecorder(), request(t.Context(), "node", "/", nil))
	wantFull(t, err, "no more memory for the program", "of 4194304 bytes")
	if e := b.log.faults["node"]; e == nil || !strings.Contains(e.Detail, "was refused more") {
		t.Errorf("the log has %v", e)
	}
	own := func(l *space.Limits) { l.Memory = 1 << 20 }
	greedy := b.micro(t, "grow", own)
	err = greedy.Serve(httptest.NewRecorder(), request(t.Context(), "own", "/", nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodeOutOfMemory {
		t.Errorf("got %v", err)
	}
	for _, m := range []*runner.Micro{starved, greedy} { // which have a spare instance each
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if b.node.Memory.Used() != 0 {
		t.Errorf("%d bytes are left over", b.node.Memory.Used())
	}
}

// T26: a body takes from the node's budget what has arrived, whatever its length
// says, and gives it back; it is turned away when there is no room.
func TestNodeBodies(t *testing.T) {
	b := newBench(t)
	b.node.Bodies = pool.NewBudget(130 << 10)
	m := b.micro(t, "echo", nil)
	serve := func(length int64, body io.Reader) (string, error) {
		r := request(t.Context(), "body", "/", body)
		r.ContentLength = length
		rec := httptest.NewRecorder()
		err := m.Serve(rec, r)
		return rec.Body.String(), err
	}
	for _, size := range []int{1, 4095, 4096, 4097, 8192, 60_000, 90_000} {
		text := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		for _, length := range []int64{int64(size), -1} {
			if got, err := serve(length, strings.NewReader(text)); got != text || err != nil {
				t.Errorf("%d bytes, declared %d: %d came back, %v", size, length, len(got), err)
			}
		}
	}
	_, err := serve(150_000, strings.NewReader(strings.Repeat("x", 150_000)))
	wantFull(t, err, "no room for the request's body", "bodies ")
	if b.node.Bodies.Used() != 0 {
		t.Fatalf("%d bytes are left over", b.node.Bodies.Used())
	}

	// One byte has come of many.
	in, out := io.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := serve(190_000, in); space.AsError(err) == nil || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	})
	if _, err := out.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if used := b.node.Bodies.Used(); used > 4096 {
		t.Errorf("a byte takes %d", used)
	}
	_ = out.CloseWithError(io.ErrUnexpectedEOF)
	wg.Wait()
	if b.node.Bodies.Used() != 0 {
		t.Errorf("%d bytes are left over", b.node.Bodies.Used())
	}
}

// T22, T24: guests take their open files and what is in /tmp from the node's
// budgets, and give it back.
func TestNodeFiles(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		tmp, descriptors int64
		fine             bool
	}{{1 << 20, 256, true}, {0, 256, false}, {1 << 20, 0, false}} {
		tmp, descriptors := pool.NewBudget(c.tmp), pool.NewBudget(c.descriptors)
		b.node.Tmp, b.node.Descriptors = tmp, descriptors
		rec := httptest.NewRecorder()
		err := b.micro(t, "tmpwrite", nil).Serve(rec, request(t.Context(), "files", "/", nil))
		if fine := err == nil && strings.Contains(rec.Body.String(), "fresh"); fine != c.fine {
			t.Errorf("%+v: %q, %v", c, rec.Body, err)
		}
		if tmp.Used() != 0 || descriptors.Used() != 0 {
			t.Errorf("%+v: %d bytes and %d descriptors are left over", c, tmp.Used(), descriptors.Used())
		}
	}
}

// Waiting for the node ends when it drains.
func TestNodeDrains(t *testing.T) {
	b := newBench(t)
	b.node.Gate = pool.NewGate(1, 4)
	patient := func(l *space.Limits) { l.QueueWait = time.Hour }
	busy, other := b.micro(t, "flush", nil), b.micro(t, "hello", patient)
	leave := occupy(t, busy, 1)
	defer leave()
	done := make(chan error, 1)
	go func() { done <- other.Serve(httptest.NewRecorder(), request(context.Background(), "late", "/", nil)) }()
	for _, waiting := b.node.Gate.Load(); waiting == 0; _, waiting = b.node.Gate.Load() {
		time.Sleep(time.Millisecond)
	}
	b.node.Gate.Close()
	if e := space.AsError(<-done); e == nil || e.Code != space.CodePreparing {
		t.Errorf("got %v", e)
	}
}

// T19: what a Micro's idle instances hold is there for another's that needs it,
// also when it grows.
func TestIdleMemoryIsGivenUp(t *testing.T) {
	b := newBench(t)
	b.node.Gate, b.node.Memory = pool.NewGate(8, 8), pool.NewBudget(6<<20)
	limit := func(l *space.Limits) { l.Memory = 4 << 20 }
	first, second := b.micro(t, "grow-ok", limit), b.micro(t, "grow-ok", limit)
	for range 3 {
		for name, m := range map[space.RequestID]*runner.Micro{"first": first, "second": second} {
			rec := httptest.NewRecorder()
			if err := m.Serve(rec, request(t.Context(), name, "/", nil)); err != nil || rec.Body.String() != "64\n" {
				t.Fatalf("%s: %q, %v", name, rec.Body, err)
			}
		}
	}
}

// T19: so is what idle connections to databases hold, of a Micro that stays awake.
func TestIdleConnectionsAreGivenUp(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "data.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `CREATE TABLE t(x);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT zeroblob(400) FROM n`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.node.Gate, b.node.Memory = pool.NewGate(8, 8), pool.NewBudget(5<<20)
	b.node.Sleeper = runner.NewSleeper(runner.Sleep{Instances: time.Hour, Code: time.Hour})
	asks := b.microIn(t, dir, "sqlite_c", nil)
	grows := b.micro(t, "grow-ok", func(l *space.Limits) { l.Memory = 4 << 20 })
	ask := func() {
		t.Helper()
		rec := httptest.NewRecorder()
		err := asks.Serve(rec, request(t.Context(), "asks", "/", strings.NewReader("SELECT sum(length(x)) FROM t")))
		if err != nil || !strings.Contains(rec.Body.String(), "8000000") {
			t.Fatalf("%q, %v", rec.Body, err)
		}
	}
	ask()
	asks.Doze()
	if used := b.node.Memory.Used(); used < 1<<20 {
		t.Fatalf("its idle connection has %d bytes", used)
	}
	for range 2 {
		rec := httptest.NewRecorder()
		if err := grows.Serve(rec, request(t.Context(), "grows", "/", nil)); err != nil || rec.Body.String() != "64\n" {
			t.Fatalf("%q, %v", rec.Body, err)
		}
		ask()
	}
	if woken := b.woken.Load(); woken != 2 {
		t.Errorf("the two were woken %d times", woken)
	}
}
