package pool_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/spacewasm/spacewasm/host/pool"
)

func TestBudget(t *testing.T) {
	b := pool.NewBudget(10)
	for _, c := range []struct {
		take int64
		want bool
		used int64
	}{{4, true, 4}, {7, false, 4}, {math.MaxInt64, false, 4}, {6, true, 10}, {0, true, 10}, {1, false, 10}} {
		if got := b.Take(c.take); got != c.want || b.Used() != c.used {
			t.Errorf("Take(%d) = %v with %d used, want %v with %d", c.take, got, b.Used(), c.want, c.used)
		}
	}
	b.Give(10)
	if b.Used() != 0 || b.Limit() != 10 {
		t.Errorf("%d of %d used after all was given back", b.Used(), b.Limit())
	}
}

// Many that take at once never have more than there is.
func TestBudgetHolds(t *testing.T) {
	const limit = 3
	b := pool.NewBudget(limit)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if !b.Take(1) {
					continue
				}
				if n := inside.Add(1); n > most.Load() {
					most.Store(n)
				}
				inside.Add(-1)
				b.Give(1)
			}
		})
	}
	wg.Wait()
	if most.Load() > limit || b.Used() != 0 {
		t.Errorf("%d at once, %d left over", most.Load(), b.Used())
	}
}
