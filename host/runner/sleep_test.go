package runner_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
)

// serve has a Micro answer, and returns what Server-Timing says of the start.
func serve(t *testing.T, m *runner.Micro) string {
	t.Helper()
	rec := httptest.NewRecorder()
	if err := m.Serve(rec, request(space.WithTiming(t.Context()), "timed", "/", nil)); err != nil {
		t.Fatal(err)
	}
	_, start, _ := strings.Cut(rec.Header().Get("Server-Timing"), `start;desc="`)
	start, _, ok := strings.Cut(start, `"`)
	if !ok {
		t.Fatalf("no start in %q", rec.Header())
	}
	return start
}

// runs has a sleeper look at the time while the test runs.
func runs(t *testing.T, s *runner.Sleeper) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// A Micro that nobody asks for loses its instances, and then its code, and is there
// again when somebody asks.
func TestSleep(t *testing.T) {
	for name, c := range map[string]struct {
		sleep runner.Sleep
		want  []string
		woken int64
	}{
		"awake":     {runner.Sleep{Instances: time.Hour, Code: time.Hour}, []string{"load", "reset", "reset"}, 1},
		"instances": {runner.Sleep{Instances: 10 * time.Millisecond, Code: time.Hour}, []string{"load", "clone", "clone"}, 1},
		"code":      {runner.Sleep{Instances: 10 * time.Millisecond, Code: 20 * time.Millisecond}, []string{"load", "load", "load"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.node.Sleeper = runner.NewSleeper(c.sleep)
			b.node.Memory = pool.NewBudget(64 << 20)
			runs(t, b.node.Sleeper)
			m := b.micro(t, "state", nil)
			for i, want := range c.want {
				if got := serve(t, m); got != want {
					t.Errorf("request %d: %q, want %q", i, got, want)
				}
				time.Sleep(200 * time.Millisecond)
			}
			if b.woken.Load() != c.woken {
				t.Errorf("woken %d times, want %d", b.woken.Load(), c.woken)
			}
			if name == "code" && b.node.Memory.Used() != 0 {
				t.Errorf("asleep, it has %d bytes", b.node.Memory.Used())
			}
		})
	}
}

// Requests that come while a Micro falls asleep, or wakes, are served.
func TestSleepUnderLoad(t *testing.T) {
	b := newBench(t)
	b.node.Sleeper = runner.NewSleeper(runner.Sleep{Instances: time.Microsecond, Code: 2 * time.Microsecond})
	b.node.Memory = pool.NewBudget(256 << 20)
	b.limits.Concurrency, b.limits.Queue, b.limits.QueueWait = 8, 64, 10*time.Second
	runs(t, b.node.Sleeper)
	micros := []*runner.Micro{b.micro(t, "state", nil), b.micro(t, "hello", nil)}
	end := time.Now().Add(time.Second)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for time.Now().Before(end) {
				rec := httptest.NewRecorder()
				if err := micros[i%2].Serve(rec, request(t.Context(), "load", "/", nil)); err != nil {
					t.Error(err)
					return
				}
				if want := []string{"1\n", "hello\n"}[i%2]; rec.Body.String() != want {
					t.Errorf("got %q", rec.Body)
				}
				time.Sleep(rand.N(4 * time.Millisecond))
			}
		})
	}
	group.Wait()
	if b.woken.Load() < 4 {
		t.Errorf("woken %d times", b.woken.Load())
	}
	time.Sleep(100 * time.Millisecond)
	if b.node.Memory.Used() != 0 {
		t.Errorf("asleep, they have %d bytes", b.node.Memory.Used())
	}
}

// Who needs memory gets that of the Micro that nobody has asked for the longest time.
func TestReclaimsTheIdlest(t *testing.T) {
	b := newBench(t)
	b.node.Sleeper = runner.NewSleeper(runner.DefaultSleep())
	b.node.Gate, b.node.Memory = pool.NewGate(8, 8), pool.NewBudget(2<<20) // for three instances
	first, second := b.micro(t, "hello", nil), b.micro(t, "echo", nil)
	for _, m := range []*runner.Micro{first, second, first} {
		serve(t, m)
	}
	if !b.node.Sleeper.Reclaim() || serve(t, first) != "reset" || serve(t, second) != "load" {
		t.Error("it was not the second that had to sleep")
	}
	for i, want := range []bool{true, true, false} {
		if got := b.node.Sleeper.Reclaim(); got != want {
			t.Errorf("the %d. time one could sleep: %v", i+1, got)
		}
	}
	leave := occupy(t, b.micro(t, "flush", nil), 1)
	defer leave()
	if b.node.Sleeper.Reclaim() {
		t.Error("a busy one was put to sleep")
	}
}

// What the waker says is what the visitor is told; what else goes wrong is not.
func TestWakeFails(t *testing.T) {
	b := newBench(t)
	var fails error
	m := runner.New(runner.Config{
		Micro: space.Micro{Name: "lost"}, Limits: b.limits, Log: b.log,
		Wake: func(context.Context) (*runner.Awake, error) { return nil, fails },
	})
	defer m.Close(t.Context())
	for _, c := range []struct {
		err  error
		want space.Code
	}{
		{space.Errorf(space.CodePreparing, "in a moment"), space.CodePreparing},
		{errors.New("secret of the host"), space.CodeInternal},
	} {
		fails = c.err
		err := m.Serve(httptest.NewRecorder(), request(t.Context(), "lost", "/", nil))
		if e := space.AsError(err); e.Code != c.want || strings.Contains(e.Message, "secret") {
			t.Errorf("%v: got %v", c.err, err)
		}
	}
}

// T10: where the time of a request went is told to those who may know only.
func TestTimingIsPrivate(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "hello", nil)
	rec := httptest.NewRecorder()
	if err := m.Serve(rec, request(t.Context(), "id", "/", nil)); err != nil || rec.Header().Get("Server-Timing") != "" {
		t.Errorf("%q, %v", rec.Header(), err)
	}
	rec = httptest.NewRecorder()
	if err := m.Serve(rec, request(space.WithTiming(t.Context()), "id", "/", nil)); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"queue;dur=", `start;desc="reset";dur=0.000`, "run;dur=", `fuel;desc="`} {
		if value := rec.Header().Get("Server-Timing"); !strings.Contains(value, part) {
			t.Errorf("no %q in %q", part, value)
		}
	}
	// What a guest has used that still runs is not known yet.
	flushes := b.micro(t, "flush", nil)
	ctx, cancel := context.WithTimeout(space.WithTiming(t.Context()), 200*time.Millisecond)
	defer cancel()
	rec = httptest.NewRecorder()
	_ = flushes.Serve(rec, request(ctx, "id", "/", nil))
	if value := rec.Header().Get("Server-Timing"); !strings.Contains(value, "start") || strings.Contains(value, "fuel") {
		t.Errorf("got %q", value)
	}
}
