package console

import (
	"fmt"
	"strings"

	"github.com/spacewasm/spacewasm/host/activity"
)

// spark is the last hour of an app or a Micro as a small picture, and in words.
type spark struct {
	Requests, Errors int
	// Line is the points of the requests' line, and Marks where a minute had errors.
	Line, Area string
	Marks      []int // their x
}

// The picture's size, in units of its own; a minute is two wide.
const sparkWidth, sparkHeight, minuteWidth = 2 * (activity.Minutes - 1), 24, 2

// newSpark draws an hour.
func newSpark(hour [activity.Minutes]activity.Minute) spark {
	s := spark{}
	most := 1
	for i, m := range hour {
		s.Requests += m.Requests
		s.Errors += m.Errors
		most = max(most, m.Requests)
		if m.Errors > 0 {
			s.Marks = append(s.Marks, i*minuteWidth)
		}
	}
	points := make([]string, len(hour))
	for i, m := range hour {
		points[i] = fmt.Sprintf("%d,%.1f", i*minuteWidth, sparkHeight-1-float64(sparkHeight-4)*float64(m.Requests)/float64(most))
	}
	s.Line = strings.Join(points, " ")
	s.Area = fmt.Sprintf("0,%d %s %d,%d", sparkHeight, s.Line, sparkWidth, sparkHeight)
	return s
}

// add sums hours up.
func add(a, b [activity.Minutes]activity.Minute) [activity.Minutes]activity.Minute {
	for i := range a {
		a[i].Requests += b[i].Requests
		a[i].Errors += b[i].Errors
	}
	return a
}
