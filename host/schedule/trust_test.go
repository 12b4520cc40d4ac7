package schedule_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
)

// slow is a Micro that takes its time.
func slow(d time.Duration) *door {
	return &door{serve: func(_ http.ResponseWriter, r *http.Request) error {
		*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
		time.Sleep(d)
		return nil
	}}
}

// failing is a Micro that fails so often, and then does not.
func failing(times int) *door {
	d := &door{}
	d.serve = func(w http.ResponseWriter, r *http.Request) error {
		*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
		if len(d.fires()) <= times {
			w.WriteHeader(http.StatusInternalServerError)
		}
		return nil
	}
	return d
}

// with is an action with what change makes of it.
func with(interval string, change func(*space.Action)) space.Action {
	a := every(interval)
	change(&a)
	return a
}

func queued(a *space.Action) { a.Overlap = space.OverlapQueue }
func once(a *space.Action)   { a.Missed = space.MissedOnce }

// A fire that is due while the one before it runs is left out, unless its author has it wait.
func TestOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*space.Action)
		want   []string
	}{
		"skip":  {func(*space.Action) {}, []string{"00:01 ok", "00:02 skipped", "00:03 skipped", "00:04 running", "00:05 skipped"}},
		"queue": {queued, []string{"00:01 ok", "00:02 running", "00:03 waiting", "00:04 waiting", "00:05 waiting"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.start()
				b.pass(time.Second)
				b.push("app", slow(150*time.Second), with("1 minute", c.change))
				b.pass(5*time.Minute + 40*time.Second)
				b.wantRuns(c.want...)
			})
		})
	}
}

// What waits has a bound.
func TestQueueIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.pass(time.Second)
		b.push("app", slow(time.Hour), with("1 minute", queued))
		b.pass(20 * time.Minute)
		counts := map[string]int{}
		for _, run := range b.runs() {
			counts[run[len("00:00 "):]]++
		}
		if counts["running"] != 1 || counts["waiting"] != 8 || counts["skipped"] != 11 {
			t.Errorf("got %v", counts)
		}
	})
}

// A run that fails is tried again as often as its author says, later each time, with the
// same idempotency key.
func TestRetries(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := failing(2)
		b.start()
		b.push("app", d, with("1 day", func(a *space.Action) { a.Retries = 3 }))
		b.pass(24*time.Hour + time.Minute)
		b.wantRuns("00:00 failed", "00:00#2 failed", "00:00#3 ok")
		if d.count() != 3 {
			t.Fatalf("called %d times", d.count())
		}
		first, second := d.calls[1].at.Sub(d.calls[0].at), d.calls[2].at.Sub(d.calls[1].at)
		if first < 15*time.Second || first > 16*time.Second || second < 30*time.Second || second > 31*time.Second {
			t.Errorf("tried again after %v and %v", first, second)
		}
		for i, c := range d.calls {
			if c.header.Get(schedule.HeaderKey) != d.calls[0].header.Get(schedule.HeaderKey) || c.header.Get(schedule.HeaderAttempt) != string(rune('1'+i)) {
				t.Errorf("attempt %d has %v", i+1, c.header)
			}
		}
	})
}

func TestNoRetries(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.push("app", failing(9), every("1 day"))
		b.pass(25 * time.Hour)
		b.wantRuns("00:00 failed")
	})
}

// An attempt that waits when the server stops is made after its start.
func TestRetrySurvivesRestart(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := failing(1)
		b.start()
		b.push("app", d, with("1 day", func(a *space.Action) { a.Retries = 1 }))
		b.pass(24*time.Hour + 5*time.Second)
		b.wantRuns("00:00 failed", "00:00#2 waiting")
		b.halt()
		b.pass(20 * time.Second)
		b.start()
		b.wantRuns("00:00 failed", "00:00#2 ok")
	})
}

