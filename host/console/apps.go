package console

import (
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// health is what an app or a Micro does now, in a word.
type health string

// The states, from the worst.
const (
	isBroken    health = "broken"    // it does not run at all
	isFailing   health = "failing"   // its newest request has failed
	isPreparing health = "preparing" // it does not answer yet
	isRunning   health = "running"
	isAsleep    health = "asleep"
)

// worse tells which of two is to be shown of a whole.
func (h health) worse(other health) health {
	for _, one := range []health{isBroken, isFailing, isPreparing, isRunning} {
		if h == one || other == one {
			return one
		}
	}
	return isAsleep
}

type appsPage struct {
	Apps []appRow
	Base string
}

// appRow is an app on the first page.
type appRow struct {
	Name     space.AppName
	URL      string
	Health   health
	Why      string // it does not run
	Spark    spark
	Memory   int64
	Running  int
	Revision int
	Pushed   time.Time
	Author   string
	Micros   int
}

// apps is the first page.
func (c *console) apps(w http.ResponseWriter, r *http.Request) error {
	c.show(w, r, "apps", http.StatusOK, "Apps", appsPage{Apps: c.rows(), Base: c.BaseURL})
	return nil
}

// list is the list of the first page alone, for a script that keeps it fresh.
func (c *console) list(w http.ResponseWriter, r *http.Request) error {
	c.render(w, r, "apps", "list", http.StatusOK, appsPage{Apps: c.rows(), Base: c.BaseURL})
	return nil
}

func (c *console) rows() []appRow {
	live := c.Registry.Apps()
	rows := make([]appRow, 0, len(live))
	for _, app := range live {
		rows = append(rows, c.row(app))
	}
	return rows
}

func (c *console) row(app *registry.App) appRow {
	row := appRow{
		Name: app.App.Name, URL: c.URL(app.App.Name), Health: isAsleep, Why: app.Failed, Revision: app.Revision.Number,
		Pushed: app.Revision.Created, Author: app.Revision.Author, Micros: len(app.Revision.Micros),
	}
	var hour [activity.Minutes]activity.Minute
	for _, route := range app.Routes {
		hour = add(hour, c.Activity.Hour(activity.KeyOf(app.App, route.Micro.Name)))
		h, state := c.health(app, route)
		row.Health = row.Health.worse(h)
		row.Memory += state.Memory
		row.Running += state.Running
	}
	switch {
	case app.Failed != "":
		row.Health = isBroken
	case app.Wanted != nil:
		row.Health = isPreparing
	}
	row.Spark = newSpark(hour)
	return row
}

// health looks at a live Micro.
func (c *console) health(app *registry.App, route registry.Route) (health, space.State) {
	var state space.State
	if s, ok := route.Server.(interface{ State() space.State }); ok {
		state = s.State()
	}
	last, asked := c.Activity.Last(activity.KeyOf(app.App, route.Micro.Name))
	// What another revision has failed at is not this one's fault.
	failing := asked && last.Failed() && last.Revision == app.Revision.Number && c.Now().Sub(last.Time) < time.Hour
	switch {
	case failing:
		return isFailing, state
	case state.Awake:
		return isRunning, state
	}
	return isAsleep, state
}
