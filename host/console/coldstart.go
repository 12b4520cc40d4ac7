package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
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
	if _, err := c.form(w, r); err != nil {
		return err
	}
	if r.PostForm.Has("stop") {
		c.ColdStart.Stop(app.App, route.Micro.Name)
		return back(w, coldPath(app, route))
	}
	if err := c.ColdStart.Start(app.App.Name, route.Micro.Name, r.PostForm.Get("path")); err != nil {
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
		failed.Reason, body.Path = visible(failed.Reason), toAsk(failed.Path)
		body.Failed = &failed
	}
	history, err := c.ColdStart.History(r.Context(), app.App.Name, name, store.KeptMeasurements)
	if err != nil {
		return nil, err
	}
	for i, m := range history {
		if i == 0 {
			module := &m.Modules[0]
			body.Newest = &coldResult{m.Revision, m.Time, m.Path, m.Machine, module.Stages, module.Plot()}
			if body.Failed == nil {
				body.Path = toAsk(m.Path)
			}
		}
		body.History = append(body.History, rowOf(m))
	}
	body.Chart = newColdChart(body.History)
	return body, nil
}

// toAsk is a path that can be asked for again: values of a query are not kept.
func toAsk(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}

// newestCold is what was measured last of a Micro; nil if nothing was.
func (c *console) newestCold(r *http.Request, app *registry.App, route registry.Route) (*coldRow, error) {
	history, err := c.ColdStart.History(r.Context(), app.App.Name, route.Micro.Name, 1)
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
