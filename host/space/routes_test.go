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
