package space

import (
	"fmt"
	"regexp"
	"time"
)

// maxOffset is more than any zone's clocks differ from UTC, in seconds.
const maxOffset = day

// ParseZone finds a time zone by its name in the IANA database, such as Europe/Berlin;
// "" is UTC. It reads files where the system has them, so whoever has thousands of
// intervals keeps their zones.
func ParseZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	// What begins otherwise is none of the database's own: right/... counts leap seconds,
	// localtime is wherever the server stands, as is Go's Local.
	if len(name) <= 64 && name != "Local" && regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`).MatchString(name) {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("%.64q is no time zone: want a name of the IANA database, in its spelling, such as Europe/Berlin or UTC", name)
}

// clockAt is how far the zone's clocks are before UTC at the second t, in seconds, and the
// second at which that may change, never if it does not.
func clockAt(zone *time.Location, t int64) (offset, until int64) {
	if zone == time.UTC {
		return 0, never
	}
	at := time.Unix(t, 0).In(zone)
	_, seconds := at.Zone()
	_, end := at.ZoneBounds()
	if end.IsZero() {
		return int64(seconds), never
	}
	return int64(seconds), max(end.Unix(), t+1)
}

// shown is the second at which the zone's clocks first show wall, or, if they never do,
// go past it. Times on a clock are written as the seconds of a clock in UTC that shows
// the same.
func shown(zone *time.Location, wall int64) int64 {
	for t := wall - maxOffset; ; {
		offset, until := clockAt(zone, t)
		if at := max(t, wall-offset); at < until {
			return at
		}
		t = until
	}
}

// shownAfter is the first second after from at which the clocks show one of the times
// that next walks through, as shown tells.
func shownAfter(zone *time.Location, from int64, next func(wall int64) int64) int64 {
	offset, _ := clockAt(zone, from)
	// All times up to that which the clocks show have been shown. Some after it have too
	// if the clocks were put back meanwhile.
	for wall := next(from + offset); wall < never; wall = next(wall) {
		if at := shown(zone, wall); at > from {
			return at
		}
	}
	return never
}
