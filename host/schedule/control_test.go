package schedule_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// change changes the action of the app "app".
func (b *bench) change(c schedule.Change) {
	b.t.Helper()
	if err := b.scheduler.Change(b.t.Context(), key("app"), c); err != nil {
		b.t.Fatal(err)
	}
	b.settle()
}

func (b *bench) pause(paused bool) { b.t.Helper(); b.change(schedule.Change{Paused: &paused}) }

// next are the coming times of the app's first action.
func (b *bench) next(n int) []string {
	b.t.Helper()
	all, err := b.scheduler.Actions(b.t.Context(), "app", n)
	if err != nil {
		b.t.Fatal(err)
	}
	var times []string
	for _, at := range all[0].Next {
		times = append(times, at.Format("15:04:05"))
	}
	return times
}

// An owner pauses an action, which stays so over pushes and restarts, and nothing is made
// up for.
func TestPause(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.push("app", d, with("1 minute", once))
		b.pass(time.Minute + time.Second)
		b.pause(true)
		b.pass(2 * time.Minute)
		b.push("app", d, with("1 minute", once))
		b.halt()
		b.start()
		b.pass(2 * time.Minute)
		if got := b.next(3); len(got) != 0 {
			t.Errorf("it shows %q", got)
		}
		b.pause(false)
		if got := b.next(2); !slices.Equal(got, []string{"00:06:00", "00:07:00"}) {
			t.Errorf("it shows %q", got)
		}
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:06 ok")
	})
}

// What waits is let go by a pause.
func TestPauseLetsGo(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.pass(time.Second)
		b.push("app", slow(150*time.Second), with("1 minute", queued))
		b.pass(2*time.Minute + 30*time.Second)
		b.wantRuns("00:01 running", "00:02 waiting")
		b.pause(true)
		b.pass(5 * time.Minute)
		b.wantRuns("00:01 ok", "00:02 skipped")
	})
}

// An owner's interval counts from when it was set, until the author's is wanted again.
func TestInterval(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		own, none, bad := "5 minutes", "", "5 minute"
		b.start()
		b.pass(time.Second)
		b.push("app", &door{}, every("1 minute"))
		b.pass(90 * time.Second)
		b.change(schedule.Change{Interval: &own})
		if got := b.next(2); !slices.Equal(got, []string{"00:02:00", "00:07:00"}) {
			t.Errorf("it shows %q", got)
		}
		b.push("app", &door{}, every("3 minutes"))
		b.pass(6 * time.Minute)
		b.wantRuns("00:01 ok", "00:02 ok", "00:07 ok")
		err := b.scheduler.Change(t.Context(), key("app"), schedule.Change{Interval: &bad})
		if space.AsError(err).Code != space.CodeRefused || !strings.Contains(err.Error(), "5 minute") {
			t.Errorf("got %v", err)
		}
		b.change(schedule.Change{Interval: &none})
		if got := b.next(2); !slices.Equal(got, []string{"00:08:00", "00:11:00"}) {
			t.Errorf("it shows %q", got)
		}
	})
}

// A push that has another interval counts from then; one that has the same changes nothing.
func TestPush(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.pass(time.Second)
		b.push("app", &door{}, every("3 minutes"))
		b.pass(90 * time.Second)
		b.push("app", &door{}, every("3 minutes"))
		b.pass(time.Minute)
		b.wantRuns("00:01 ok")
		b.push("app", &door{}, every("2 minutes"))
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:03 ok")
	})
}

// An action that a push drops ends, and its history stays; if it comes back, it begins
// anew, as its owner has set it.
func TestDrop(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.push("app", d, with("1 minute", once))
		b.pass(time.Minute + time.Second)
		b.push("app", d)
		b.pass(10 * time.Minute)
		b.wantRuns("00:01 ok")
		b.push("app", d, with("1 minute", once))
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:12 ok")
		b.pause(true)
		b.push("app", d)
		b.push("app", d, with("1 minute", once))
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:12 ok")
	})
}

