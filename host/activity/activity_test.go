package activity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/space"
)

// The minutes and the newest requests are what a plain list of all requests says.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_800_000_000, 0)
		book := activity.New(func() time.Time { return now })
		key := activity.Key{App: "app", Micro: "web"}
		var all []activity.Request
		for range rapid.IntRange(0, 300).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 20, 61, 200, 4000}).Draw(t, "seconds")) * time.Second)
			r := activity.Request{Time: now, ID: space.RequestID(fmt.Sprint(len(all))), Status: rapid.SampledFrom([]int{200, 404, 502}).Draw(t, "status")}
			book.Note(key, r)
			all = append(all, r)
		}
		now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "later")) * time.Second)
		var want [activity.Minutes]activity.Minute
		for _, r := range all {
			if ago := now.Unix()/60 - r.Time.Unix()/60; ago < activity.Minutes {
				m := &want[activity.Minutes-1-ago]
				m.Requests++
				if r.Status >= 500 {
					m.Errors++
				}
			}
		}
		if got := book.Hour(key); got != want {
			t.Fatalf("the hour is %v, want %v", got, want)
		}
		recent, _ := book.Recent(key)
		if len(recent) != min(len(all), activity.Newest) {
			t.Fatalf("%d requests are known of %d", len(recent), len(all))
		}
		for i, r := range recent {
			if r != all[len(all)-1-i] {
				t.Fatalf("the newest but %d is %v, want %v", i, r, all[len(all)-1-i])
			}
		}
		last, ok := book.Last(key)
		if ok != (len(all) > 0) || ok && last != all[len(all)-1] {
			t.Fatalf("the last is %v", last)
		}
	})
}

// T24: what is remembered has a bound, whatever is asked of however many Micros, and an
// app knows nothing of another that had its name.
func TestBounds(t *testing.T) {
	book := activity.New(time.Now)
	for i := range 3000 {
		book.Note(activity.Key{App: "app", Micro: "web", Born: int64(i)}, activity.Request{ID: "x", Path: strings.Repeat("ä", 1<<10)})
	}
	known := 0
	for i := range int64(3000) {
		if r, ok := book.Last(activity.Key{App: "app", Micro: "web", Born: i}); ok {
			known++
			if len(r.Path) > 200 {
				t.Fatalf("a path has %d bytes", len(r.Path))
			}
		}
	}
	if known != 1000 {
		t.Errorf("%d Micros are remembered", known)
	}
	if _, ok := book.Last(activity.Key{App: "app", Micro: "web", Born: 2999}); !ok {
		t.Error("the newest is forgotten")
	}
}

// How long requests took is counted by how they began.
func TestLatency(t *testing.T) {
	book := activity.New(time.Now)
	key := activity.Key{App: "app", Micro: "web"}
	for _, d := range []time.Duration{0, 63 * time.Microsecond, 64 * time.Microsecond, time.Millisecond, time.Hour} {
		book.Note(key, activity.Request{ID: "x", Start: space.StartReset, Run: d})
	}
	book.Note(key, activity.Request{Start: space.StartLoad, Begin: 50 * time.Millisecond, Run: time.Millisecond})
	book.Note(key, activity.Request{Code: space.CodeQueueFull}) // nothing ran
	_, latency := book.Recent(key)
	reset, load := latency[space.StartReset], latency[space.StartLoad]
	if len(latency) != 2 || reset[0] != 2 || reset[1] != 1 || reset[4] != 1 || reset[activity.Buckets-1] != 1 || load[10] != 1 {
		t.Errorf("got %v", latency)
	}
	if key, r, ok := book.Find("x"); !ok || key.Micro != "web" || r.ID != "x" {
		t.Errorf("found %v %v", key, r)
	}
}

// Who follows gets each request once, in order, from the time on that it follows.
func TestFollow(t *testing.T) {
	book := activity.New(time.Now)
	key := activity.Key{App: "app", Micro: "web"}
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan int, 1000)
	done := make(chan error)
	go func() {
		done <- book.Follow(ctx, key, func(fresh []activity.Request) error {
			for _, r := range fresh {
				got <- r.Status
			}
			return nil
		})
	}()
	first := 0
	for status := 1; first == 0; status++ { // until it follows
		book.Note(key, activity.Request{Status: status})
		select {
		case first = <-got:
		case <-time.After(time.Millisecond):
		}
	}
	for drained := false; !drained; {
		select {
		case <-got:
		case <-time.After(50 * time.Millisecond):
			drained = true
		}
	}
	for i := range 50 {
		book.Note(key, activity.Request{Status: 1000 + i})
		if status := <-got; status != 1000+i {
			t.Fatalf("got %d, want %d", status, 1000+i)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
