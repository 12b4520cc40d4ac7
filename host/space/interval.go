package space

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// CheckInterval tells what is wrong with the interval of a Scheduled Action: a rate
// such as "5 minutes", or a cron expression of five fields.
func CheckInterval(s string) error {
	words := strings.Fields(s)
	switch len(words) {
	case 2:
		return checkRate(words[0], words[1])
	case cronFields:
		return checkCron(words)
	}
	return fmt.Errorf("%q: want a rate such as \"5 minutes\" or \"1 hour\", or the five fields of a cron expression such as \"0/15 * * * *\"", s)
}

func checkRate(value, unit string) error {
	if !regexp.MustCompile(`^[1-9][0-9]{0,5}$`).MatchString(value) {
		return fmt.Errorf("%q: a rate begins with a whole number from 1 to 999999", value)
	}
	one := strings.TrimSuffix(unit, "s")
	if !slices.Contains([]string{"minute", "hour", "day"}, one) {
		return fmt.Errorf("%q: a rate counts in minutes, hours or days", unit)
	}
	if (value == "1") == strings.HasSuffix(unit, "s") {
		return fmt.Errorf("%q: write \"1 %s\", and \"2 %ss\" for more", value+" "+unit, one, one)
	}
	return nil
}

const cronFields = 5

// cronField is one field of a cron expression.
type cronField struct {
	name     string
	low, top int
	names    []string // of low, and so on
}

func cronFieldsOf() [cronFields]cronField {
	return [cronFields]cronField{
		{name: "minute", top: 59},
		{name: "hour", top: 23},
		{name: "day of month", low: 1, top: 31},
		{name: "month", low: 1, top: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{name: "day of week", top: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

func checkCron(words []string) error {
	for i, field := range cronFieldsOf() {
		for part := range strings.SplitSeq(words[i], ",") {
			if err := field.check(part); err != nil {
				return fmt.Errorf("the %s of a cron expression, %q: %w", field.name, words[i], err)
			}
		}
	}
	const dayOfMonth, dayOfWeek = 2, 4
	if words[dayOfMonth] != "*" && words[dayOfWeek] != "*" {
		return errors.New("a cron expression names days of the month or of the week, not both: one of the two has to be *")
	}
	return nil
}

// check looks at one of the parts that commas separate: *, n, n-m, each perhaps with
// /step.
func (f cronField) check(part string) error {
	span, step, stepped := strings.Cut(part, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 || n > f.top || strings.HasPrefix(step, "+") {
			return fmt.Errorf("%q: want a step from 1 to %d behind the /", part, f.top)
		}
	}
	if span == "*" {
		return nil
	}
	from, to, ranged := strings.Cut(span, "-")
	first, err := f.value(from)
	if err != nil || !ranged {
		return err
	}
	last, err := f.value(to)
	if err == nil && last < first {
		return fmt.Errorf("%q runs backwards", span)
	}
	return err
}

func (f cronField) value(s string) (int, error) {
	if i := slices.Index(f.names, strings.ToLower(s)); i >= 0 {
		return i + f.low, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < f.low || n > f.top || strings.ContainsAny(s, "+-") {
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