// Nothing of a removed app runs or stays, and nothing of it is another's of its name.
func TestRemove(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := slow(90 * time.Second)
		b.start()
		b.push("app", d, with("1 minute", queued))
		b.pass(2*time.Minute + time.Second)
		if err := b.store.Remove(t.Context(), "app"); err != nil {
			t.Fatal(err)
		}
		b.registry.Remove("app")
		b.settle()
		b.pass(10 * time.Minute)
		if calls := d.count(); calls != 1 {
			t.Errorf("called %d times", calls)
		}
		b.push("app", &door{}, every("1 minute"))
		b.pass(time.Minute)
		b.wantRuns("00:13 ok")
		if actions, err := b.store.Actions(t.Context(), "app"); err != nil || len(actions) != 1 {
			t.Errorf("got %v, %v", actions, err)
		}
	})
}

// A manual run is the same call but for its trigger, counts as one that runs, and does
// not need the action to be on.
func TestRunNow(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{serve: func(w http.ResponseWriter, r *http.Request) error {
			*space.UsageOf(r.Context()) = space.Usage{Requests: 1, Fuel: 9}
			time.Sleep(time.Second)
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, strings.Repeat("x", 70<<10))
			return nil
		}}
		b.start()
		b.push("app", d, every("1 minute"))
		b.pause(true)
		second := make(chan error, 1)
		go func() {
			time.Sleep(500 * time.Millisecond)
			_, err := b.scheduler.RunNow(context.Background(), key("app"))
			second <- err
		}()
		report, err := b.scheduler.RunNow(t.Context(), key("app"))
		if err != nil || report.Run.State != space.RunOK || report.Run.Status != http.StatusAccepted || report.Run.Fuel != 9 ||
			len(report.Body) != 64<<10 || !report.Cut || report.Run.Took() != time.Second {
			t.Errorf("got %+v, %v", report.Run, err)
		}
		if err := <-second; space.AsError(err).Code != space.CodeQueueFull {
			t.Errorf("the second got %v", err)
		}
		b.wantRuns("manual ok")
		if c := d.calls[0]; c.header.Get(schedule.HeaderTrigger) != "manual" || c.body != `{"event":{"id":"tick","trigger":"schedule"}}` {
			t.Errorf("called with %+v", c)
		}
		if _, err := b.scheduler.RunNow(t.Context(), space.ActionKey{App: "app", Micro: "web", ID: "tock"}); space.AsError(err).Code != space.CodeNotFound {
			t.Errorf("got %v", err)
		}
	})
}

// A client that leaves does not end the run.
func TestRunNowGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.push("app", slow(10*time.Second), every("1 day"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.scheduler.RunNow(ctx, key("app")); space.AsError(err).Code != space.CodeClientGone {
			t.Errorf("got %v", err)
		}
		b.pass(10 * time.Second)
		b.wantRuns("manual ok")
	})
}

// T15: an action's own path takes its call, and a Micro's root is its own.
func TestPath(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.push("app", d, with("1 minute", func(a *space.Action) { a.Path = "/cron/daily" }))
		b.pass(time.Minute)
		if d.count() != 1 || d.calls[0].url != "/cron/daily" {
			t.Errorf("got %+v", d.calls)
		}
	})
}

// Of each action the newest runs are kept.
func TestPrune(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.push("app", &door{}, every("1 minute"))
		b.pass(300*time.Minute + time.Second)
		if got := len(b.runs()); got < store.KeptRuns || got > store.KeptRuns+20 {
			t.Errorf("%d runs are kept", got)
		}
	})
}

// By hand nothing fires by itself.
func TestByHand(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.byHand = true
		b.start()
		b.push("app", d, every("1 minute"))
		b.pass(5 * time.Minute)
		if next := b.next(1); len(next) != 0 {
			t.Errorf("it shows %q", next)
		}
		if report, err := b.scheduler.RunNow(t.Context(), key("app")); err != nil || report.Run.State != space.RunOK || d.count() != 1 {
			t.Errorf("got %v, %v after %d calls", report, err, d.count())
		}
	})
}

// The body of a call is as long as it says.
func TestBodyLength(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var length int64
		d := &door{serve: func(_ http.ResponseWriter, r *http.Request) error {
			length = r.ContentLength
			_, err := io.Copy(io.Discard, r.Body)
			return err
		}}
		b.start()
		b.push("app", d, every("1 minute"))
		b.pass(time.Minute)
		if d.count() != 1 || length != int64(len(d.calls[0].body)) || d.calls[0].header.Get("Content-Length") != fmt.Sprint(length) {
			t.Errorf("a length of %d of %+v", length, d.calls)
		}
	})
}
