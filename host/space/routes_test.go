package space_test

import (
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// As the original: a route is meant exactly, and each * stands for anything.
func TestRouteMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/*", "/", true},
		{"/*", "/a/b", true},
		{"/a", "/a", true},
		{"/a", "/a/", false},
		{"/a", "/ab", false},
		{"/a/*", "/a", false},
		{"/a/*", "/a/", true},
		{"/a*", "/a", true},
		{"/api/*/docs", "/api/v1/docs", true},
		{"/api/*/docs", "/api/v1/x/docs", true},
		{"/api/*/docs", "/api/docs", false},
		{"/api/*/docs", "/api//docs", true},
		{"/*.css", "/x/y.css", true},
		{"/*.css", "/x.css/y", false},
		{"/*a*b*", "/xaxbx", true},
		{"/*a*b*", "/xbxax", false},
		{"/a*a", "/a", false},
		{"/a*a", "/aa", true},
		{"/*/*", "/a", false},
		{"*", "anything", true},
		{"", "", true},
		{"", "/", false},
	} {
		if got := space.RouteMatches(c.pattern, c.path); got != c.want {
			t.Errorf("%q means %q: %v", c.pattern, c.path, got)
		}
	}
	// A pattern of many stars takes no longer than one of few.
	if space.RouteMatches("/"+strings.Repeat("*a", 1000)+"b", "/"+strings.Repeat("a", 60_000)) {
		t.Error("it has no b at its end")
	}
}

func TestIntervals(t *testing.T) {
	for _, good := range []string{
		"1 minute", "5 minutes", "1 hour", "12 hours", "1 day", "30 days", "0/15 * * * *", "1/10 * * * *", "*/5 * * * *", "0 0 * * *",
		"0 9 * * 1-5", "0 9 * * mon-fri", "0 0 1,15 * *", "0 0 1 jan *", "0 0 * JAN,feb SUN", "59 23 31 12 *", "0 0 * * 7", "10-20/2 * * * *",
	} {
		if err := space.CheckInterval(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, word := range map[string]string{
		"": "want a rate", "5": "want a rate", "1 minutes": `"1 minute"`, "5 minute": `"2 minutes" for more`, "0 minutes": "from 1", "-1 days": "from 1",
		"1.5 hours": "from 1", "5 seconds": "minutes, hours or days", "2 weeks": "minutes, hours or days", "+5 minutes": "from 1",
		"60 * * * *": "minute", "* 24 * * *": "hour", "* * 0 * *": "day of month", "* * 32 * *": "day of month", "* * * 13 *": "month", "* * * foo *": "jan to dec",
		"* * * * 8": "day of week", "* * * * mun": "sun to sat", "0 0 1 * 1": "not both", "*/0 * * * *": "step", "5-1 * * * *": "backwards", "? * * * *": "minute",
		"1,,2 * * * *": "minute", "* * * * * *": "want a rate", "* * *": "want a rate", "+1 * * * *": "minute", "*/+5 * * * *": "step", "1- * * * *": "minute",
	} {
		if err := space.CheckInterval(bad); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: got %v, want %q in it", bad, err, word)
		}
	}
}
