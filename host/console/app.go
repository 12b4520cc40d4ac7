package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// appPage is an app with all that its owner sets.
type appPage struct {
	appRow
	Rows      []microRow
	Revisions []revisionRow
	Actions   []schedule.Status
	Runs      []space.Run
	Variables []deploy.Variable
	Keys      []store.AppKey
	Domains   domainsPart
	Usage     space.Usage
	Deployed  bool
	Reports   []reports.Summary
	Counts    []reports.Count
	NewKey    *newKey
	Ran       *schedule.Report
}

type newKey struct{ Name, Value string }

type microRow struct {
	space.Micro
	Health health
	State  space.State
	Spark  spark
	Usage  space.Usage
	Open   bool // some of its paths are for all
}

type revisionRow struct {
	Number  int
	Created time.Time
	Author  string
	Active  bool
	Micros  []string
	Changes []string
	Bytes   int64
}

// app shows an app.
func (c *console) app(w http.ResponseWriter, r *http.Request) error {
	return c.showApp(w, r, func(p *appPage) { p.Deployed = r.URL.Query().Has("deployed") })
}

// showApp shows the app of the path, and what with has to add.
func (c *console) showApp(w http.ResponseWriter, r *http.Request, with func(*appPage)) error {
	app, err := c.appOf(r)
	if err != nil {
		return err
	}
	body, err := c.appPage(r, app)
	if err != nil {
		return err
	}
	with(body)
	c.show(w, r, "app", http.StatusOK, string(app.App.Name), body)
	return nil
}

func (c *console) appPage(r *http.Request, app *registry.App) (*appPage, error) {
	ctx, name := r.Context(), app.App.Name
	body := &appPage{appRow: c.row(app), Domains: c.domains(app)}
	for i, micro := range app.Revision.Micros {
		row := microRow{Micro: micro, Health: body.Health}
		if i < len(app.Routes) {
			route := app.Routes[i]
			row.Micro = route.Micro
			row.Health, row.State = c.health(app, route)
			row.Usage = route.Server.Usage()
			row.Spark = newSpark(c.Activity.Hour(activity.KeyOf(app.App, route.Micro.Name)))
			body.Usage.Requests += row.Usage.Requests
			body.Usage.Fuel += row.Usage.Fuel
			body.Usage.Run += row.Usage.Run
		}
		row.Open = !row.Public && len(row.PublicRoutes) > 0
		body.Rows = append(body.Rows, row)
	}
	body.Reports, body.Counts = c.Reports.List(name)
	body.Reports = body.Reports[:min(len(body.Reports), shownReports)]
	revisions, err := c.Deployer.Revisions(ctx, name)
	if err != nil {
		return nil, err
	}
	for i, one := range revisions {
		body.Revisions = append(body.Revisions, describeRevision(one, revisions[i+1:]))
	}
	if body.Variables, err = c.Deployer.Variables(ctx, name, ""); err != nil {
		return nil, err
	}
	if body.Keys, err = c.Keeper.AppKeys(ctx, name); err != nil {
		return nil, err
	}
	if body.Actions, err = c.Schedule.Actions(ctx, name, 1); err != nil {
		return nil, err
	}
	if len(body.Actions) > 0 {
		body.Runs, err = c.Schedule.Runs(ctx, store.RunQuery{App: name, Limit: shownRuns})
	}
	return body, err
}

// shownRuns and shownReports are how many runs of an app's actions, and reports of its
// failures, are shown.
const shownRuns, shownReports = 10, 10

// describeRevision compares a revision with the newest of those before it.
func describeRevision(one store.Deployment, before []store.Deployment) revisionRow {
	r := one.Revision
	row := revisionRow{Number: r.Number, Created: r.Created, Author: r.Author, Active: r.Number == one.App.Active}
	for _, m := range r.Micros {
		row.Micros = append(row.Micros, m.Name)
	}
	row.Bytes = r.Bytes()
	switch {
	case len(before) > 0:
		row.Changes = space.Changes(before[0].Revision.Micros, r.Micros)
	case r.Number == 1:
		row.Changes = []string{"the first one"}
	}
	return row
}

