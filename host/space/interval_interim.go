package space

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Interval is a parsed interval.
type Interval struct {
	every time.Duration
	zone  *time.Location
	sets  [cronFields][]int
}

// ParseInterval parses an interval.
func ParseInterval(text string, zone *time.Location) (Interval, error) {
	if err := CheckInterval(text); err != nil {
		return Interval{}, err
	}
	i := Interval{zone: zone}
	words := strings.Fields(text)
	if len(words) == 2 {
		n, _ := strconv.Atoi(words[0])
		i.every = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(words[1], "s")] * time.Duration(n)
		return i, nil
	}
	for f, field := range cronFieldsOf() {
		for part := range strings.SplitSeq(words[f], ",") {
			span, step, stepped := strings.Cut(part, "/")
			low, high, by := field.low, field.top, 1
			if span != "*" {
				from, to, ranged := strings.Cut(span, "-")
				low, _ = field.value(from)
				if !stepped {
					high = low
				}
				if ranged {
					high, _ = field.value(to)
				}
			}
			if stepped {
				by, _ = strconv.Atoi(step)
			}
			for n := low; n <= high; n += by {
				if f == 4 && n == 7 {
					n = 0
					i.sets[f] = append(i.sets[f], 0)
					break
				}
				i.sets[f] = append(i.sets[f], n)
			}
		}
	}
	return i, nil
}

// Next is the first fire after a time.
func (i Interval) Next(installed, after time.Time) time.Time {
	if i.every > 0 {
		unit := time.Minute
		if i.every%time.Hour == 0 {
			unit = time.Hour
		}
		if i.every%(24*time.Hour) == 0 {
			unit = 24 * time.Hour
		}
		start := installed.UTC().Truncate(unit)
		if start.Before(installed) {
			start = start.Add(unit)
		}
		if start.After(after) {
			return start
		}
		return start.Add(after.Sub(start).Truncate(i.every) + i.every)
	}
	t := after.In(i.zone).Truncate(time.Minute).Add(time.Minute)
	for end := t.AddDate(9, 0, 0); t.Before(end); {
		switch {
		case !slices.Contains(i.sets[3], int(t.Month())) || !slices.Contains(i.sets[2], t.Day()) || !slices.Contains(i.sets[4], int(t.Weekday())):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, i.zone)
		case !slices.Contains(i.sets[1], t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !slices.Contains(i.sets[0], t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t.UTC()
		}
	}
	return time.Time{}
}
