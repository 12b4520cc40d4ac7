package console

import (
	"fmt"
	"strconv"
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
	height := func(i int) float64 {
		return sparkHeight - 1 - float64(sparkHeight-4)*float64(hour[i].Requests)/float64(most)
	}
	var line []byte
	for i := range hour {
		if i > 0 && i < len(hour)-1 && hour[i].Requests == hour[i-1].Requests && hour[i].Requests == hour[i+1].Requests {
			continue // it is on the line
		}
		line = strconv.AppendInt(line, int64(i*minuteWidth), 10)
		line = strconv.AppendFloat(append(line, ','), height(i), 'f', 1, 64)
		line = append(line, ' ')
	}
	s.Line = strings.TrimSpace(string(line))
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