// Presets tells whether any variable is declared by the app's author.
func (p appPage) Presets() bool {
	return slices.ContainsFunc(p.Variables, func(v deploy.Variable) bool { return v.Declared })
}

// maxForm bounds a form, in bytes: more than a variable's value may have, escaped.
const maxForm = 1 << 20

// form reads a form for the app of the path.
func (c *console) form(w http.ResponseWriter, r *http.Request) (space.AppName, error) {
	app, err := c.appOf(r)
	if err != nil {
		return "", err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return "", &space.Error{Code: space.CodeBadRequest, Message: "the form cannot be read, or is too large", Err: err}
	}
	return app.App.Name, nil
}

// rollback has another revision answer.
func (c *console) rollback(w http.ResponseWriter, r *http.Request) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(r.PostForm.Get("revision"))
	if err != nil || number < 1 {
		return space.Errorf(space.CodeBadRequest, "revisions count from 1")
	}
	if _, err := c.Deployer.Rollback(r.Context(), app, number); err != nil {
		return err
	}
	return back(w, pathOf(app)+"#revisions")
}

// changeEnv sets a variable, or unsets it.
func (c *console) changeEnv(w http.ResponseWriter, r *http.Request) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	change := deploy.EnvChange{Micro: r.PostForm.Get("micro")}
	name := r.PostForm.Get("name")
	if r.PostForm.Has("unset") {
		change.Unset = []string{name}
	} else {
		change.Set = map[string]string{name: r.PostForm.Get("value")}
	}
	if _, err := c.Deployer.ChangeEnv(r.Context(), app, change); err != nil {
		return err
	}
	return back(w, pathOf(app)+"#environment")
}

// createKey makes a key of the app; the page that answers is the only one that ever shows
// it.
func (c *console) createKey(w http.ResponseWriter, r *http.Request) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	name := r.PostForm.Get("name")
	value, err := c.Keeper.CreateAppKey(r.Context(), app, name)
	if err != nil {
		return err
	}
	return c.showApp(w, r, func(p *appPage) { p.NewKey = &newKey{name, value} })
}

func (c *console) deleteKey(w http.ResponseWriter, r *http.Request) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	if err := c.Keeper.DeleteAppKey(r.Context(), app, r.PostForm.Get("name")); err != nil {
		return err
	}
	return back(w, pathOf(app)+"#keys")
}

// remove deletes the app, if its name was typed.
func (c *console) remove(w http.ResponseWriter, r *http.Request) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("confirm") != string(app) {
		return space.Errorf(space.CodeBadRequest, "nothing was deleted: type the app's name, %s, to confirm", app)
	}
	if err := c.Deployer.Remove(r.Context(), app); err != nil {
		return err
	}
	// Its keys, its deploy tokens and its domains went with it.
	if err := errors.Join(c.Keeper.Reload(r.Context()), c.Domains.Reload(r.Context())); err != nil {
		return err
	}
	if err := errors.Join(c.Logs.Remove(string(app)), c.Reports.Remove(app)); err != nil {
		return err
	}
	return back(w, "/")
}

// changeAction runs an action now, or pauses or resumes it.
func (c *console) changeAction(w http.ResponseWriter, r *http.Request) error {
	app, err := c.form(w, r)
	if err != nil {
		return err
	}
	key, err := c.Schedule.Find(app, r.PostForm.Get("micro"), r.PostForm.Get("id"))
	if err != nil {
		return err
	}
	if do := r.PostForm.Get("do"); do != "run" {
		paused := do == "pause"
		if err := c.Schedule.Change(r.Context(), key, schedule.Change{Paused: &paused}); err != nil {
			return err
		}
		return back(w, pathOf(app)+"#actions")
	}
	report, err := c.Schedule.RunNow(r.Context(), key)
	if err != nil {
		return err
	}
	return c.showApp(w, r, func(p *appPage) { p.Ran = &report })
}
