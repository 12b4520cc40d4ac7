package main

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// The characters that the queries put around what matched.
const (
	markBegin = "\x02"
	markEnd   = "\x03"
)

// piece is a part of a text that has matched, or not.
type piece struct {
	Text   string
	Marked bool
}

// pieces takes a text apart at its marks. What is shown of them is the template's.
func pieces(s string) (all []piece) {
	for s != "" {
		before, rest, found := strings.Cut(s, markBegin)
		if before != "" {
			all = append(all, piece{before, false})
		}
		if !found {
			break
		}
		marked, after, _ := strings.Cut(rest, markEnd)
		all = append(all, piece{marked, true})
		s = after
	}
	return all
}

// unmarked is the text alone.
func unmarked(s string) string { return strings.NewReplacer(markBegin, "", markEnd, "").Replace(s) }

// functions are what the templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		"pieces": pieces, "grouped": grouped, "took": took, "percent": percent,
		"text":  func(n int) string { return strconv.Itoa(n) },
		"stars": func(s float64) string { return strconv.FormatFloat(s, 'f', 1, 64) },
		"add":   func(a, b int) int { return a + b },
		"mul":   func(a, b int) int { return a * b },
		"plural": func(n int, one, many string) string {
			if n == 1 {
				return "1 " + one
			}
			return grouped(n) + " " + many
		},
	}
}

// grouped writes a number with commas: 120,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// took is a time that a visitor can read.
func took(d time.Duration) string {
	switch ms := float64(d.Microseconds()) / 1000; {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
}

// percent is a part of a whole, 0 of nothing.
func percent(part, whole int) int {
	if whole == 0 {
		return 0
	}
	return (100*part + whole/2) / whole
}
