package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
)

// behind returns a pool with 32 places and a queue, behind a gate.
func behind(g *pool.Gate) *pool.Pool[int] {
	f := &factory{}
	return pool.New(pool.Config{Size: 32, Queue: 64, Wait: 5 * time.Second, Gate: g}, f.create, f.free)
}

// ask leases in a goroutine, and says on the channel how that ended.
func ask(p *pool.Pool[int]) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := p.Lease(context.Background())
		done <- err
	}()
	return done
}

// leased counts those of the asked that have a lease now.
func leased(t *testing.T, asked ...<-chan error) int {
	t.Helper()
	synctest.Wait()
	n := 0
	for _, done := range asked {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			n++
		default:
		}
	}
	return n
}

// However many pools are busy, there is a place left for one more.
func TestGateShares(t *testing.T) {
	for _, c := range []struct {
		size, busy int
		want       []int // places of each busy pool, of the most that they could use
	}{
		{16, 1, []int{12}},
		{16, 2, []int{7, 7}},
		{16, 5, []int{3, 3, 3, 3, 3}},
		{8, 1, []int{6}},
		{32, 1, []int{24}},
		{1, 1, []int{1}},
	} {
		t.Run(fmt.Sprint(c.size, c.busy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := pool.NewGate(c.size, 512)
				pools := make([]*pool.Pool[int], c.busy)
				got := make([]int, c.busy)
				var asked []<-chan error
				for i := range pools {
					pools[i] = behind(g)
				}
				for range 32 { // as all of them ask at the same pace
					for i, p := range pools {
						a := ask(p)
						if leased(t, a) == 1 {
							got[i]++
						} else {
							asked = append(asked, a)
						}
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("the pools have %v, want %v", got, c.want)
				}
				if taken, waiting := g.Load(); taken == c.size && c.size > 1 || waiting != len(asked) {
					t.Errorf("%d taken, %d wait", taken, waiting)
				}
				g.Close()
			})
		})
	}
}

// The place that one gives back goes to the pool that has the fewest, of several
// to the one that has waited longest, and within a pool to who came first.
func TestGateFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pool.NewGate(4, 512)
		greedy, second, third := behind(g), behind(g), behind(g)
		first := []<-chan error{ask(greedy), ask(greedy), ask(greedy)}
		if leased(t, first...) != 3 {
			t.Fatal("the greedy pool did not get three of four places")
		}
		waits := ask(greedy)
		if leased(t, waits) != 0 || leased(t, ask(second)) != 1 {
			t.Fatal("the greedy pool has the last place too")
		}
		early := ask(third)
		synctest.Wait()
		late := ask(third)
		if leased(t, early, late) != 0 {
			t.Fatal("five have a place of four")
		}
		greedy.Keep(1)
		if leased(t, waits, late) != 0 || leased(t, early) != 1 {
			t.Error("the place went to the pool that has most, or to who came last")
		}
		greedy.Keep(2)
		if leased(t, late) != 0 || leased(t, waits) != 1 {
			t.Error("of two pools that have as many, it is not the turn of the one that has waited longer")
		}
		g.Close()
	})
}

// A pool that crowds the gate's queue leaves room for others in it.
func TestGateQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pool.NewGate(1, 8)
		crowd, other := behind(g), behind(g)
		if leased(t, ask(other)) != 1 {
			t.Fatal("the gate is not free")
		}
		for i := range 4 {
			ask(crowd)
			synctest.Wait()
			if _, waiting := g.Load(); waiting != i+1 {
				t.Fatalf("%d of %d wait", waiting, i+1)
			}
		}
		if err := <-ask(crowd); !errors.Is(err, pool.ErrGateFull) {
			t.Errorf("half of the queue is the crowd's, and the next one got %v", err)
		}
		ask(other)
		synctest.Wait()
		if _, waiting := g.Load(); waiting != 5 {
			t.Error("another pool finds no room in the queue")
		}
		g.Close()
		synctest.Wait()
		if _, waiting := g.Load(); waiting != 0 {
			t.Errorf("%d wait at a closed gate", waiting)
		}
	})
}

// The time to wait is one for the pool's queue, the gate's and the room together.
func TestGateWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pool.NewGate(1, 8)
		other, full := behind(g), errors.New("full")
		var broken error
		p := pool.New(pool.Config{Size: 1, Queue: 8, Wait: 5 * time.Second, Gate: g},
			func() (int, error) { return 1, broken }, func(int) {})
		lease(t, p, 1)
		began := time.Now()
		slow := ask(p) // waits for the pool
		time.Sleep(2 * time.Second)
		waits := ask(other) // waits for the gate, and is first there
		synctest.Wait()
		p.Keep(1)
		if leased(t, waits) != 1 || leased(t, slow) != 0 {
			t.Fatal("who waited for the gate did not get its place")
		}
		if err := <-slow; !errors.Is(err, pool.ErrGateFull) || time.Since(began) != 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		other.Keep(1)

		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = pool.New(pool.Config{Size: 2, Queue: 8, Wait: 5 * time.Second, Gate: g},
			func() (int, error) { return 1, broken }, func(int) {})
		broken = errors.Join(pool.ErrNoRoom, full)
		began = time.Now()
		if err := <-ask(p); !errors.Is(err, full) || time.Since(began) != 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		if taken, waiting := g.Load(); taken+waiting != 0 {
			t.Errorf("%d have a place, %d wait", taken, waiting)
		}
	})
}

// Who finds no room waits for what others give back, whatever pool they are of.
func TestGateRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pool.NewGate(8, 8)
		room := pool.NewBudget(2)
		sized := func(n int64) *pool.Pool[int64] {
			return pool.New(pool.Config{Size: 8, Wait: 5 * time.Second, Gate: g}, func() (int64, error) {
				if !room.Take(n) {
					return 0, pool.ErrNoRoom
				}
				return n, nil
			}, room.Give)
		}
		small, large := sized(1), sized(2)
		for range 2 {
			if _, err := small.Lease(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		done := make(chan error, 1)
		go func() {
			_, err := large.Lease(context.Background())
			done <- err
		}()
		time.Sleep(time.Second)
		small.Drop(1)
		if leased(t, done) != 0 {
			t.Fatal("there is no room, and it was leased")
		}
		small.Drop(1)
		if leased(t, done) != 1 {
			t.Error("there is room, and it waits")
		}
		large.Drop(2)
		if room.Used() != 0 {
			t.Errorf("%d are left over", room.Used())
		}
	})
}

// Waiting ends with the caller's context, with the pool and with the gate.
func TestGateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := pool.NewGate(1, 8)
		busy, p := behind(g), behind(g)
		lease(t, busy, 1)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := p.Lease(ctx)
			left <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("after its context: %v", err)
		}
		done := ask(p)
		synctest.Wait()
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, pool.ErrClosed) {
			t.Errorf("after its pool: %v", err)
		}
		done = ask(busy)
		synctest.Wait()
		g.Close()
		g.Close()
		if err := <-done; !errors.Is(err, pool.ErrClosed) {
			t.Errorf("after the gate: %v", err)
		}
		if err := <-ask(busy); !errors.Is(err, pool.ErrClosed) {
			t.Errorf("who would have to wait at a closed gate: %v", err)
		}
		busy.Drop(1)
		lease(t, busy, 2)
		if taken, waiting := g.Load(); taken != 1 || waiting != 0 {
			t.Errorf("%d have a place, %d wait", taken, waiting)
		}
	})
}
