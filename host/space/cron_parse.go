package space

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const cronFields = 5

// cronField is one field of a cron expression.
type cronField struct {
	name      string
	low, top  int
	names     []string // of low, and so on
	endOfWeek int      // where * and n/step end, if that is not top
}

func parseCron(words []string) (cron, error) {
	const dayOfMonth, dayOfWeek = 2, 4
	fields := [cronFields]cronField{
		{name: "minute", top: 59},
		{name: "hour", top: 23},
		{name: "day of month", low: 1, top: 31},
		{name: "month", low: 1, top: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{name: "day of week", top: 7, endOfWeek: 6, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
	words = slices.Clone(words)
	var sets [cronFields]uint64
	for i, field := range fields {
		if words[i] == "?" && (i == dayOfMonth || i == dayOfWeek) {
			words[i] = "*"
		}
		for part := range strings.SplitSeq(words[i], ",") {
			set, err := field.parse(part)
			if err != nil {
				return cron{}, fmt.Errorf("the %s of a cron expression, %q: %w", field.name, words[i], err)
			}
			sets[i] |= set
		}
	}
	if words[dayOfMonth] != "*" && words[dayOfWeek] != "*" {
		return cron{}, fmt.Errorf("a cron expression names days of the month, %q, or of the week, %q, not both: one of the two has to be *",
			words[dayOfMonth], words[dayOfWeek])
	}
	c := cron{
		minutes: sets[0], hours: sets[1], days: sets[2], months: sets[3],
		weekdays: sets[4]&(1<<7-1) | sets[4]>>7, // 7 is Sunday too
		elapsed:  strings.ContainsAny(words[1], "*/"),
	}
	if c.next(0) == never {
		return cron{}, fmt.Errorf("a cron expression that never runs: no month of %q has a day of month %q", words[3], words[dayOfMonth])
	}
	return c, nil
}

// parse reads one of the parts that commas separate: *, n, n-m, each perhaps with
// /step.
func (f cronField) parse(part string) (uint64, error) {
	if part == "" {
		return 0, errors.New("want a value before and behind each comma")
	}
	span, behind, stepped := strings.Cut(part, "/")
	first, last, err := f.span(span, stepped)
	if err != nil {
		return 0, err
	}
	step := 1
	if stepped {
		if step, err = number(behind); err != nil || step < 1 || step > f.top {
			return 0, fmt.Errorf("%q: want a step from 1 to %d behind the /", part, f.top)
		}
	}
	var set uint64
	for n := first; n <= last; n += step {
		set |= 1 << n
	}
	return set, nil
}

// span reads what stands before a step: it leaves the end open.
func (f cronField) span(s string, open bool) (first, last int, err error) {
	end := f.top
	if f.endOfWeek > 0 {
		end = f.endOfWeek
	}
	if s == "*" {
		return f.low, end, nil
	}
	from, to, ranged := strings.Cut(s, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if last, err = f.value(to); err != nil {
			return 0, 0, err
		}
		if last < first {
			return 0, 0, fmt.Errorf("%q runs backwards%s", s, f.sunday(last))
		}
		return first, last, nil
	case open && first > end:
		return f.low, end, nil // from Sunday on
	case open:
		return first, end, nil
	}
	return first, first, nil
}

// sunday tells who ends a week by its first day how to.
func (f cronField) sunday(last int) string {
	if f.endOfWeek > 0 && last == 0 {
		return "; 7 is the Sunday at its end"
	}
	return ""
}

func (f cronField) value(s string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(s)); i >= 0 {
		return i + f.low, nil
	}
	n, err := number(s)
	if err != nil || n < f.low || n > f.top {
		return 0, fmt.Errorf("%q: want %d to %d%s", s, f.low, f.top, f.hint())
	}
	return n, nil
}

func (f cronField) hint() string {
	if f.names == nil {
		return ""
	}
	return ", or " + f.names[0] + " to " + f.names[len(f.names)-1]
}

// number reads digits, without a sign.
func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err
}
