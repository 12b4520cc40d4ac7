package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
)

// Whatever the clock does, each fire is run or missed once, in its order, never before it is due, and one
// look owes one run at most.
func TestPlanModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"1 minute", "7 minutes", "1 hour", "1 day", "0/15 * * * *", "30 2 * * *", "0 0 29 2 *", "5 4 * * sun"}).Draw(t, "interval")
		zone := rapid.SampledFrom([]string{"", "Europe/Berlin", "America/New_York"}).Draw(t, "zone")
		spread := rapid.SampledFrom([]time.Duration{0, 0, 30 * time.Second, time.Hour}).Draw(t, "spread")
		once := rapid.Bool().Draw(t, "once")
		where, err := space.ParseZone(zone)
		if err != nil {
			t.Skip("the system knows no zones")
		}
		interval, err := space.ParseInterval(text, where)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "start"), 0).UTC()
		installed, last := now, now
		for range rapid.IntRange(1, 30).Draw(t, "looks") {
			step := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour, 400 * 24 * time.Hour}).Draw(t, "step")
			now = now.Add(time.Duration(rapid.Float64Range(-1, 3).Draw(t, "steps") * float64(step)))
			owed, due := schedule.Plan(interval, installed, last, now, spread, once)
			last = checkOwed(t, owed, due, last, now, spread, func(after time.Time) time.Time { return interval.Next(installed, after).UTC() })
		}
	})
}

// checkOwed returns the newest fire that is accounted for then.
func checkOwed(t *rapid.T, owed schedule.Owed, due, last, now time.Time, spread time.Duration, next func(time.Time) time.Time) time.Time {
	first, newest := owed.MissedFirst, owed.MissedLast
	if !owed.Fire.IsZero() {
		if first.IsZero() {
			first = owed.First
		} else if !owed.First.Equal(owed.Fire) || !next(newest).Equal(owed.Fire) {
			t.Fatalf("between what is missed and what runs something is left out: %+v", owed)
		}
		newest = owed.Fire
	}
	if newest.IsZero() {
		if !due.After(now) {
			t.Fatalf("at %v nothing is owed, though it was due at %v", now, due)
		}
		return last
	}
	if due.After(now) || !first.Equal(next(last)) || newest.After(now) || newest.Before(first) {
		t.Fatalf("at %v, after %v: %+v is owed, which was due at %v", now, last, owed, due)
	}
	if following := next(newest); !following.IsZero() && following.Add(spread+time.Second).Before(now) {
		t.Fatalf("at %v %+v is owed, and not %v", now, owed, following)
	}
	if !next(newest.Add(-time.Second)).Equal(newest) {
		t.Fatalf("%v is no fire", newest)
	}
	return newest
}

// Years of minutes are no more work than one.
func TestPlanOverYears(t *testing.T) {
	interval, err := space.ParseInterval("1 minute", nil)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	began := time.Now()
	for range 1000 {
		owed, _ := schedule.Plan(interval, start, start, start.AddDate(9, 0, 0).Add(40*time.Second), 0, false)
		if !owed.MissedLast.Equal(start.AddDate(9, 0, 0)) || !owed.MissedFirst.Equal(start.Add(time.Minute)) || !owed.Fire.IsZero() {
			t.Fatalf("got %+v", owed)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a thousand looks took %v", took)
	}
}