// Fires while the server was down do not run, or one does for all of them. A server that
// is back at once has missed none.
func TestMissed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*space.Action)
		down   time.Duration
		want   []string
	}{
		"skip":     {func(*space.Action) {}, 5*time.Minute + 40*time.Second, []string{"00:01 ok", "00:02-00:06 missed", "00:07 ok"}},
		"once":     {once, 5*time.Minute + 40*time.Second, []string{"00:01 ok", "00:02-00:06 ok", "00:07 ok"}},
		"in time":  {func(*space.Action) {}, 5*time.Minute + 10*time.Second, []string{"00:01 ok", "00:02-00:05 missed", "00:06 ok", "00:07 ok"}},
		"one late": {once, 5*time.Minute + 10*time.Second, []string{"00:01 ok", "00:02-00:06 ok", "00:07 ok"}},
		"a moment": {func(*space.Action) {}, 50 * time.Second, []string{"00:01 ok", "00:02 ok", "00:03 ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.start()
				b.push("app", &door{}, with("1 minute", c.change))
				b.pass(time.Minute + 10*time.Second)
				b.halt()
				b.pass(c.down)
				b.start()
				b.pass(time.Minute)
				b.wantRuns(c.want...)
			})
		})
	}
}

// What ran when the server was killed is interrupted, and does not run again.
func TestInterrupted(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		app := b.push("app", &door{}, with("1 day", once))
		b.pass(time.Minute)
		b.halt()
		// As the end of the process would leave it.
		b.record(space.Run{
			Action: key("app"), Trigger: space.TriggerSchedule, Attempt: 1, State: space.RunRunning, Started: time.Now(),
			Fire: time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC), First: time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC),
		}, app)
		b.pass(24 * time.Hour)
		b.start()
		b.pass(time.Minute)
		b.wantRuns("00:00 interrupted")
	})
}

// A clock that goes back fires nothing again; it goes on once it has caught up.
func TestClockBack(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.push("app", d, every("1 minute"))
		b.pass(3*time.Minute + 30*time.Second)
		b.shift.Store(int64(-2 * time.Minute))
		b.pass(2 * time.Minute)
		b.wantRuns("00:01 ok", "00:02 ok", "00:03 ok")
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:02 ok", "00:03 ok", "00:04 ok")
		if d.count() != 4 {
			t.Errorf("called %d times", d.count())
		}
	})
}

// A clock that leaps fires at most once for what it leapt over; one that swings does not
// fire twice.
func TestClockForward(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.push("app", d, every("1 minute"))
		b.pass(time.Minute + 30*time.Second)
		b.shift.Store(int64(10*time.Hour + 10*time.Second))
		b.pass(20 * time.Second)
		if got := b.runs(); len(got) != 3 && len(got) != 2 || got[1] != "00:02-10:01 missed" && got[1] != "00:02-10:00 missed" {
			t.Errorf("got %q", got)
		}
		before := d.count()
		for i := range 10 {
			b.shift.Add(int64(time.Duration(1-2*(i%2)) * time.Hour))
			b.pass(time.Second)
		}
		if after := d.count(); after > before+1 {
			t.Errorf("a clock that swings has called %d times", after-before)
		}
		seen := map[string]bool{}
		for _, fire := range d.fires() {
			if seen[fire] {
				t.Errorf("%s has run twice", fire)
			}
			seen[fire] = true
		}
	})
}

// Whatever made an owner's clock forget, what is recorded does not run again.
func TestNeverTwice(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.push("app", d, every("1 minute"))
		b.pass(3*time.Minute + 30*time.Second)
		b.shift.Store(int64(-3 * time.Minute))
		b.pass(time.Second)
		yes, no := true, false
		for _, paused := range []*bool{&yes, &no} { // goes on from what the clock says now
			if err := b.scheduler.Change(t.Context(), key("app"), schedule.Change{Paused: paused}); err != nil {
				t.Fatal(err)
			}
		}
		b.pass(4 * time.Minute)
		b.wantRuns("00:01 ok", "00:02 ok", "00:03 ok", "00:04 ok")
		if d.count() != 4 {
			t.Errorf("called %d times", d.count())
		}
	})
}

