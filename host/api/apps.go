package api

import (
	_ "embed"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

//go:embed home.html
var homePage []byte

// home is what a browser finds at the platform's address.
func (a *api) home(c echo.Context) error {
	return c.Blob(http.StatusOK, "text/html; charset=utf-8", homePage)
}

func (a *api) version(c echo.Context) error {
	return c.JSON(http.StatusOK, wire.Version{Version: a.Version, Domain: a.Domain})
}

func (a *api) list(c echo.Context) error {
	answer := wire.Apps{Apps: []wire.App{}}
	for _, app := range a.Registry.Apps() {
		if !callerOf(c).MayDeploy(app.App.Name) {
			continue
		}
		answer.Apps = append(answer.Apps, a.describe(app))
	}
	return c.JSON(http.StatusOK, answer)
}

func (a *api) get(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	app, release, ok := a.Registry.Acquire(name)
	if !ok {
		return noApp(name)
	}
	defer release()
	return c.JSON(http.StatusOK, a.describe(app))
}

// push deploys the body; see package deploy.
func (a *api) push(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	r := c.Request()
	media := r.Header.Get("Content-Type")
	most := a.BundleLimit
	if media != "application/wasm" { // an archive may hold several Micros
		most *= space.MaxMicros
	}
	if r.ContentLength > most {
		return space.Errorf(space.CodePayloadTooLarge, "the upload has %d bytes; the limit is %d for each Micro", r.ContentLength, a.BundleLimit)
	}
	var app *registry.App
	ctx, events := r.Context(), newEventStream(c.Response())
	defer events.end()
	if wantsEvents(r) {
		ctx = deploy.WithProgress(ctx, func(e deploy.Event) { events.send(wire.EventOf(e)) })
	}
	err = a.arrive(c.Response(), r, func(body io.Reader) error {
		upload, err := uploadOf(media, body, callerOf(c))
		if err != nil {
			return err
		}
		upload.App = name
		app, err = a.Deployer.Push(ctx, upload)
		return err
	})
	if events.streams() {
		events.end()
		events.send(a.outcome(c, app, err))
		return nil
	}
	if err != nil {
		e := *space.AsError(err)
		e.Unread = true
		return &e
	}
	c.Response().Header().Set("Location", "/api/v1/apps/"+string(name))
	return c.JSON(http.StatusCreated, a.describe(app))
}

// outcome is the last event of a push.
func (a *api) outcome(c echo.Context, app *registry.App, err error) wire.Event {
	if err == nil {
		answer := a.describe(app)
		return wire.Event{Event: wire.EventDone, App: &answer}
	}
	e := space.AsError(err)
	a.note(c, e)
	problem := e.Problem(string(space.RequestIDOf(c.Request().Context())))
	return wire.Event{Event: wire.EventError, Problem: &problem}
}

func (a *api) remove(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	if err := a.Deployer.Remove(c.Request().Context(), name); err != nil {
		return err
	}
	// Its keys, its deploy tokens and its domains went with it.
	if err := errors.Join(a.Keeper.Reload(c.Request().Context()), a.Domains.Reload(c.Request().Context()), a.Logs.Remove(string(name)), a.Reports.Remove(name)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func appName(c echo.Context) (space.AppName, error) {
	name, err := space.ParseAppName(c.Param("app"))
	if err != nil {
		return "", space.Errorf(space.CodeBadRequest, "%v", err)
	}
	return name, nil
}

func noApp(name space.AppName) error {
	return space.Errorf(space.CodeNotFound, "there is no app %q", name)
}

// usageOf is that of the i-th Micro of an app. One that failed has no servers.
func usageOf(app *registry.App, i int) wire.Usage {
	if i >= len(app.Routes) {
		return wire.Usage{}
	}
	u := app.Routes[i].Server.Usage()
	return wire.Usage{Requests: u.Requests, Fuel: u.Fuel, RunMS: float64(u.Run.Microseconds()) / 1000}
}

func snapshotOf(m space.Micro) wire.Snapshot {
	return wire.Snapshot{
		Taken: m.SnapshotBytes > 0, Bytes: m.SnapshotBytes, Reason: m.NoSnapshot, Drew: m.Drew,
		InitialiseMS: float64(m.InitialiseTime.Microseconds()) / 1000,
	}
}

func databasesOf(m space.Micro) []wire.Database {
	var databases []wire.Database
	for _, d := range m.Databases {
		answer := wire.Database{Name: d.Name, Bytes: d.Bytes, PageSize: d.PageSize, Tables: []wire.Table{}, More: d.More, Fault: d.Fault}
		for _, t := range d.Tables {
			answer.Tables = append(answer.Tables, wire.Table(t))
		}
		databases = append(databases, answer)
	}
	return databases
}

func (a *api) describe(app *registry.App) wire.App {
	answer := wire.App{
		App: string(app.App.Name), Revision: app.Revision.Number, URL: a.URL(app.App.Name),
		Created: app.Revision.Created, Micros: []wire.Micro{}, Failed: app.Failed,
		Preparing: app.Wanted != nil,
	}
	for _, domain := range a.Domains.Of(app.App.Name) {
		if domain.Shadowed.IsZero() {
			answer.Domains = append(answer.Domains, string(domain.Host))
		} else {
			answer.Shadowed = append(answer.Shadowed, string(domain.Host))
		}
	}
	for i, m := range app.Revision.Micros {
		if i < len(app.Routes) { // which know what is live
			m = app.Routes[i].Micro
		}
		answer.Micros = append(answer.Micros, wire.Micro{
			Name: m.Name, Path: m.Path, Contract: m.Contract, Primary: m.Primary, Public: m.Public, APIKeys: m.APIKeys,
			WasmBytes: m.WasmBytes, CompileMS: float64(m.CompileTime.Microseconds()) / 1000,
			Snapshot: snapshotOf(m), Databases: databasesOf(m), Usage: usageOf(app, i),
		})
	}
	return answer
}
