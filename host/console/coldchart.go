package console

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
)

// coldStages are those that the history's chart shows, as their lines are told apart.
func coldStages() []string { return []string{"asleep", "dozing", "warm"} }

// coldChart is the history as lines, the oldest to the left.
type coldChart struct {
	Width, Height, Left float64
	Lines               []coldLine
	Ticks               []coldTick // of time, upwards
	Marks               []coldTick // of revisions
}

type coldLine struct {
	Name, Points string
	Dots         []coldDot
	LabelX       float64
	LabelY       float64
}

type coldDot struct {
	X, Y  float64
	Title string
}

type coldTick struct {
	X, Y  float64
	Label string
}

// newColdChart draws a history, newest first, of which there is nothing to see unless it has
// two measurements.
func newColdChart(history []coldRow) *coldChart {
	if len(history) < 2 {
		return nil
	}
	const width, height, left, right, top, bottom = 960.0, 240.0, 64.0, 72.0, 12.0, 28.0
	var all []time.Duration
	for _, row := range history {
		for _, stage := range coldStages() {
			if d := row.Medians[stage]; d > 0 {
				all = append(all, d)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	scale := record.NewScale(slices.Min(all), slices.Max(all), height-bottom, top)
	chart := &coldChart{Width: width, Height: height, Left: left}
	for _, t := range scale.Ticks() {
		chart.Ticks = append(chart.Ticks, coldTick{X: left - 8, Y: scale.At(t), Label: record.Duration(t)})
	}
	x := func(i int) float64 { return left + 8 + (width-left-right-8)*float64(i)/float64(len(history)-1) }
	for _, stage := range coldStages() {
		line := coldLine{Name: stage}
		for i := range history {
			row := history[len(history)-1-i]
			d := row.Medians[stage]
			if d <= 0 {
				continue
			}
			dot := coldDot{X: x(i), Y: scale.At(d), Title: stage + " of revision " + strconv.Itoa(row.Revision) + ": " + record.Duration(d)}
			line.Dots = append(line.Dots, dot)
			line.Points += strconv.FormatFloat(dot.X, 'f', 1, 64) + "," + strconv.FormatFloat(dot.Y, 'f', 1, 64) + " "
			line.LabelX, line.LabelY = dot.X+10, dot.Y+4
		}
		chart.Lines = append(chart.Lines, line)
	}
	chart.part()
	every := (len(history) + 11) / 12 // so that there is room for their numbers
	for i := 0; i < len(history); i += every {
		chart.Marks = append(chart.Marks, coldTick{X: x(i), Y: height - 8, Label: "r" + strconv.Itoa(history[len(history)-1-i].Revision)})
	}
	return chart
}

// part moves names that would stand on one another, from the lowest up.
func (c *coldChart) part() {
	const apart = 15
	order := slices.Clone(c.Lines)
	slices.SortFunc(order, func(a, b coldLine) int { return cmp.Compare(b.LabelY, a.LabelY) })
	last := math.Inf(1)
	for _, line := range order {
		i := slices.IndexFunc(c.Lines, func(l coldLine) bool { return l.Name == line.Name })
		c.Lines[i].LabelY = min(line.LabelY, last-apart)
		last = c.Lines[i].LabelY
	}
}
