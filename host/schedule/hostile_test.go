package schedule_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// counting is a Micro that takes a while, and knows how many of its calls ran at once.
func counting(d time.Duration) (micro *door, most *atomic.Int64) {
	most = &atomic.Int64{}
	var running atomic.Int64
	return &door{serve: func(_ http.ResponseWriter, r *http.Request) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
		time.Sleep(d)
		return nil
	}}, most
}

// A fire that waits for a place does not begin beside a run by hand of its action.
func TestManualRunHoldsFire(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.places = 1
		b.start()
		b.push("other", slow(70*time.Second), every("1 day"))
		b.pass(24*time.Hour + 5*time.Second)
		d, most := counting(30 * time.Second)
		b.push("app", d, every("1 minute"))
		b.pass(time.Minute) // the fire of 00:01 waits for the other, which ends at 00:01:10
		b.wantRuns("00:01 waiting")
		go func() { _, _ = b.scheduler.RunNow(context.Background(), key("app")) }()
		b.pass(2 * time.Minute)
		if most.Load() != 1 || d.count() < 2 {
			t.Errorf("%d of %d calls ran at once", most.Load(), d.count())
		}
	})
}

// An action that a push drops and the next has again does not run beside what it began before.
func TestComesBackWhileItRuns(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d, most := counting(5*time.Minute + 30*time.Second)
		b.start()
		b.pass(time.Second)
		b.push("app", d, every("1 minute"))
		b.pass(time.Minute)
		b.push("app", d)
		if _, err := b.scheduler.RunNow(t.Context(), key("app")); space.AsError(err).Code != space.CodeNotFound {
			t.Errorf("a dropped action: got %v", err)
		}
		b.pass(time.Minute)
		b.push("app", d, every("1 minute"))
		b.pass(2 * time.Minute)
		if most.Load() != 1 {
			t.Errorf("%d ran at once", most.Load())
		}
		b.wantRuns("00:01 running", "00:03 skipped", "00:04 skipped")
		b.pass(4 * time.Minute)
		b.push("app", d) // for good, while the run of 00:07 goes on
		b.pass(10 * time.Minute)
		runs := b.runs()
		if most.Load() != 1 || !slices.Contains(runs, "00:07 ok") || slices.ContainsFunc(runs, func(r string) bool { return strings.HasPrefix(r, "00:09") }) {
			t.Errorf("%d at once: %q", most.Load(), runs)
		}
	})
}

// How a removed app's run ends is not told of another app's, whose row has its number now.
func TestRemovedRunClosesNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.pass(time.Second)
		b.push("gone", slow(80*time.Second), every("1 minute"))
		b.pass(time.Minute)
		if err := b.store.Remove(t.Context(), "gone"); err != nil {
			t.Fatal(err)
		}
		b.registry.Remove("gone")
		b.push("app", slow(time.Hour), every("1 minute"))
		b.pass(90 * time.Second)
		b.wantRuns("00:02 running")
	})
}

// A store that fails when the server starts does not end the server: what was open is taken up
// once that can be written down.
func TestStoreFailsAtStart(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		app := b.push("app", &door{}, every("1 minute"))
		b.pass(time.Minute + time.Second)
		b.halt()
		at := time.Date(2000, 1, 1, 0, 0, 30, 0, time.UTC)
		b.record(space.Run{Action: key("app"), Trigger: space.TriggerSchedule, Attempt: 1, State: space.RunRunning, Fire: at, First: at}, app)
		b.alter(`ALTER TABLE runs RENAME TO away`)
		b.start()
		b.pass(10 * time.Second)
		if _, err := b.scheduler.RunNow(t.Context(), key("app")); err == nil {
			t.Error("it ran without being written down")
		}
		b.alter(`ALTER TABLE away RENAME TO runs`)
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:00 interrupted", "00:02 ok")
	})
}

