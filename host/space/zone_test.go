package space_test

import (
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/spacewasm/spacewasm/host/space"
)

func inZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := space.ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// clock is when a zone's clock shows a time.
func clock(t testing.TB, zone, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, text, inZone(t, zone))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// checkZoned compares fire times with their ends as the zone's clocks show them.
func checkZoned(t *testing.T, i space.Interval, installed, after time.Time, want string) {
	t.Helper()
	for _, text := range strings.Fields(want) {
		after = i.Next(installed, after)
		got := after.Format("2006-01-02T15:04Z07:00")
		if after.Second() != 0 || !strings.HasSuffix(got, text) {
			t.Errorf("%s in %s: got %s, want %s of %s", i, after.Location(), got, text, want)
		}
	}
}

func TestParseZone(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT", "America/Port-au-Prince", "GB-Eire"} {
		if zone, err := space.ParseZone(name); err != nil || zone.String() != name {
			t.Errorf("%s: %v, %v", name, zone, err)
		}
	}
	if zone, err := space.ParseZone(""); err != nil || zone != time.UTC {
		t.Errorf("no name: %v, %v", zone, err)
	}
	for _, name := range []string{
		"Local", "localtime", "posixrules", "right/Europe/Berlin", "posix/UTC", "europe/berlin", "Berlin", "Europe", "Europe/", "Europe/../UTC",
		"/etc/passwd", "../UTC", "Europe\\Berlin", "CET ", "UTC\x00", "+02:00", "GMT+2:30", "zone.tab", strings.Repeat("A", 1<<20),
	} {
		_, err := space.ParseZone(name)
		if err == nil || !strings.Contains(err.Error(), "is no time zone: want a name of the IANA database") || len(err.Error()) > 400 {
			t.Errorf("%.80q: %v", name, err)
		}
	}
}

