package host_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/space"
)

// Requests are written down behind who serves them, in their order, none of them twice and none
// lost, also at the end and of more than may wait (T24); of those that went well nothing is held
// that is large.
func TestVisitsAreWrittenDownLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got, want []space.RequestID
		q := host.NewVisits(func(v *gateway.Visit) {
			mu.Lock()
			defer mu.Unlock()
			if held := v.Inner != nil && v.Usage.Words != nil; held != (v.Status >= 500) {
				t.Errorf("of a %d the request is held: %v", v.Status, held)
			}
			got = append(got, v.ID)
		})
		ask := func(n int) {
			for range n {
				v := gateway.Visit{ID: space.RequestID(fmt.Sprint(len(want))), Status: 200 + 300*(len(want)%2), Inner: &http.Request{}}
				v.Usage.Words = func() []string { return nil }
				want = append(want, v.ID)
				q.Answered(v)
			}
		}
		written := func(n int, when string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, want[:n]) {
				t.Fatalf("%s %d are written down, want %d in their order", when, len(got), n)
			}
		}
		ask(3)
		written(3, "before it runs")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		synctest.Wait()
		ask(100)
		written(3, "at once")
		time.Sleep(time.Second)
		written(103, "later")
		ask(1023)
		written(103, "at once")
		ask(2)
		written(103+1024, "of too many")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		written(103+1025, "at the end")
		ask(1)
		written(103+1026, "after it")
	})
}
