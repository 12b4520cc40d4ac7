package pool_test

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
)

// factory makes things, numbered from 1, and remembers which have been freed.
type factory struct {
	mu     sync.Mutex
	made   int
	freed  []int
	broken error
}

func (f *factory) create() (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return 0, f.broken
	}
	f.made++
	return f.made, nil
}

func (f *factory) free(thing int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freed = append(f.freed, thing)
}

func (f *factory) wantFreed(t *testing.T, want ...int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.freed, want) {
		t.Errorf("freed %v, want %v", f.freed, want)
	}
}

func newPool(size, queue int, wait time.Duration) (*pool.Pool[int], *factory) {
	f := &factory{}
	return pool.New(pool.Config{Size: size, Queue: queue, Wait: wait}, f.create, f.free), f
}

func lease(t *testing.T, p *pool.Pool[int], want int) {
	t.Helper()
	if got, err := p.Lease(t.Context()); got != want || err != nil {
		t.Fatalf("leased %d, %v; want %d", got, err, want)
	}
}

// What was kept last is leased first; what was dropped is never seen again.
func TestReuse(t *testing.T) {
	p, f := newPool(3, 0, 0)
	for want := 1; want <= 3; want++ {
		lease(t, p, want)
	}
	p.Keep(1)
	p.Keep(3)
	p.Drop(2)
	lease(t, p, 3)
	lease(t, p, 1)
	lease(t, p, 4)
	f.wantFreed(t, 2)
}

func TestNoQueue(t *testing.T) {
	p, _ := newPool(1, 0, time.Hour)
	lease(t, p, 1)
	if _, err := p.Lease(t.Context()); !errors.Is(err, pool.ErrFull) {
		t.Errorf("got %v", err)
	}
	p.Keep(1)
	lease(t, p, 1)
}

// A thing that cannot be made takes no place.
func TestCreateFails(t *testing.T) {
	p, f := newPool(1, 0, 0)
	f.broken = errors.New("no memory")
	for range 3 {
		if _, err := p.Lease(t.Context()); !errors.Is(err, f.broken) {
			t.Fatalf("got %v", err)
		}
	}
	f.broken = nil
	lease(t, p, 1)
}

// A caller that finds no place leaves the queue again, whatever ended its wait.
func TestWaits(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(p *pool.Pool[int], cancel context.CancelFunc)
		want      error
		took      time.Duration
	}{
		"kept":        {func(p *pool.Pool[int], _ context.CancelFunc) { p.Keep(1) }, nil, time.Second},
		"dropped":     {func(p *pool.Pool[int], _ context.CancelFunc) { p.Drop(1) }, nil, time.Second},
		"too long":    {func(*pool.Pool[int], context.CancelFunc) {}, pool.ErrFull, 5 * time.Second},
		"caller left": {func(_ *pool.Pool[int], cancel context.CancelFunc) { cancel() }, context.Canceled, time.Second},
		"closed": {func(p *pool.Pool[int], _ context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			p.Close(ctx)
		}, pool.ErrClosed, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := newPool(1, 1, 5*time.Second)
				lease(t, p, 1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, func() { c.meanwhile(p, cancel) })
				began := time.Now()
				_, err := p.Lease(ctx)
				if !errors.Is(err, c.want) || time.Since(began) != c.took {
					t.Errorf("got %v after %v, want %v after %v", err, time.Since(began), c.want, c.took)
				}
			})
		})
	}
}

func TestQueueBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(1, 2, time.Minute)
		lease(t, p, 1)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				thing, err := p.Lease(t.Context())
				if err != nil {
					t.Error(err)
				}
				p.Keep(thing)
			})
		}
		synctest.Wait()
		if _, err := p.Lease(t.Context()); !errors.Is(err, pool.ErrFull) {
			t.Errorf("a third one waits: %v", err)
		}
		p.Keep(1)
		wg.Wait()
		lease(t, p, 1) // the queue is empty again
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := newPool(3, 1, time.Minute)
		for want := 1; want <= 3; want++ {
			lease(t, p, want)
		}
		p.Keep(2)
		closed := make(chan error, 1)
		go func() { closed <- p.Close(context.Background()) }()
		synctest.Wait()
		f.wantFreed(t, 2)
		if _, err := p.Lease(t.Context()); !errors.Is(err, pool.ErrClosed) {
			t.Errorf("leased while closing: %v", err)
		}
		p.Keep(3)
		synctest.Wait()
		f.wantFreed(t, 2, 3)
		select {
		case err := <-closed:
			t.Fatalf("closed with a thing leased: %v", err)
		default:
		}
		p.Drop(1)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		f.wantFreed(t, 2, 3, 1)
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("the second time: %v", err)
		}
		f.wantFreed(t, 2, 3, 1)
	})
}