// What the history has forgotten does not run again either, however the clock is set and whatever its
// owner does then; and what has not run yet runs, though later fires have.
func TestNeverTwiceAfterPruning(t *testing.T) {
	const year = 366 * 24 * time.Hour
	for name, c := range map[string]struct {
		before, ahead int           // for how many minutes it runs, and with a clock that is a year ahead
		shift         time.Duration // how far off the clock is then
		after, want   int           // for how many minutes it goes on, and how often it has run then
	}{
		"back":                   {before: 300, shift: -250 * time.Minute, after: 240, want: 300},
		"back, and past":         {before: 300, shift: -250 * time.Minute, after: 260, want: 310},
		"back, and not so far":   {before: 300, shift: -3 * time.Minute, after: 10, want: 307},
		"back after being ahead": {before: 3, ahead: 10, after: 300, want: 313},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				d := &door{}
				b.start()
				b.push("app", d, every("1 minute"))
				b.pass(time.Duration(c.before)*time.Minute + 30*time.Second)
				swing := func(by time.Duration) {
					b.shift.Add(int64(by))
					b.pass(time.Second)
					b.pause(true)
					b.pause(false) // goes on from what the clock says now
				}
				if c.ahead > 0 {
					swing(year)
					b.pass(time.Duration(c.ahead) * time.Minute)
					swing(-year)
				}
				swing(c.shift)
				b.pass(time.Duration(c.after) * time.Minute)
				if got := d.count(); got != c.want {
					t.Errorf("called %d times, want %d", got, c.want)
				}
				swing(year - time.Duration(c.after+c.ahead+2)*time.Minute) // to when it was ahead
				b.pass(20 * time.Minute)
				seen := map[string]bool{}
				for _, call := range d.calls {
					key := call.header.Get(schedule.HeaderKey)
					if seen[key] {
						t.Errorf("%s has run twice", call.header.Get(schedule.HeaderFire))
					}
					seen[key] = true
				}
			})
		})
	}
}

// Fires of one time are spread, each action's by another time, and by the same after a
// restart.
func TestSpread(t *testing.T) {
	lags := func(t *testing.T, restart bool) []time.Duration {
		var all []time.Duration
		bubble(t, func(t *testing.T, b *bench) {
			b.start()
			spread := func(a *space.Action) { a.Spread = 10 * time.Minute }
			doors := map[space.AppName]*door{"a": {}, "b": {}, "c": {}}
			for name, d := range doors {
				b.push(name, d, with("1 hour", spread))
			}
			b.pass(time.Hour + time.Second)
			if restart {
				b.halt()
				b.start()
			}
			b.pass(2 * time.Hour)
			for _, name := range []space.AppName{"a", "b", "c"} {
				for _, c := range doors[name].calls {
					fire, err := time.Parse(time.RFC3339, c.header.Get(schedule.HeaderFire))
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, c.at.Sub(fire))
				}
			}
		})
		return all
	}
	first, second := lags(t, false), lags(t, true)
	if len(first) < 6 || !slices.Equal(first, second) {
		t.Errorf("spread by %v, and with a restart by %v", first, second)
	}
	different := map[time.Duration]bool{}
	for _, lag := range first {
		different[lag] = true
		if lag < 0 || lag >= 10*time.Minute+time.Second {
			t.Errorf("put off by %v", lag)
		}
	}
	if len(different) < len(first)-1 {
		t.Errorf("spread by %v", first)
	}
}

