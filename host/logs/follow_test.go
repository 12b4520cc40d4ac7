package logs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/logs"
)

// follower reads in the background; its entries come through the channel, which closes when Read returns.
type follower struct {
	entries chan logs.Entry
	err     error // valid once entries is closed
}

func follow(ctx context.Context, s *logs.Store, app string) *follower {
	f := &follower{entries: make(chan logs.Entry)}
	go func() {
		defer close(f.entries)
		f.err = s.Read(ctx, app, logs.Query{Follow: true}, func(e logs.Entry) error {
			f.entries <- e
			return nil
		})
	}()
	return f
}

// take waits for n entries.
func (f *follower) take(t *testing.T, n int) []logs.Entry {
	t.Helper()
	var out []logs.Entry
	for len(out) < n {
		select {
		case e, ok := <-f.entries:
			if !ok {
				t.Fatalf("ended after %d of %d entries: %v", len(out), n, f.err)
			}
			out = append(out, e)
		case <-time.After(30 * time.Second):
			t.Fatalf("stuck after %d of %d entries", len(out), n)
		}
	}
	return out
}

// end waits for Read to return.
func (f *follower) end(t *testing.T) error {
	t.Helper()
	select {
	case e, ok := <-f.entries:
		if ok {
			t.Fatalf("unexpected entry %+v", e)
		}
		return f.err
	case <-time.After(30 * time.Second):
		t.Fatal("still following")
		return nil
	}
}

func TestFollowReadsOldThenNew(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := open(t, t.TempDir(), func(c *logs.Config) { c.SegmentBytes = 300 })
	appendAll(t, s, "shop", numbered(0, 5)...)
	f := follow(ctx, s, "shop")
	wantMessages(t, f.take(t, 5), messages(numbered(0, 5)))
	for i := 5; i < 50; i += 3 { // over many rotations
		appendAll(t, s, "shop", numbered(i, i+3)...)
		appendAll(t, s, "other", numbered(0, 3)...)
		wantMessages(t, f.take(t, 3), messages(numbered(i, i+3)))
	}
	cancel()
	if err := f.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want the context's error", err)
	}
}

// Writers append at once from several goroutines; no follower misses an entry, sees one twice, or sees one writer's out of order.
func TestFollowWithConcurrentAppends(t *testing.T) {
	const writers, each, followers = 4, 300, 3
	s := open(t, t.TempDir(), func(c *logs.Config) { c.SegmentBytes = 8 << 10 })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var fs []*follower
	for range followers {
		fs = append(fs, follow(ctx, s, "shop"))
	}
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			w := s.Writer("shop", fmt.Sprint(i), "r")
			for n := range each {
				fmt.Fprintf(w, "%d\n", n)
			}
			w.Close()
		})
	}
	var got [followers][]logs.Entry
	for i, f := range fs {
		wg.Go(func() { got[i] = f.take(t, writers*each) })
	}
	wg.Wait()
	cancel()
	for i, f := range fs {
		if err := f.end(t); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		next := map[string]int{}
		for _, e := range got[i] {
			if e.Message != fmt.Sprint(next[e.Micro]) {
				t.Fatalf("follower %d: writer %s: %s, want %d", i, e.Micro, e.Message, next[e.Micro])
			}
			next[e.Micro]++
		}
	}
	if all := read(t, s, "shop", logs.Query{}); !slices.Equal(all, got[0]) {
		t.Error("what was followed is not what is stored")
	}
}

// A follower that is slow holds its file: pruning behind its back neither stops nor doubles what it reads afterwards.
func TestFollowBehindPruning(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := open(t, t.TempDir(), func(c *logs.Config) { c.SegmentBytes, c.MaxBytes = 500, 1500 })
	appendAll(t, s, "shop", numbered(0, 2)...)
	f := follow(ctx, s, "shop")
	wantMessages(t, f.take(t, 1), messages(numbered(0, 1)))
	appendAll(t, s, "shop", numbered(2, 100)...)
	last := f.take(t, 1)[0].Message
	for end := messages(numbered(99, 100))[0]; last != end; {
		message := f.take(t, 1)[0].Message
		if message <= last {
			t.Fatalf("%s after %s", message, last)
		}
		last = message
	}
	cancel()
	f.end(t)
}

func TestFollowEndsInOrder(t *testing.T) {
	for name, end := range map[string]func(*logs.Store) error{
		"removed": func(s *logs.Store) error { return s.Remove("shop") },
		"closed":  (*logs.Store).Close,
	} {
		for _, before := range []int{0, 1} {
			t.Run(fmt.Sprintf("%s with %d entries", name, before), func(t *testing.T) {
				s := open(t, t.TempDir(), nil)
				appendAll(t, s, "shop", numbered(0, before)...)
				f := follow(t.Context(), s, "shop")
				if before > 0 {
					f.take(t, before)
				} else {
					waitFor(t, s, f)
				}
				if err := end(s); err != nil {
					t.Fatal(err)
				}
				if err := f.end(t); err != nil {
					t.Errorf("ended with %v", err)
				}
			})
		}
	}
}

// waitFor makes sure that f follows: it sees an entry that was appended for it.
func waitFor(t *testing.T, s *logs.Store, f *follower) {
	t.Helper()
	appendAll(t, s, "shop", numbered(0, 1)...)
	f.take(t, 1)
}
