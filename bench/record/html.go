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

// WriteHTML writes a page with plots, which needs nothing but itself.
func (d *Document) WriteHTML(w io.Writer) error {
	page, err := template.New("report").Funcs(template.FuncMap{"duration": Duration, "bytes": mebibytes, "word": word}).Parse(reportPage)
	if err != nil {
		return fmt.Errorf("read the template of the report: %w", err)
	}
	view := struct {
		*Document
		Plots []plot
	}{Document: d}
	for _, m := range d.Modules {
		view.Plots = append(view.Plots, m.plot())
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

// plot is the stages of a module above one another on an axis of time, which is
// logarithmic.
type plot struct {
	Width, Height float64
	Ticks         []tick
	Rows          []row
}

type tick struct {
	X     float64
	Label string
}

// row is a stage: where it stands, its histograms, and their medians.
type row struct {
	Name, What, Ours, Stock, Ratio string
	Y, Baseline                    float64
	Bars                           []bar
	Medians                        []median
}

type bar struct {
	X, Y, Width, Height float64
	Class               string
}

type median struct {
	X, Top, Bottom float64
	Class          string
}

// The measures of a plot, in pixels.
const (
	plotWidth, labelWidth = 960.0, 130.0
	rowHeight, barHeight  = 56.0, 40.0
	axisHeight            = 24.0
)

func (m *Module) plot() plot {
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
	lower, upper := math.Floor(math.Log10(max(least, 1))), math.Ceil(math.Log10(max(most, 10)))
	x := func(d time.Duration) float64 {
		share := (math.Log10(max(float64(d), 1)) - lower) / max(upper-lower, 1)
		return labelWidth + share*(plotWidth-labelWidth)
	}
	p := plot{Width: plotWidth, Height: rowHeight*float64(len(m.Stages)) + axisHeight}
	for e := lower; e <= upper; e++ {
		d := time.Duration(math.Pow(10, e))
		p.Ticks = append(p.Ticks, tick{X: x(d), Label: Duration(d)})
	}
	for i, s := range m.Stages {
		r := row{Name: s.Name, What: s.What, Ours: Duration(s.Ours.P50), Y: rowHeight * float64(i), Baseline: rowHeight*float64(i) + barHeight + 8}
		r.draw(&s.Ours, "ours", x)
		if s.Stock != nil {
			r.draw(s.Stock, "stock", x)
			r.Stock, r.Ratio = Duration(s.Stock.P50), fmt.Sprintf("%.3gx", s.Ratio)
		}
		p.Rows = append(p.Rows, r)
	}
	return p
}

// draw adds a histogram, whose highest bar is as high as the row allows.
func (r *row) draw(f *Figures, class string, x func(time.Duration) float64) {
	highest := 1
	for _, b := range f.Histogram {
		highest = max(highest, b.Count)
	}
	for _, b := range f.Histogram {
		if b.Count == 0 {
			continue
		}
		height := max(barHeight*float64(b.Count)/float64(highest), 1)
		r.Bars = append(r.Bars, bar{X: x(b.From), Y: r.Baseline - height, Width: max(x(b.To)-x(b.From)-0.5, 1.5), Height: height, Class: class})
	}
	r.Medians = append(r.Medians, median{X: x(f.P50), Top: r.Baseline - barHeight, Bottom: r.Baseline, Class: class})
}
