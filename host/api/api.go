// Package api is the admin API: HTTP for owners, with JSON answers and problem
// details (RFC 9457) for errors.
package api

import (
	_ "embed"
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/domains"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/profile"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
)

//go:embed openapi.json
var openapi []byte

// Guard decides who comes in.
type Guard interface {
	// Who tells whose token a request carries.
	Who(r *http.Request) (access.Caller, bool)
	// Prove shows that the server at addr knows the admin token.
	Prove(nonce, addr string) (string, error)
}

// Config is what the API is made of; all of it stays the caller's.
type Config struct {
	Registry *registry.Registry
	Deployer *deploy.Deployer
	Logs     *logs.Store
	Schedule *schedule.Scheduler
	Reports  *reports.Store
	Guard    Guard
	// Keeper makes and revokes tokens and app keys.
	Keeper *access.Keeper
	// Domains gives domains to apps.
	Domains *domains.Keeper
	// Profiler profiles what is live.
	Profiler *profile.Profiler
	// URL returns where an app answers.
	URL     func(space.AppName) string
	Domain  string
	Version string
	// BundleLimit bounds the body of a push, in bytes.
	BundleLimit int64
	// Draining is closed when the server stops: streams end then.
	Draining <-chan struct{}
	Logger   *slog.Logger
}

type api struct {
	Config
}

// New returns the handler of the platform's host. Whom [access.OwnerOf] names is the owner, too.
func New(config Config) http.Handler {
	a := &api{config}
	e := echo.New()
	e.HTTPErrorHandler = a.writeError
	e.GET("/", a.home)
	e.GET("/api/v1/openapi.json", a.document)
	// The guard stands before each route: before a group, echo would answer 404
	// where 405 is right.
	v1 := e.Group("/api/v1")
	v1.GET("/proof", a.proof)
	v1.GET("/version", a.version, a.anyone)
	v1.GET("/apps", a.list, a.anyone)
	v1.PUT("/apps/:app", a.push, a.deployer)
	v1.POST("/apps/:app/missing", a.missing, a.deployer)
	v1.GET("/apps/:app", a.get, a.deployer)
	v1.DELETE("/apps/:app", a.remove, a.admin)
	v1.GET("/apps/:app/revisions", a.revisions, a.deployer)
	v1.POST("/apps/:app/rollback", a.rollback, a.deployer)
	v1.GET("/apps/:app/logs", a.logs, a.deployer)
	v1.POST("/apps/:app/profile", a.profile, a.deployer)
	v1.GET("/apps/:app/reports", a.listReports, a.deployer)
	v1.GET("/apps/:app/reports/:id", a.report, a.deployer)
	v1.GET("/apps/:app/keys", a.listKeys, a.admin)
	v1.POST("/apps/:app/keys", a.createKey, a.admin)
	v1.DELETE("/apps/:app/keys/:name", a.deleteKey, a.admin)
	v1.GET("/apps/:app/domains", a.listDomains, a.deployer)
	v1.PUT("/apps/:app/domains/:host", a.addDomain, a.admin)
	v1.DELETE("/apps/:app/domains/:host", a.removeDomain, a.admin)
	v1.GET("/tokens", a.listTokens, a.admin)
	v1.POST("/tokens", a.createToken, a.admin)
	v1.DELETE("/tokens/:name", a.revokeToken, a.admin)
	v1.GET("/apps/:app/env", a.env, a.admin)
	v1.PATCH("/apps/:app/env", a.changeEnv, a.admin)
	v1.GET("/apps/:app/actions", a.actions, a.deployer)
	v1.GET("/apps/:app/actions/runs", a.runs, a.deployer)
	v1.POST("/apps/:app/actions/:micro/:id/run", a.runAction, a.admin)
	v1.PATCH("/apps/:app/actions/:micro/:id", a.changeAction, a.admin)
	return e
}

// Routes lists what the API answers as "METHOD /path", for the test that holds
// the OpenAPI document against it.
func Routes(h http.Handler) []string {
	e, ok := h.(*echo.Echo)
	if !ok {
		return nil
	}
	var routes []string
	for _, route := range e.Routes() {
		routes = append(routes, route.Method+" "+route.Path)
	}
	return routes
}

// writeError is the one place where an error of the API becomes an answer.
func (a *api) writeError(err error, c echo.Context) {
	e := space.AsError(err)
	if c.Response().Committed {
		a.Logger.Error("answer broke off", "request", space.RequestIDOf(c.Request().Context()), "error", err)
		panic(http.ErrAbortHandler) // or the client takes it for whole
	}
	if fromEcho, ok := errors.AsType[*echo.HTTPError](err); ok {
		e = space.Errorf(space.CodeNotFound, "there is nothing at %s", c.Request().URL.Path)
		if fromEcho.Code == http.StatusMethodNotAllowed {
			e = space.Errorf(space.CodeMethodNotAllowed, "%s is not possible at %s", c.Request().Method, c.Request().URL.Path)
		}
	}
	a.note(c, e)
	gateway.WriteError(c.Response(), c.Request(), e)
}

// note logs of an error what the client is not told.
func (a *api) note(c echo.Context, e *space.Error) {
	switch {
	case e.Code == space.CodeInternal:
		a.Logger.Error("request failed", "request", space.RequestIDOf(c.Request().Context()), "error", e.Err)
	case e.Err != nil:
		a.Logger.Warn("request refused", "request", space.RequestIDOf(c.Request().Context()), "error", e)
	}
}

// document serves the description of this API.
func (a *api) document(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, openapi)
}
