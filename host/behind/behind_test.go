package behind_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/behind"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What waits is done in its order and in batches, and none of it is lost: not what comes before
// somebody runs the queue, nor at its end, nor after.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var done []int
		batches := 0
		q := behind.New(time.Second, func(batch []int) error {
			mu.Lock()
			defer mu.Unlock()
			done, batches = append(done, batch...), batches+1
			return nil
		})
		next := 0
		put := func(n, most int) (all bool) {
			all = true
			for range n {
				room, running := q.Put(next, most)
				if !running {
					q.Flush()
				}
				if all = all && room; room {
					next++
				}
			}
			return all
		}
		wants := func(when string, n, wantBatches int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			want := make([]int, n)
			for i := range want {
				want[i] = i
			}
			if !slices.Equal(done, want) || batches != wantBatches {
				t.Errorf("%s: %d batches of %v", when, batches, done)
			}
		}
		put(2, 1)
		wants("before it runs", 2, 2)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		synctest.Wait()
		if put(4, 3) {
			t.Error("there is room for a fourth")
		}
		wants("at once", 2, 2)
		time.Sleep(2 * time.Second)
		wants("later", 5, 3)
		put(3000, 5000)
		q.Flush()
		wants("flushed", 3005, 4)
		put(1, 3)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		wants("at the end", 3006, 5)
		put(1, 3)
		wants("after it", 3007, 6)
	})
}

// Who flushes learns what came of it; the batch is gone all the same.
func TestQueueFails(t *testing.T) {
	failed := errors.New("failed")
	q := behind.New(time.Second, func([]int) error { return failed })
	q.Put(1, 1)
	if err := q.Flush(); !errors.Is(err, failed) {
		t.Error(err)
	}
	if err := q.Flush(); err != nil {
		t.Error(err)
	}
}