// A Close that gave up can be tried again.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := newPool(2, 0, 0)
		lease(t, p, 1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		time.AfterFunc(time.Second, func() { p.Keep(1) })
		if err := p.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		f.wantFreed(t, 1)
	})
}

// Two that close at once do not wait for each other.
func TestCloseTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(2, 0, 0)
		lease(t, p, 1)
		lease(t, p, 2)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := p.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		p.Drop(1)
		synctest.Wait()
		p.Drop(2)
		wg.Wait()
	})
}

// Once Close has returned, nothing is made or handed out any more.
func TestNoLeaseAfterClose(t *testing.T) {
	for range 2000 {
		p, f := newPool(2, 4, time.Minute)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				<-start
				if thing, err := p.Lease(t.Context()); err == nil {
					p.Keep(thing)
				}
			})
		}
		close(start)
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		made := f.made
		f.mu.Unlock()
		wg.Wait()
		if f.made != made || len(f.freed) != f.made {
			t.Fatalf("made %d while open and %d after, freed %d", made, f.made-made, len(f.freed))
		}
	}
}

func TestIdleIsBounded(t *testing.T) {
	f := &factory{}
	p := pool.New(pool.Config{Size: 3, Idle: 1}, f.create, f.free)
	for want := range 3 {
		lease(t, p, want+1)
	}
	for thing := range 3 {
		p.Keep(thing + 1)
	}
	f.wantFreed(t, 2, 3)
	lease(t, p, 1)
	p.Keep(1)
	if !p.Shrink() || p.Shrink() {
		t.Error("shrinking frees what is idle, once")
	}
	f.wantFreed(t, 2, 3, 1)
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A pool whose things are spent by their use has others ready.
func TestSpares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		p := pool.New(pool.Config{Size: 2, Spare: 1}, f.create, f.free)
		lease(t, p, 1)
		lease(t, p, 2)
		p.Drop(1)
		synctest.Wait()
		p.Drop(2) // one spare is enough
		synctest.Wait()
		f.wantFreed(t, 1, 2)
		if f.made != 3 {
			t.Errorf("%d were made", f.made)
		}
		lease(t, p, 3)
		f.broken = errors.New("none")
		p.Drop(3)
		synctest.Wait()
		f.broken = nil
		lease(t, p, 4)
		p.Drop(4)
		synctest.Wait()
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		f.wantFreed(t, 1, 2, 3, 4, 5) // the last a spare
	})
}

// What other pools keep for later gives way to what is needed now.
func TestIdleThingsMakeRoom(t *testing.T) {
	gate := pool.NewGate(8, 8)
	budget := pool.NewBudget(2)
	f := &factory{}
	create := func() (int, error) {
		if !budget.Take(1) {
			return 0, pool.ErrNoRoom
		}
		return f.create()
	}
	free := func(thing int) {
		budget.Give(1)
		f.free(thing)
	}
	config := pool.Config{Size: 2, Gate: gate, Wait: time.Minute}
	a, b := pool.New(config, create, free), pool.New(config, create, free)
	lease(t, a, 1)
	lease(t, a, 2)
	a.Keep(1)
	a.Keep(2)
	lease(t, b, 3)
	f.wantFreed(t, 1, 2)
	b.Keep(3)
	for _, p := range []*pool.Pool[int]{a, b} {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if budget.Used() != 0 {
		t.Errorf("%d are still taken", budget.Used())
	}
}

// A spare that takes the room for which somebody waits is theirs.
func TestSpareForWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := pool.NewBudget(1)
		f := &factory{}
		create := func() (int, error) {
			spare := strings.Contains(string(debug.Stack()), "restock")
			if !spare {
				time.Sleep(time.Millisecond) // so that the spare comes first
			}
			if !budget.Take(1) {
				return 0, pool.ErrNoRoom
			}
			if spare {
				time.Sleep(10 * time.Millisecond) // making takes its time, and the waiter looks meanwhile
			}
			return f.create()
		}
		free := func(thing int) {
			budget.Give(1)
			f.free(thing)
		}
		p := pool.New(pool.Config{Size: 2, Queue: 1, Wait: time.Minute, Gate: pool.NewGate(8, 8), Spare: 1}, create, free)
		lease(t, p, 1)
		leased := make(chan int)
		go func() {
			thing, err := p.Lease(t.Context())
			if err != nil {
				t.Error(err)
			}
			leased <- thing
		}()
		time.Sleep(time.Second) // it waits for room
		began := time.Now()
		p.Drop(1)
		thing := <-leased
		if took := time.Since(began); took > time.Second {
			t.Errorf("it waited for %v", took)
		}
		p.Keep(thing)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
