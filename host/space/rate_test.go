package space_test

import (
	"fmt"
	"testing"
	"time"
)

// naiveStart is where the original begins: the next full minute, hour or midnight of the
// zone, found by looking at each second.
func naiveStart(unit string, installed time.Time) time.Time {
	start := installed.Truncate(time.Second).Add(time.Second)
	for start.Second() != 0 || unit != "minute" && start.Minute() != 0 || unit == "day" && start.Hour() != 0 {
		start = start.Add(time.Second)
	}
	return start
}

// naiveRate walks on from the start.
func naiveRate(count int, unit string, start, after time.Time) []time.Time {
	var times []time.Time
	for k := 0; len(times) < 10; k++ {
		fire := start.Add(time.Duration(k*count) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour}[unit])
		if unit == "day" {
			fire = start.AddDate(0, 0, k*count)
		}
		if fire.After(after) {
			times = append(times, fire)
		}
	}
	return times
}

// As the original: a rate begins with the unit that follows the installation.
func TestRates(t *testing.T) {
	for _, zone := range []string{"UTC", "Asia/Kathmandu", "America/Phoenix"} { // without changes
		for _, text := range []string{
			"2024-02-28 23:59:59", "2024-02-29 00:00:00", "2023-12-31 23:59:30", "2099-12-31 12:00:00", "2100-02-28 22:10:05", "1969-12-31 23:00:01", "2026-07-01 00:00:01",
		} {
			at := clock(t, zone, text)
			for _, unit := range []string{"minute", "hour", "day"} {
				start := naiveStart(unit, at)
				for _, count := range []int{1, 2, 5, 7, 24, 45, 90, 1000} {
					what := fmt.Sprintf("%d %ss", count, unit)
					if count == 1 {
						what = "1 " + unit
					}
					i := parseInterval(t, what, inZone(t, zone))
					for _, later := range []time.Duration{-1000 * time.Hour, 0, time.Nanosecond, time.Minute, 59 * time.Minute, time.Hour, 24 * time.Hour, 100 * time.Hour} {
						after := at.Add(later)
						sameTimes(t, fmt.Sprintf("%s in %s, installed %v, after %v", what, zone, at, after), nextTen(i, at, after), naiveRate(count, unit, start, after))
					}
				}
			}
		}
	}
}

// Minutes and hours are elapsed time; days are midnights on the clock.
func TestRatesInZones(t *testing.T) {
	for _, c := range []struct{ zone, rate, installed, want string }{
		{"America/New_York", "1 hour", "2026-03-07T23:30:00-05:00", "00:00-05:00 01:00-05:00 03:00-04:00 04:00-04:00"},
		{"America/New_York", "1 hour", "2026-10-31T23:30:00-04:00", "00:00-04:00 01:00-04:00 01:00-05:00 02:00-05:00"},
		{"America/New_York", "90 minutes", "2026-03-07T23:59:30-05:00", "00:00-05:00 01:30-05:00 04:00-04:00"},
		{"America/New_York", "1 day", "2026-03-07T12:00:00-05:00", "03-08T00:00-05:00 03-09T00:00-04:00 03-10T00:00-04:00"},
		{"America/New_York", "2 days", "2026-10-30T12:00:00-04:00", "10-31T00:00-04:00 11-02T00:00-05:00 11-04T00:00-05:00"},
		{"Asia/Kolkata", "1 hour", "2026-01-01T00:10:00+05:30", "01:00+05:30 02:00+05:30"},
		// Midnight was left out: clocks went from 24:00 to 01:00.
		{"America/Sao_Paulo", "1 day", "2018-11-02T12:00:00-03:00", "11-03T00:00-03:00 11-04T01:00-02:00 11-05T00:00-02:00"},
		// Midnight came twice: clocks went from 01:00 to 00:00.
		{"America/Havana", "1 day", "2026-10-31T12:00:00-04:00", "11-01T00:00-04:00 11-02T00:00-05:00"},
		{"America/Havana", "1 day", "2026-11-01T00:30:00-05:00", "11-02T00:00-05:00 11-03T00:00-05:00"},
		// A day was left out: its midnight and that of the day after are one.
		{"Pacific/Apia", "1 day", "2011-12-28T12:00:00-10:00", "12-29T00:00-10:00 12-31T00:00+14:00 01-01T00:00+14:00"},
		// Midnight had come when clocks were put back to before it.
		{"America/St_Johns", "1 day", "2010-11-06T23:30:00-03:30", "11-08T00:00-03:30"},
		{"America/St_Johns", "1 day", "2010-11-06T12:00:00-02:30", "11-07T00:00-02:30 11-08T00:00-03:30"},
	} {
		installed := moment(t, c.installed)
		i := parseInterval(t, c.rate, inZone(t, c.zone))
		checkZoned(t, i, installed, installed, c.want)
		checkZoned(t, i, installed, installed.AddDate(0, -1, 0), c.want) // nothing fires before it is installed
	}
}
