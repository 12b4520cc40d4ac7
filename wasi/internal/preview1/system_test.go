package preview1_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// texts reads a list of strings as args_get and environ_get write it.
func (g *guest) texts(name string) []string {
	g.t.Helper()
	count, size := g.room(4), g.room(4)
	g.want(success, name+"_sizes_get", count, size)
	array, buffer := g.room(int(4*g.u32(count))), g.room(int(g.u32(size)))
	g.want(success, name+"_get", array, buffer)
	var all []string
	for i := range uint64(g.u32(count)) {
		at := uint64(g.u32(array + 4*i))
		text, _, ok := strings.Cut(string(g.get(at, int(buffer)+int(g.u32(size))-int(at))), "\x00")
		if !ok {
			g.t.Fatalf("%s %d has no end", name, i)
		}
		all = append(all, text)
	}
	return all
}

func TestArgsAndEnvironment(t *testing.T) {
	args, env := []string{"main.wasm", "", "ü x"}, []string{"A=1", "EMPTY=", "LONG=" + strings.Repeat("x", 1000)}
	g := newGuest(t, options{args: args, env: env})
	if got := g.texts("args"); !slices.Equal(got, args) {
		t.Errorf("arguments %q", got)
	}
	if got := g.texts("environ"); !slices.Equal(got, env) {
		t.Errorf("environment %q", got)
	}
	// Another request has another environment, and the same arguments.
	if err := g.process.Begin([]string{"B=2"}, preview1.Stdio{}); err != nil {
		t.Fatal(err)
	}
	if got := g.texts("environ"); !slices.Equal(got, []string{"B=2"}) || !slices.Equal(g.texts("args"), args) {
		t.Errorf("environment of the next request %q", got)
	}
	end := uint64(g.module.Memory().Size())
	for _, name := range []string{"args_get", "environ_get"} {
		g.want(fault, name, end-3, 0)
		g.want(fault, name, 0, end-3)
		g.want(fault, strings.Replace(name, "_get", "_sizes_get", 1), end-3, 0)
	}
}

func TestClocks(t *testing.T) {
	g := newGuest(t, options{})
	now := func(clock uint64) uint64 {
		at := g.room(8)
		g.want(success, "clock_time_get", clock, 0, at)
		return g.u64(at)
	}
	before := uint64(time.Now().UnixNano())
	if wall := now(0); wall < before || wall > uint64(time.Now().UnixNano()) {
		t.Errorf("the wall clock shows %d", wall)
	}
	// It does not tell for how long the machine has been up.
	first := now(1)
	if second := now(1); first == 0 || first > uint64(time.Minute) || second < first {
		t.Errorf("the monotonic clock shows %d, then %d", first, second)
	}
	at := g.room(8)
	for clock, errno := range map[uint64]uint32{0: success, 1: success, 2: notsup, 3: notsup, 4: inval} {
		g.want(errno, "clock_res_get", clock, at)
		g.want(errno, "clock_time_get", clock, 0, at)
	}
	if g.want(success, "clock_res_get", 0, at); g.u64(at) == 0 {
		t.Error("the wall clock has no resolution")
	}
}

// T33: the monotonic clock never runs back, and every request begins with it where
// the process did: it does not tell when others were served.
func TestMonotonicClock(t *testing.T) {
	for name, state := range map[string]*preview1.State{
		"new": nil, "resumed": {Monotonic: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			from := uint64(0)
			if state != nil {
				from = uint64(state.Monotonic)
			}
			p := preview1.New(preview1.Config{State: state})
			g := runGuest(t, p, options{})
			at := g.room(8)
			for range 5 {
				last := from
				for range 100 {
					g.want(success, "clock_time_get", 1, 0, at)
					if now := g.u64(at); now < last || now > from+uint64(time.Minute) {
						t.Fatalf("%d after %d", now, last)
					} else {
						last = now
					}
				}
				if err := p.Begin(nil, preview1.Stdio{}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestRandom(t *testing.T) {
	g := newGuest(t, options{})
	at := g.room(64)
	g.want(success, "random_get", at, 32)
	g.want(success, "random_get", at+32, 32)
	if a, b := string(g.get(at, 32)), string(g.get(at+32, 32)); a == b || a == strings.Repeat("\x00", 32) {
		t.Error("not random")
	}
	g.want(success, "random_get", at, 0)
	g.want(fault, "random_get", uint64(g.module.Memory().Size())-1, 2)
}

func TestYieldAndRaise(t *testing.T) {
	g := newGuest(t, options{})
	g.want(success, "sched_yield")
	g.want(notsup, "proc_raise", 6)
}

// A guest that exits is unwound; its instance goes on.
func TestExit(t *testing.T) {
	g := newGuest(t, options{})
	for _, status := range []uint64{0, 3, 256, 1<<32 - 1} {
		_, err := g.try("proc_exit", status)
		if exit, ok := errors.AsType[*sys.ExitError](err); !ok || uint64(exit.ExitCode()) != status {
			t.Errorf("exit %d: %v", status, err)
		}
	}
	g.want(success, "sched_yield")
}

// T21: what takes long is done in pieces, and ends with the context.
func TestEveryCallEndsWithTheContext(t *testing.T) {
	g := newGuest(t, options{})
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	left, leave := context.WithCancel(t.Context())
	leave()
	for over, ctx := range map[error]context.Context{context.Canceled: left, context.DeadlineExceeded: late} {
		g.ctx = preview1.WithProcess(ctx, g.process)
		for name, params := range map[string][]uint64{
			"random_get": {0, 1 << 20}, "sched_yield": {}, "fd_sync": {1}, "proc_raise": {1},
		} {
			if _, err := g.try(name, params...); !errors.Is(err, over) {
				t.Errorf("%s with a context that is over: %v, want %v", name, err, over)
			}
		}
	}
}

// ending is a writer that ends the guest's context after the first piece.
type ending struct {
	end   func()
	calls int
}

func (e *ending) Write(p []byte) (int, error) {
	e.calls++
	e.end()
	return len(p), nil
}

// T21: one call that writes megabytes in a thousand pieces outlives nothing.
func TestWriteIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &ending{end: cancel}
	g := newGuest(t, options{stdio: preview1.Stdio{Out: out}})
	g.ctx = preview1.WithProcess(ctx, g.process)
	list, n := g.vectors(strings.Repeat("x", 2<<20), "y", "z")
	if _, err := g.try("fd_write", 1, list, n, g.room(4)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if out.calls != 1 {
		t.Errorf("%d pieces were written", out.calls)
	}
}

// T21: lists that a guest hands over are bounded.
func TestLongLists(t *testing.T) {
	var out strings.Builder
	g := newGuest(t, options{stdio: preview1.Stdio{Out: &out}})
	list, n := g.vectors(slices.Repeat([]string{"x"}, 3000)...)
	written := g.room(4)
	g.want(success, "fd_write", 1, list, n, written)
	if got := g.u32(written); got != 1024 || out.Len() != 1024 {
		t.Errorf("%d of %d pieces were written in one call", got, n)
	}
	g.want(fault, "fd_write", 1, uint64(g.module.Memory().Size())-8, 2, written)
	g.want(success, "fd_write", 1, uint64(g.module.Memory().Size())-8, 1, written)
	g.want(inval, "poll_oneoff", 0, 0, 5000, written)
	long := g.put([]byte(strings.Repeat("x", 5000)))
	g.want(nametoolong, "path_unlink_file", tmp, long, 5000)
	g.want(nametoolong, "path_unlink_file", tmp, long, 1<<32-1)
	g.want(nametoolong, "path_unlink_file", tmp, long, 300)
}
