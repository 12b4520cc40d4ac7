package record

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"time"
)

//go:embed report.html
var reportPage string

// PlotTemplate defines the template "plot" of html/template, which draws a [Plot] as SVG
// with the classes ours, stock, grid, axis and small.
//
//go:embed plot.html
var PlotTemplate string

// WriteHTML writes a page with plots, which needs nothing but itself.
func (d *Document) WriteHTML(w io.Writer) error {
	page, err := template.New("report").Funcs(template.FuncMap{"duration": Duration, "bytes": mebibytes, "word": word}).Parse(PlotTemplate + reportPage)
	if err != nil {
		return fmt.Errorf("read the template of the report: %w", err)
	}
	view := struct {
		*Document
		Plots []Plot
	}{Document: d}
	for _, m := range d.Modules {
		view.Plots = append(view.Plots, m.Plot())
	}
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Duration words a time with three digits.
func Duration(d time.Duration) string {
	value, unit := float64(d), "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, next
	}
	digits := 2
	for limit := 10.0; digits > 0 && value >= limit; limit *= 10 {
		digits--
	}
	if unit == "ns" {
		digits = 0
	}
	return fmt.Sprintf("%.*f %s", digits, value, unit)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// word says what came of a comparison.
func word(v Verdict) string {
	switch {
	case !v.Differ:
		return fmt.Sprintf("no difference can be told (p = %.2g)", v.P)
	case v.Ratio < 1:
		return fmt.Sprintf("the first is %.2f times faster (p = %.2g)", 1/v.Ratio, v.P)
	}
	return fmt.Sprintf("the second is %.2f times faster (p = %.2g)", v.Ratio, v.P)
}

// Words is word for a terminal.
func (v Verdict) Words() string { return word(v) }

// Plot is the stages of a module above one another on an axis of time, which is
// logarithmic. Its measures are in pixels.
type Plot struct {
	Width, Height float64
	Ticks         []Tick
	Rows          []PlotRow
}

// Tick is a place on the axis.
type Tick struct {
	X     float64
	Label string
}

// PlotRow is a stage: where it stands, its histograms, and their medians.
type PlotRow struct {
	Name, What, Ours, Stock, Ratio string
	Y, Baseline                    float64
	Bars                           []Bar
	Medians                        []Median
}

// Bar is a bucket of a histogram.
type Bar struct {
	X, Y, Width, Height float64
	Class               string
}

// Median is a line where one is.
type Median struct {
	X, Top, Bottom float64
	Class          string
}

// The measures of a plot, in pixels.
const (
	plotWidth, labelWidth = 960.0, 130.0
	rowHeight, barHeight  = 56.0, 40.0
	axisHeight            = 24.0
)

// Plot lays out what was measured of the module.
func (m *Module) Plot() Plot {
	least, most := math.Inf(1), 0.0
	each := func(do func(f *Figures)) {
		for i := range m.Stages {
			do(&m.Stages[i].Ours)
			if m.Stages[i].Stock != nil {
				do(m.Stages[i].Stock)
			}
		}
	}
	each(func(f *Figures) {
		if n := len(f.Histogram); n > 0 {
			least, most = min(least, float64(f.Histogram[0].From)), max(most, float64(f.Histogram[n-1].To))
		}
	})
	scale := NewScale(time.Duration(max(least, 1)), time.Duration(max(most, 10)), labelWidth, plotWidth)
	p := Plot{Width: plotWidth, Height: rowHeight*float64(len(m.Stages)) + axisHeight}
	for _, d := range scale.Ticks() {
		p.Ticks = append(p.Ticks, Tick{X: scale.At(d), Label: Duration(d)})
	}
	for i, s := range m.Stages {
		r := PlotRow{Name: s.Name, What: s.What, Ours: Duration(s.Ours.P50), Y: rowHeight * float64(i), Baseline: rowHeight*float64(i) + barHeight + 8}
		r.draw(&s.Ours, "ours", scale.At)
		if s.Stock != nil {
			r.draw(s.Stock, "stock", scale.At)
			r.Stock, r.Ratio = Duration(s.Stock.P50), fmt.Sprintf("%.3gx", s.Ratio)
		}
		p.Rows = append(p.Rows, r)
	}
	return p
}

// draw adds a histogram, whose highest bar is as high as the row allows.
func (r *PlotRow) draw(f *Figures, class string, x func(time.Duration) float64) {
	highest := 1
	for _, b := range f.Histogram {
		highest = max(highest, b.Count)
	}
	for _, b := range f.Histogram {
		if b.Count == 0 {
			continue
		}
		height := max(barHeight*float64(b.Count)/float64(highest), 1)
		r.Bars = append(r.Bars, Bar{X: x(b.From), Y: r.Baseline - height, Width: max(x(b.To)-x(b.From)-0.5, 1.5), Height: height, Class: class})
	}
	r.Medians = append(r.Medians, Median{X: x(f.P50), Top: r.Baseline - barHeight, Bottom: r.Baseline, Class: class})
}
