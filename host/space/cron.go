package space

import (
	"math/bits"
	"time"
)

// cron is a cron expression: of each field a set of bits, n for the value n. One of days
// and weekdays has all bits, so both have to hold.
type cron struct {
	minutes, hours, days, months, weekdays uint64
	// elapsed means that the hours follow elapsed time, and not the clock.
	elapsed bool
}

// after is the first fire time after the second from.
func (c cron) after(zone *time.Location, from int64) int64 {
	if !c.elapsed {
		return shownAfter(zone, from, c.next)
	}
	for t := from + 1; ; { // where nothing has fired since from
		offset, until := clockAt(zone, t)
		wall := c.next(t + offset - 1)
		if wall == never {
			return never
		}
		if wall-offset < until {
			return wall - offset
		}
		// Two days on, no clock is put back to before t. So nothing is shown that is meant
		// until the clocks come near to wall, whatever changes of theirs lie between.
		if until-t > 2*maxOffset {
			until = max(until, wall-maxOffset)
		}
		t = until
	}
}

// next is the first time after wall that the expression means, both on the clock; see
// shown.
func (c cron) next(wall int64) int64 {
	at := time.Unix(wall, 0).UTC()
	year, month, today := at.Date()
	if c.daysOf(year, month)>>today&1 == 1 {
		if m, ok := c.inDay(at.Hour()*60 + at.Minute() + 1); ok {
			return floor(wall, day) + m*minute
		}
	}
	first, ok := c.inDay(0)
	// The longest wait is for a 29th of February, from 2096 to 2104.
	for range 9 * 12 {
		if rest := c.daysOf(year, month) >> (today + 1) << (today + 1); rest != 0 && ok {
			date := time.Date(year, month, bits.TrailingZeros64(rest), 0, 0, 0, 0, time.UTC)
			return date.Unix() + first*minute
		}
		today = 0
		if month++; month > time.December {
			year, month = year+1, time.January
		}
	}
	return never
}

// inDay is the first minute of a day from the given one on, if there is any.
func (c cron) inDay(from int) (int64, bool) {
	h, m := from/60, from%60
	if rest := c.minutes >> m << m; c.hours>>h&1 == 1 && rest != 0 {
		return int64(h*60 + bits.TrailingZeros64(rest)), true
	}
	later := c.hours >> (h + 1) << (h + 1)
	return int64(bits.TrailingZeros64(later)*60 + bits.TrailingZeros64(c.minutes)), later != 0
}

// daysOf are the days of a month that the expression means.
func (c cron) daysOf(year int, month time.Month) uint64 {
	if c.months>>month&1 == 0 {
		return 0
	}
	const weeks = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28 | 1<<35
	first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Weekday()
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return c.days & (c.weekdays * weeks >> first << 1) & (2<<last - 1)
}
