package space

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The units of a rate, in seconds. That of days counts days of the calendar, which have
// as many seconds on a clock that is never put forward or back.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

// rate fires each count units; count 0 is no rate.
type rate struct{ count, unit int64 }

func parseRate(value, unit string) (rate, error) {
	count, err := strconv.ParseInt(value, 10, 64)
	if err != nil || count < 1 || count > 999_999 || value != strconv.FormatInt(count, 10) {
		return rate{}, fmt.Errorf("%q: a rate begins with a whole number from 1 to 999999", value)
	}
	one := strings.TrimSuffix(unit, "s")
	seconds := map[string]int64{"minute": minute, "hour": hour, "day": day}[one]
	if seconds == 0 {
		return rate{}, fmt.Errorf("%q: a rate counts in minutes, hours or days", unit)
	}
	if (count == 1) == (unit != one) {
		return rate{}, fmt.Errorf("%q: write \"1 %s\", and \"2 %ss\" for more", value+" "+unit, one, one)
	}
	return rate{count: count, unit: seconds}, nil
}

// next is the first fire time after the seconds installed and from.
func (r rate) next(zone *time.Location, installed, from int64) int64 {
	offset, _ := clockAt(zone, installed)
	start := floor(installed+offset, r.unit) + r.unit // on the zone's clock
	from = max(from, installed)
	if r.unit == day {
		return shownAfter(zone, from, func(wall int64) int64 { return r.step(start, wall) })
	}
	return r.step(start-offset, from)
}

// step is the first of start and what follows it at the rate that is after t.
func (r rate) step(start, t int64) int64 {
	if t < start {
		return start
	}
	period := r.count * r.unit
	return start + floor(t-start, period) + period
}

// floor rounds t down to a multiple of unit, also below zero.
func floor(t, unit int64) int64 {
	return t - ((t%unit)+unit)%unit
}
