package console

import (
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// formatBytes words a size as people read it.
func formatBytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n)/unit, []string{"KiB", "MiB", "GiB", "TiB"}
	i := 0
	for value >= 1000 && i < len(units)-1 {
		value, i = value/unit, i+1
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %s", value, units[i])
	}
	return fmt.Sprintf("%.0f %s", value, units[i])
}

// formatCount words a number, with a letter for its thousands where it has many.
func formatCount(n any) string {
	value := 0.0
	switch n := n.(type) {
	case int64:
		value = float64(n)
	case uint64:
		value = float64(n)
	}
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if value < u.size {
			continue
		}
		if u.name == "k" {
			u.size = 1e3
		}
		return strconv.FormatFloat(value/u.size, 'f', 1, 64) + " " + u.name
	}
	return strconv.FormatFloat(value, 'f', 0, 64)
}

// formatTook words a duration with three digits at most.
func formatTook(d time.Duration) string {
	switch {
	case d <= 0:
		return "–"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// ago words how long ago a moment was.
func (c *console) ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := c.Now().Sub(t)
	if d < 10*time.Second {
		return "just now"
	}
	return span(d) + " ago"
}

// ahead words how far ahead a moment is.
func (c *console) ahead(t time.Time) string {
	d := t.Sub(c.Now())
	if d < time.Second {
		return "now"
	}
	return "in " + span(d)
}

func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return plural(int(d.Seconds()), "second")
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute")
	case d < 2*day:
		return plural(int(d.Hours()), "hour")
	}
	return plural(int(d/day), "day")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// formatWhen is a moment in full.
func formatWhen(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// formatStamp is the time of day of a line, to the millisecond.
func formatStamp(t time.Time) string { return t.UTC().Format("15:04:05.000") }

// sentence begins a message with a capital letter, as it stands alone on a page.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
