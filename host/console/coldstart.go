package console

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// coldPage is how a Micro begins: what was measured, what is being measured, and what was
// measured before.
type coldPage struct {
	App      space.AppName
	Micro    string
	Revision int
	Where    string // the page's own path
	Path     string // that is asked for
	Static   bool
	Running  *coldstart.Progress
	Percent  int
	Busy     bool // with another Micro
	Failed   *coldstart.Failure
	Newest   *coldResult
	History  []coldRow
	Chart    *coldChart
}

// coldResult is one measurement, drawn.
type coldResult struct {
	Revision int
	Time     time.Time
	Path     string
	Machine  record.Machine
	Stages   []record.StageFigure
	Plot     record.Plot
}

// coldRow is a measurement in the history: the medians of what visitors feel.
type coldRow struct {
	Revision int
	Time     time.Time
	Path     string
	Medians  map[string]time.Duration // by the stage's name
}

// coldStages are those that the history's chart shows, as their lines are told apart.
func coldStages() []string { return []string{"asleep", "dozing", "warm"} }

// coldstart shows how a Micro begins.
func (c *console) coldstart(w http.ResponseWriter, r *http.Request) error {
	body, err := c.coldPage(r)
	if err != nil {
		return err
	}
	c.show(w, r, "coldstart", http.StatusOK, "Cold start of "+body.Micro, body)
	return nil
}

// coldstartNow is what changes of that page while something is measured, for its script.
func (c *console) coldstartNow(w http.ResponseWriter, r *http.Request) error {
	body, err := c.coldPage(r)
	if err != nil {
		return err
	}
	c.render(w, r, "coldstart", "cold", http.StatusOK, body)
	return nil
}

// measureColdstart has a Micro measured.
func (c *console) measureColdstart(w http.ResponseWriter, r *http.Request) error {
	app, route, err := c.routeOf(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := c.ColdStart.Start(app.App.Name, route.Micro.Name, r.PostFormValue("path")); err != nil {
		return err
	}
	return back(w, coldPath(app, route))
}

func coldPath(app *registry.App, route registry.Route) string {
	return pathOf(app.App.Name) + "/micros/" + url.PathEscape(route.Micro.Name) + "/coldstart"
}

func (c *console) coldPage(r *http.Request) (*coldPage, error) {
	app, route, err := c.routeOf(r)
	if err != nil {
		return nil, err
	}
	name := route.Micro.Name
	body := &coldPage{
		App: app.App.Name, Micro: name, Revision: app.Revision.Number, Where: coldPath(app, route), Path: "/", Static: route.Micro.IsStatic(),
		Busy: c.ColdStart.Busy(),
	}
	if state, ok := c.ColdStart.State(app.App, name); ok {
		body.Running, body.Percent, body.Busy = &state, int(100*state.Done), false
	}
	if failed, ok := c.ColdStart.Failed(app.App, name); ok {
		failed.Reason, body.Path = visible(failed.Reason), failed.Path
		body.Failed = &failed
	}
	history, err := c.ColdStart.History(r.Context(), app.App.Name, name)
	if err != nil {
		return nil, err
	}
	for i, m := range history {
		if i == 0 {
			module := &m.Modules[0]
			body.Newest = &coldResult{m.Revision, m.Time, m.Path, m.Machine, module.Stages, module.Plot()}
			if body.Failed == nil {
				body.Path = m.Path
			}
		}
		body.History = append(body.History, rowOf(m))
	}
	body.Chart = newColdChart(body.History)
	return body, nil
}

// newestCold is what was measured last of a Micro; nil if nothing was.
func (c *console) newestCold(r *http.Request, app *registry.App, route registry.Route) (*coldRow, error) {
	history, err := c.ColdStart.History(r.Context(), app.App.Name, route.Micro.Name)
	if err != nil || len(history) == 0 {
		return nil, err
	}
	row := rowOf(history[0])
	return &row, nil
}

func rowOf(m coldstart.Measurement) coldRow {
	medians := map[string]time.Duration{}
	for _, s := range m.Modules[0].Stages {
		medians[s.Name] = s.Ours.P50
	}
	return coldRow{Revision: m.Revision, Time: m.Time, Path: m.Path, Medians: medians}
}

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