// What a Micro answers, and what goes wrong with it, is in the history.
func TestOutcome(t *testing.T) {
	for want, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"ok 204":             func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusNoContent); return nil },
		"failed 404":         func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusNotFound); return nil },
		"failed 0 deadline":  func(http.ResponseWriter, *http.Request) error { return space.Errorf(space.CodeDeadline, "too long") },
		"failed 0 internal":  func(http.ResponseWriter, *http.Request) error { return errors.New("disk") },
		"failed 0 internal ": func(http.ResponseWriter, *http.Request) error { panic("a bug") },
		"failed 0 node_full": func(http.ResponseWriter, *http.Request) error { return space.Errorf(space.CodeNodeFull, "full") },
	} {
		bubble(t, func(t *testing.T, b *bench) {
			b.start()
			b.push("app", &door{serve: serve}, every("1 day"))
			b.pass(24*time.Hour + 2*time.Minute)
			if got := b.last(); got != strings.TrimSpace(want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// A fire waits for a place like a request, and nothing runs twice for that.
func TestWaitsForRoom(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		var late atomic.Bool
		d.serve = func(_ http.ResponseWriter, r *http.Request) error {
			if len(d.fires()) < 5 {
				return space.Errorf(space.CodeQueueFull, "full")
			}
			*space.UsageOf(r.Context()) = space.Usage{Requests: 1, Fuel: 3}
			if late.Load() {
				return space.Errorf(space.CodeNodeFull, "no memory")
			}
			return nil
		}
		b.start()
		b.push("app", d, every("1 day"))
		b.pass(24*time.Hour + time.Minute)
		b.wantRuns("00:00 ok")
		// One that began, and died for want of memory, is not begun again.
		late.Store(true)
		calls := d.count()
		b.pass(24 * time.Hour)
		b.wantRuns("00:00 ok", "00:00 failed")
		if d.count() != calls+1 {
			t.Errorf("called %d times", d.count()-calls)
		}
	})
}

// An app that is being prepared keeps no place from the others; its fire waits, and fails
// if that takes more than a minute.
func TestWaitsWithoutPlace(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.places = 1
		b.start()
		late := b.push("app", &door{}, every("1 day"))
		var wanted atomic.Int64
		b.registry.Publish(&registry.App{App: late.App, Revision: late.Revision, Wanted: func() { wanted.Add(1) }})
		other := &door{}
		b.push("other", other, every("1 hour"))
		b.pass(24*time.Hour + 20*time.Second)
		if other.count() != 24 || wanted.Load() == 0 {
			t.Errorf("the other ran %d times", other.count())
		}
		b.registry.Publish(late)
		b.pass(10 * time.Second)
		b.wantRuns("00:00 ok")
		b.registry.Publish(&registry.App{App: late.App, Revision: late.Revision, Wanted: func() {}})
		b.pass(24*time.Hour + 2*time.Minute)
		if got := b.last(); got != "failed 0 preparing" {
			t.Errorf("got %q", got)
		}
	})
}

// Fires never have more than their places, and one app leaves some to the others.
func TestPlaces(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var running, most atomic.Int64
		busy := &door{serve: func(_ http.ResponseWriter, r *http.Request) error {
			most.Store(max(most.Load(), running.Add(1))) // all begin in one moment, one after the other
			time.Sleep(10 * time.Second)
			running.Add(-1)
			*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
			return nil
		}}
		var actions []space.Action
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			actions = append(actions, space.Action{ID: id, DefaultInterval: "1 minute"})
		}
		quick := &door{}
		b.start()
		b.push("app", busy, actions...)
		b.push("other", quick, every("1 minute"))
		b.pass(time.Minute + time.Second)
		if most.Load() != 2 || len(quick.fires()) != 1 {
			t.Errorf("of 4 places one app had %d, and the other ran %d times", most.Load(), len(quick.fires()))
		}
		b.pass(50 * time.Second)
		if got := len(busy.fires()); got != 5 {
			t.Errorf("%d of 5 have run", got)
		}
	})
}

// A server that stops lets what runs end, and begins nothing more.
func TestStop(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.push("app", slow(20*time.Second), every("1 minute"))
		b.pass(time.Minute + time.Second)
		began := time.Now()
		b.halt()
		if took := time.Since(began); took != 19*time.Second {
			t.Errorf("it stopped after %v", took)
		}
		b.wantRuns("00:01 ok")
		if _, err := b.scheduler.RunNow(context.Background(), key("app")); space.AsError(err).Code != space.CodePreparing {
			t.Errorf("got %v", err)
		}
	})
}
