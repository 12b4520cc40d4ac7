package space

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Interval says when a Scheduled Action runs: at a rate such as "5 minutes", or by a
// cron expression of five fields. It is an immutable value; two are equal by == if
// text and zone are, the zone by its pointer. The zero value never fires.
//
// A zone's clocks leave times out when they are put forward, and show others twice when
// they are put back. What an interval does then:
//
//   - A cron expression that names its hours (0 2 * * *) means times on the clock. Each
//     fires once: the first time that the clock shows it, or, if it never does, when the
//     clock goes past it. Several that were left out fire together, once.
//   - One with * or a step in its hours (0 * * * *, 0 0/4 * * *) fires whenever the clock
//     shows a time that is meant: in a repeated hour twice, in one left out never.
//   - A rate of minutes or hours counts elapsed time, whatever clocks show.
//   - A rate of days means midnights on the clock, which fire as if they were named.
type Interval struct {
	text string
	zone *time.Location
	rate rate
	cron cron
}

const (
	// maxInterval bounds the text of an interval, in bytes. All minutes in a list have 169.
	maxInterval = 512
	// Fire times lie in the years 1 to 9998, which RFC 3339 can write in any zone.
	firstSecond = -62135596800 // 0001-01-01T00:00:00Z
	lastSecond  = 253370764799 // 9998-12-31T23:59:59Z
	// never is a second that does not come.
	never = math.MaxInt64
)

// ParseInterval reads an interval that is meant in zone; nil is UTC.
//
// A rate is a whole number from 1 to 999999 and a unit, "1 minute" or "5 minutes"; the
// units are minutes, hours and days.
//
// A cron expression has the fields minute (0 to 59), hour (0 to 23), day of month (1 to
// 31), month (1 to 12, or jan to dec) and day of week (0 to 7, where 0 and 7 are Sunday,
// or sun to sat; names in any case). Each is a list, separated by commas, of *, n and
// n-m, or one of these with a step behind it: */5, 10-30/5, and n/5 for n and all that
// follows. ? means * for days. One of the two days has to be * or ?. An expression that
// would never fire, as that of a 30th of February, is refused.
func ParseInterval(text string, zone *time.Location) (Interval, error) {
	if len(text) > maxInterval {
		return Interval{}, fmt.Errorf("an interval has at most %d characters, and this has %d", maxInterval, len(text))
	}
	if zone == nil {
		zone = time.UTC
	}
	words := strings.Fields(text)
	interval := Interval{text: strings.Join(words, " "), zone: zone}
	var err error
	switch len(words) {
	case 2:
		interval.rate, err = parseRate(words[0], words[1])
	case cronFields:
		interval.cron, err = parseCron(words)
	case cronFields + 1:
		err = fmt.Errorf("%q has six fields; a cron expression has five, from the minute to the day of week, and none for seconds or years", text)
	default:
		err = fmt.Errorf("%q: want a rate such as \"5 minutes\" or \"1 hour\", or the five fields of a cron expression such as \"0/15 * * * *\"", text)
	}
	if err != nil {
		return Interval{}, err
	}
	return interval, nil
}

// String is the text that was parsed, with single blanks.
func (i Interval) String() string { return i.text }

// Next is the first fire time after the given one, in the interval's zone. The zero time
// means that there is none before the year 9999. It depends on nothing but its arguments,
// and leaves no fire time out: asked again with what it returned, it returns the
// following one.
//
// A rate begins at the first full minute, hour or midnight of its zone after installed, and
// goes on from there; cron expressions do not look at installed.
func (i Interval) Next(installed, after time.Time) time.Time {
	from := max(after.Unix(), firstSecond)
	if i.zone == nil || from >= lastSecond {
		return time.Time{}
	}
	var at int64
	if i.rate.count > 0 {
		at = i.rate.next(i.zone, min(max(installed.Unix(), firstSecond), lastSecond), from)
	} else {
		at = i.cron.after(i.zone, from)
	}
	if at > lastSecond {
		return time.Time{}
	}
	return time.Unix(at, 0).In(i.zone)
}