// What clocks leave out or show twice is fired as documented.
func TestCronInZones(t *testing.T) {
	for _, c := range []struct{ zone, cron, after, want string }{
		// 02:00 to 03:00 is left out: what is named in it fires at 03:00, once.
		{"America/New_York", "30 2 * * *", "2026-03-07T12:00:00-05:00", "03-08T03:00-04:00 03-09T02:30-04:00"},
		{"America/New_York", "0 2 * * *", "2026-03-07T12:00:00-05:00", "03-08T03:00-04:00 03-09T02:00-04:00"},
		{"America/New_York", "*/20 2 * * *", "2026-03-07T12:00:00-05:00", "03-08T03:00-04:00 03-09T02:00-04:00 03-09T02:20-04:00"},
		{"America/New_York", "0,30 2,3 * * *", "2026-03-07T12:00:00-05:00", "03-08T03:00-04:00 03-08T03:30-04:00 03-09T02:00-04:00"},
		{"America/New_York", "30 2 8 3 *", "2026-03-07T12:00:00-05:00", "2026-03-08T03:00-04:00 2027-03-08T02:30-05:00"},
		{"America/New_York", "59 1 * * sun", "2026-03-07T12:00:00-05:00", "03-08T01:59-05:00 03-15T01:59-04:00"},
		// 01:00 to 02:00 comes twice: what is named in it fires the first time.
		{"America/New_York", "30 1 * * *", "2026-10-31T12:00:00-04:00", "11-01T01:30-04:00 11-02T01:30-05:00"},
		{"America/New_York", "30 1 * * *", "2026-11-01T01:00:00-05:00", "11-02T01:30-05:00"},
		{"America/New_York", "*/30 1 * * *", "2026-10-31T12:00:00-04:00", "11-01T01:00-04:00 11-01T01:30-04:00 11-02T01:00-05:00"},
		{"America/New_York", "0 2 * * *", "2026-11-01T01:30:00-04:00", "11-01T02:00-05:00 11-02T02:00-05:00"},
		{"America/New_York", "0 0-23 * * *", "2026-11-01T00:30:00-04:00", "01:00-04:00 02:00-05:00 03:00-05:00"},
		// Hours of * or with a step follow elapsed time.
		{"America/New_York", "30 * * * *", "2026-03-08T00:00:00-05:00", "00:30-05:00 01:30-05:00 03:30-04:00 04:30-04:00"},
		{"America/New_York", "30 * * * *", "2026-11-01T00:00:00-04:00", "00:30-04:00 01:30-04:00 01:30-05:00 02:30-05:00"},
		{"America/New_York", "0 */2 * * *", "2026-03-08T00:00:00-05:00", "04:00-04:00 06:00-04:00"},
		{"America/New_York", "0 1/4 * * *", "2026-11-01T00:00:00-04:00", "01:00-04:00 01:00-05:00 05:00-05:00"},
		{"America/New_York", "0 * 29 2 *", "2026-02-28T00:00:00-05:00", "2028-02-29T00:00-05:00 2028-02-29T01:00-05:00"},
		{"America/New_York", "30 * 1 11 *", "2026-01-01T00:00:00-05:00", "11-01T00:30-04:00 01:30-04:00 01:30-05:00"},
		{"America/New_York", "30 1/23 1 11 *", "2026-11-01T01:29:00-04:00", "2026-11-01T01:30-04:00 2026-11-01T01:30-05:00 2027-11-01T01:30-04:00"},
		// Clocks that go by half an hour.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", "10-04T02:30+11:00 10-05T02:15+11:00"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-04T12:00:00+11:00", "04-05T01:45+11:00 04-06T01:45+10:30"},
		{"Australia/Lord_Howe", "*/15 * * * *", "2026-04-05T01:40:00+11:00", "01:45+11:00 01:30+10:30 01:45+10:30 02:00+10:30"},
		// A day that is left out fires as the next begins.
		{"Pacific/Apia", "0 9 * * *", "2011-12-29T00:00:00-10:00", "12-29T09:00-10:00 12-31T00:00+14:00 12-31T09:00+14:00"},
		{"Pacific/Apia", "0 9 30 12 *", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00+14:00 2012-12-30T09:00+14:00"},
		{"Pacific/Apia", "0 * 30 12 *", "2011-12-29T00:00:00-10:00", "2012-12-30T00:00+14:00"},
		// Winter time for a month of fasting: back, and forward again.
		{"Africa/Casablanca", "30 2 * * *", "2026-02-14T12:00:00+01:00", "02-15T02:30+01:00 02-16T02:30Z"},
		{"Africa/Casablanca", "30 2 * * *", "2026-03-21T12:00:00Z", "03-22T03:00+01:00 03-23T02:30+01:00"},
	} {
		after := moment(t, c.after)
		checkZoned(t, parseInterval(t, c.cron, inZone(t, c.zone)), after, after, c.want)
	}
}

// naiveZoned looks at each minute of some days, and asks robfig/cron's sets alone what
// is meant.
func naiveZoned(t *testing.T, expression string, zone *time.Location, after time.Time, days int) []time.Time {
	t.Helper()
	schedule, err := cron.ParseStandard(expression)
	if err != nil {
		t.Fatal(err)
	}
	spec := schedule.(*cron.SpecSchedule)
	meant := func(wall time.Time) bool {
		return spec.Minute>>wall.Minute()&1 == 1 && spec.Hour>>wall.Hour()&1 == 1 && spec.Dom>>wall.Day()&1 == 1 &&
			spec.Month>>wall.Month()&1 == 1 && spec.Dow>>wall.Weekday()&1 == 1
	}
	elapsed := strings.ContainsAny(strings.Fields(expression)[1], "*/")
	var times []time.Time
	var reached time.Time // the latest that the clock has shown, as if it were UTC
	for at := after.Truncate(time.Minute).Add(-48 * time.Hour); at.Before(after.AddDate(0, 0, days)); at = at.Add(time.Minute) {
		_, offset := at.In(zone).Zone()
		wall := at.UTC().Add(time.Duration(offset) * time.Second)
		fires := elapsed && meant(wall)
		if reached.IsZero() {
			reached = wall
		}
		for reached.Before(wall) {
			reached = reached.Add(time.Minute)
			fires = fires || !elapsed && meant(reached)
		}
		if fires && at.After(after) {
			times = append(times, at)
		}
	}
	return times
}

// All zones that do something odd, around all that they do, as a walk through the minutes
// finds it.
func TestCronAroundChanges(t *testing.T) {
	expressions := []string{
		"*/7 * * * *", "0 * * * *", "30 */2 * * *", "30 2 * * *", "0 0 * * *", "15 0-3 * * *", "*/20 1,2,23 * * *", "59 23 * * sat,sun", "0 3 1,15,29-31 * *", "5 */3 * * sun",
	}
	for _, name := range []string{
		"America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "America/Havana", "America/St_Johns",
		"Africa/Casablanca", "Asia/Gaza", "America/Caracas", "Asia/Pyongyang", "Antarctica/Troll", "Asia/Kathmandu",
	} {
		zone := inZone(t, name)
		seen := map[string]bool{}
		for _, at := range changesOf(zone, 2010, 2030) {
			_, before := at.Add(-time.Hour).In(zone).Zone()
			_, behind := at.In(zone).Zone()
			kind := at.In(zone).Format("15:04 ") + time.Duration(behind-before).String()
			if seen[kind] {
				continue // as another year's
			}
			seen[kind] = true
			for _, expression := range expressions {
				i := parseInterval(t, expression, zone)
				after := at.Add(-26*time.Hour - 13*time.Second)
				var got []time.Time
				for next := i.Next(after, after); next.Before(after.AddDate(0, 0, 3)); next = i.Next(after, next) {
					got = append(got, next)
				}
				want := naiveZoned(t, expression, zone, after, 3)
				sameTimes(t, expression+" in "+name+" around "+at.String(), got, want)
				sameTimes(t, expression+" in "+name+" around "+at.String(), want, got)
			}
		}
		if len(seen) == 0 && name != "Asia/Kathmandu" {
			t.Errorf("%s has no changes to look at", name)
		}
	}
}

// changesOf finds the hours in which a zone's clocks are put forward or back.
func changesOf(zone *time.Location, from, to int) []time.Time {
	var all []time.Time
	at := time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, before := at.In(zone).Zone(); at.Year() < to; at = at.Add(time.Hour) {
		if _, offset := at.In(zone).Zone(); offset != before {
			all, before = append(all, at), offset
		}
	}
	return all
}
