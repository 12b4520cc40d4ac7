package space_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests' zones, wherever they run

	"github.com/spacewasm/spacewasm/host/space"
)

func TestIntervals(t *testing.T) {
	for _, good := range []string{
		"1 minute", "5 minutes", "1 hour", "12 hours", "1 day", "30 days", "999999 days", "0/15 * * * *", "1/10 * * * *", "*/5 * * * *",
		"0 0 * * *", "0 9 * * 1-5", "0 9 * * mon-fri", "0 0 1,15 * *", "0 0 1 jan *", "0 0 * JAN,feb SUN", "59 23 31 12 *", "0 0 * * 7",
		"10-20/2 * * * *", "0 0 ? * 5-7", "0 0 1 * ?", "0 0 29 2 *", "05 09 * * *", "0 0 30,31 2,4 *",
	} {
		interval, err := space.ParseInterval(" "+strings.ReplaceAll(good, " ", "\t ")+"\n", nil)
		if err != nil || interval.String() != good {
			t.Errorf("%q became %q: %v", good, interval, err)
		}
		again, err := space.ParseInterval(good, time.UTC)
		if err != nil || again != interval {
			t.Errorf("%q is not equal to itself: %v", good, err)
		}
	}
}

// Each fault is told with its field, its part and what may stand there.
func TestIntervalFaults(t *testing.T) {
	for bad, want := range map[string]string{
		"": "want a rate", "5": "want a rate", "@daily": "want a rate", "* * *": "want a rate", "1 minutes": `"1 minute"`,
		"5 minute": `"5 minute": write "1 minute", and "2 minutes" for more`, "0 minutes": "from 1", "-1 days": "from 1", "1.5 hours": "from 1",
		"01 hour": "from 1", "+5 minutes": "from 1", "1000000 days": "1 to 999999", "99999999999999999999 days": "1 to 999999",
		"5 seconds": `"seconds": a rate counts in minutes, hours or days`, "2 weeks": "minutes, hours or days", "5 Minutes": "minutes, hours or days",
		"5 minutess": "minutes, hours or days", "* * * * * *": "six fields", "0 12 * * ? *": "six fields", "1 2 3 4 5 6 7": "want a rate",
		"60 * * * *":     `the minute of a cron expression, "60": "60": want 0 to 59`,
		"0,5,61 * * * *": `the minute of a cron expression, "0,5,61": "61": want 0 to 59`,
		"* 9-24 * * *":   `the hour of a cron expression, "9-24": "24": want 0 to 23`,
		"* * 0 * *":      `the day of month of a cron expression, "0": "0": want 1 to 31`,
		"* * 32 * *":     "want 1 to 31",
		"* * * 0 *":      "want 1 to 12, or jan to dec",
		"* * * foo *":    `the month of a cron expression, "foo": "foo": want 1 to 12, or jan to dec`,
		"* * * * 8":      `the day of week of a cron expression, "8": "8": want 0 to 7, or sun to sat`,
		"* * * * mun":    "sun to sat", "* * * sun *": "jan to dec", "mon * * * *": "want 0 to 59", "* * L * *": "want 1 to 31", "* * * * 1#2": "sun to sat",
		"0 0 1 * 1":   `days of the month, "1", or of the week, "1", not both: one of the two has to be *`,
		"0 0 1 * */2": "not both", "0 0 */2 * mon": "not both", "0 0 *,1 * 1": "not both",
		"*/0 * * * *": `"*/0": want a step from 1 to 59 behind the /`, "* */24 * * *": "a step from 1 to 23", "*/ * * * *": "a step", "*/+5 * * * *": "a step",
		"*/-5 * * * *": "a step", "*/5/5 * * * *": "a step", "1-9/x * * * *": "a step", "*/99999999999 * * * *": "a step", "* * * * */8": "a step from 1 to 7",
		"5-1 * * * *": `"5-1" runs backwards`, "* * * dec-jan *": "runs backwards", "* * * * fri-sun": `"fri-sun" runs backwards; 7 is the Sunday at its end`,
		"? * * * *": "want 0 to 59", "* * * ? *": "jan to dec", "* * ?/2 * *": "want 1 to 31", "* * ?,1 * *": "want 1 to 31",
		"1,,2 * * * *": "before and behind each comma", ",1 * * * *": "each comma", "1, * * * *": "each comma", "+1 * * * *": `"+1": want 0 to 59`, "-1 * * * *": `"": want 0`,
		"1- * * * *": `"": want 0 to 59`, "*-5 * * * *": `"*": want 0 to 59`, "1-2-3 * * * *": `"2-3": want 0 to 59`, "/5 * * * *": `"": want 0`, "１ * * * *": "want 0 to 59",
		"1_0 * * * *": "want 0 to 59", "0x1 * * * *": "want 0 to 59",
		"0 0 30 2 *": `never runs: no month of "2" has a day of month "30"`, "0 0 31 4,6,sep,11 *": "never runs", "0 0 30-31 feb ?": "never runs",
		strings.Repeat("1,", 260) + "1 * * * *": "at most 512 characters, and this has 529",
	} {
		if interval, err := space.ParseInterval(bad, nil); err == nil || !strings.Contains(err.Error(), want) || interval != (space.Interval{}) {
			t.Errorf("%q: got %v, want %q in it", bad, err, want)
		}
	}
}