// A spread that is longer than the interval loses no fire.
func TestSpreadBeyondInterval(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.pass(time.Second)
		b.push("app", d, with("1 minute", func(a *space.Action) { a.Spread = time.Hour }))
		b.pass(30 * time.Minute)
		if len(d.fires()) < 29 {
			t.Errorf("%d fires in half an hour: %q", len(d.fires()), b.runs())
		}
		for _, c := range d.calls {
			fire, err := time.Parse(time.RFC3339, c.header.Get(schedule.HeaderFire))
			if lag := c.at.Sub(fire); err != nil || lag < 0 || lag > time.Minute {
				t.Errorf("%v came late by %v", fire, lag)
			}
		}
	})
}

// A fire that is owed when its action's interval changes, or its revision drops it, is in the
// history.
func TestOwedFireLeavesTrace(t *testing.T) {
	own, yes := "1 hour", true
	for name, do := range map[string]func(b *bench){
		"interval": func(b *bench) { b.change(schedule.Change{Interval: &own}) },
		"pause":    func(b *bench) { b.change(schedule.Change{Paused: &yes}) },
		"push":     func(b *bench) { b.push("app", &door{}, every("1 hour")) },
		"drop":     func(b *bench) { b.push("app", &door{}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.start()
				b.pass(time.Second)
				b.push("app", &door{}, every("1 minute"))
				b.pass(time.Minute)
				b.shift.Store(int64(2*time.Minute + time.Second)) // which nobody has noticed yet: 00:03:02
				do(b)
				b.pass(time.Minute)
				b.wantRuns("00:01 ok", "00:02-00:03 skipped")
			})
		})
	}
}

// A server that is restarted often keeps no more runs than one that is not.
func TestPruneOverRestarts(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.push("app", &door{}, every("1 day"))
		for range 130 {
			b.halt()
			b.start()
			b.pass(24 * time.Hour)
		}
		if got := len(b.runs()); got > store.KeptRuns+20 {
			t.Errorf("%d runs are kept", got)
		}
	})
}

// Fires that always wait, which are recorded and begin in two steps, are bounded like others.
func TestPruneOfWaiting(t *testing.T) {
	for name, shift := range map[string]int{"one parity": 0, "the other": 1} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				b.start()
				b.push("app", slow(60*time.Second+100*time.Millisecond), with("1 minute", queued))
				b.pause(true)
				for range shift {
					if _, err := b.scheduler.RunNow(t.Context(), key("app")); err != nil {
						t.Fatal(err)
					}
				}
				b.pause(false)
				b.pass(300 * time.Minute)
				if got := len(b.runs()); got > store.KeptRuns+20 {
					t.Errorf("%d runs are kept", got)
				}
			})
		})
	}
}

// A fire that its owner let go of while it waited for room takes no patience from the next.
func TestPatienceIsEachFires(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		var until atomic.Int64 // when there is room
		until.Store(time.Now().Add(25 * time.Hour).UnixNano())
		d := &door{serve: func(_ http.ResponseWriter, r *http.Request) error {
			if time.Now().UnixNano() < until.Load() {
				return space.Errorf(space.CodeNodeFull, "full")
			}
			*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
			return nil
		}}
		b.start()
		b.push("app", d, every("1 day"))
		b.pass(24*time.Hour + 4*time.Second) // it has given its place back
		b.wantRuns("00:00 waiting")
		b.pause(true)
		b.pause(false)
		until.Store(time.Now().Add(24*time.Hour + 20*time.Second).UnixNano())
		b.pass(24*time.Hour + time.Minute)
		b.wantRuns("00:00 skipped", "00:00 ok")
	})
}

// What a killed server ran is interrupted before anybody can ask, and what is pushed before it
// runs is not overlooked.
func TestOpen(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		app := b.push("app", &door{}, every("1 day"))
		at := time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
		b.record(space.Run{Action: key("app"), Trigger: space.TriggerSchedule, Attempt: 1, State: space.RunRunning, Fire: at, First: at}, app)
		b.make()
		if err := b.scheduler.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.wantRuns("00:00 interrupted")
		d := &door{}
		b.push("app", d, every("1 minute"))
		b.run()
		b.pass(time.Minute)
		if d.count() != 1 {
			t.Errorf("it ran %d times", d.count())
		}
	})
}