func parseInterval(t testing.TB, text string, zone *time.Location) space.Interval {
	t.Helper()
	interval, err := space.ParseInterval(text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return interval
}

// nextTen are the first ten fire times after a moment.
func nextTen(i space.Interval, installed, after time.Time) []time.Time {
	var times []time.Time
	for range 10 {
		after = i.Next(installed, after)
		times = append(times, after)
	}
	return times
}

// sameTimes compares moments, and not the zones that they are told in.
func sameTimes(t *testing.T, what string, got, want []time.Time) {
	t.Helper()
	for i := range want {
		if i >= len(got) || !got[i].Equal(want[i]) {
			t.Errorf("%s: got %v\nwant %v", what, got, want)
			return
		}
	}
}

// Any time has an answer, and the calendar an end.
func TestIntervalEnds(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, text := range []string{"* * * * *", "0 0 29 2 *", "7 minutes", "999999 days"} {
		for _, zone := range []string{"", "America/New_York", "Asia/Kolkata"} {
			i := parseInterval(t, text, inZone(t, zone))
			for _, after := range []time.Time{{}, year(-5000), year(0), year(1), year(1970), year(9000), year(9998), year(9999), year(1 << 30), time.Unix(1<<63-1, 0), time.Unix(-1<<63, 0)} {
				for _, installed := range []time.Time{after, {}, year(-9999), year(1970), year(99_999), time.Unix(1<<63-1, 0)} {
					next := i.Next(installed, after)
					if !next.IsZero() && (!next.After(after) || next.Year() > 9999 || next.Year() < 0) {
						t.Errorf("%s in %q: after %v comes %v", text, zone, after, next)
					}
				}
			}
			if next := i.Next(year(2000), year(2000)); next.IsZero() {
				t.Errorf("%s in %q never fires", text, zone)
			}
			if next := i.Next(year(2000), year(9999)); !next.IsZero() {
				t.Errorf("%s in %q fires in %v", text, zone, next)
			}
		}
	}
	if next := (space.Interval{}).Next(year(2000), year(2000)); !next.IsZero() {
		t.Errorf("no interval fires at %v", next)
	}
}

func BenchmarkIntervalNext(b *testing.B) {
	after := time.Date(2026, 3, 7, 12, 34, 56, 0, time.UTC)
	for _, zone := range []string{"UTC", "Europe/Berlin"} {
		for _, text := range []string{"5 minutes", "1 day", "*/5 * * * *", "0 9 * * mon-fri", "0 0 29 2 *", "0 * 29 2 *"} {
			interval := parseInterval(b, text, inZone(b, zone))
			b.Run(strings.ReplaceAll(text, "/", "|")+" "+strings.ReplaceAll(zone, "/", "|"), func(b *testing.B) {
				for b.Loop() {
					interval.Next(after, after)
				}
			})
		}
	}
}

func BenchmarkParseInterval(b *testing.B) {
	for b.Loop() {
		parseInterval(b, "0/15 9-17 * jan-jun mon-fri", nil)
	}
}
