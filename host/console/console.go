// Package console is what an owner sees in a browser: pages that the server renders, with
// small scripts that only add to them. It asks the same rooms as the API, and is told by
// the gateway whose request it is.
package console

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/coldstart"
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

// Config is what the console is made of; all of it stays the caller's.
type Config struct {
	Registry *registry.Registry
	Deployer *deploy.Deployer
	Logs     *logs.Store
	Reports  *reports.Store
	Schedule *schedule.Scheduler
	Keeper   *access.Keeper
	Domains  *domains.Keeper
	Activity *activity.Book
	Profiler *profile.Profiler
	// ColdStart measures how Micros begin.
	ColdStart *coldstart.Desk
	// Bundle opens the files of a Micro; who asks closes them.
	Bundle func(space.Digest) (*os.Root, error)
	// URL returns where an app answers, and BaseURL is the platform's address.
	URL     func(space.AppName) string
	BaseURL string
	Version string
	// BundleLimit bounds an upload for each Micro, in bytes.
	BundleLimit int64
	// Draining is closed when the server stops: streams end then.
	Draining <-chan struct{}
	// Now is the time of day; nil is the system's.
	Now    func() time.Time
	Logger *slog.Logger
}

type console struct {
	Config
	mux         *http.ServeMux
	assets      assets
	pages       map[string]*template.Template
	crossOrigin *http.CrossOriginProtection
	streams     chan struct{} // one token for each stream that is open
	policy      string
}

// maxStreams is how many pages may follow something at a time.
const maxStreams = 64

// New returns the handler of the console's host. It answers nobody whom [access.OwnerOf]
// does not know.
func New(config Config) http.Handler {
	c := &console{Config: config, mux: http.NewServeMux(), crossOrigin: http.NewCrossOriginProtection(), streams: make(chan struct{}, maxStreams)}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.assets = loadAssets()
	c.pages = c.parse()
	c.policy = policy(config.BaseURL)
	c.route()
	return c
}

func (c *console) route() {
	c.handle("GET /{$}", c.apps)
	c.handle("GET /list", c.list)
	c.handle("GET /find", c.find)
	c.handle("GET /assets/{name}", c.asset)
	c.handle("POST /deploy", c.deploy)
	c.handle("GET /apps/{app}", c.app)
	c.handle("POST /apps/{app}/rollback", c.rollback)
	c.handle("POST /apps/{app}/env", c.changeEnv)
	c.handle("POST /apps/{app}/keys", c.createKey)
	c.handle("POST /apps/{app}/keys/delete", c.deleteKey)
	c.handle("POST /apps/{app}/domains", c.addDomain)
	c.handle("POST /apps/{app}/domains/remove", c.removeDomain)
	c.handle("POST /apps/{app}/delete", c.remove)
	c.handle("POST /apps/{app}/actions", c.changeAction)
	c.handle("GET /apps/{app}/micros/{micro}", c.micro)
	c.handle("GET /apps/{app}/micros/{micro}/live", c.live)
	c.handle("POST /apps/{app}/micros/{micro}/profile", c.profile)
	c.handle("GET /apps/{app}/micros/{micro}/coldstart", c.coldstart)
	c.handle("GET /apps/{app}/micros/{micro}/coldstart/now", c.coldstartNow)
	c.handle("POST /apps/{app}/micros/{micro}/coldstart", c.measureColdstart)
	c.handle("GET /apps/{app}/micros/{micro}/files/{path...}", c.files)
}

// policy lets a page have what is the console's own, and nothing else: no inline script
// or style, no eval, no frame around it. Its forms lead to itself, and the one that logs
// out on to the platform's host.
func policy(base string) string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
		"form-action 'self' " + base, "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// ServeHTTP implements [http.Handler].
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", c.policy)
	header.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	header.Set("Cache-Control", "no-store")
	if access.OwnerOf(r.Context()) == "" {
		c.fail(w, r, space.Errorf(space.CodeUnauthorized, "log in to see the console"))
		return
	}
	if err := c.crossOrigin.Check(r); err != nil {
		c.fail(w, r, &space.Error{Code: space.CodeForbidden, Message: "another site asked for this; nothing was done", Err: err})
		return
	}
	if _, pattern := c.mux.Handler(r); pattern == "" {
		c.fail(w, r, c.unrouted(r))
		return
	}
	c.mux.ServeHTTP(w, r)
}

// unrouted is the error of a path or a method that there is not.
func (c *console) unrouted(r *http.Request) error {
	other := r.Clone(r.Context())
	for _, other.Method = range []string{http.MethodGet, http.MethodPost} {
		if _, pattern := c.mux.Handler(other); pattern != "" {
			return space.Errorf(space.CodeMethodNotAllowed, "%s is not possible here", r.Method)
		}
	}
	return space.Errorf(space.CodeNotFound, "there is no such page in the console")
}

func (c *console) handle(pattern string, do func(http.ResponseWriter, *http.Request) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			c.fail(w, r, err)
		}
	})
}

// fail answers with an error: a page for who looks at pages, problem details for scripts.
func (c *console) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := space.AsError(err)
	id := space.RequestIDOf(r.Context())
	switch {
	case e.Code == space.CodeClientGone:
		return
	case e.Code == space.CodeInternal:
		c.Logger.Error("console failed", "request", id, "error", e.Err)
	case e.Err != nil:
		c.Logger.Warn("console refused", "request", id, "error", e)
	}
	if access.OwnerOf(r.Context()) == "" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		gateway.WriteError(w, r, e)
		return
	}
	w.Header().Set("X-Space-Error", string(e.Code))
	if e.Code == space.CodeMethodNotAllowed {
		w.Header().Set("Allow", "GET, HEAD, POST")
	}
	c.show(w, r, "error", e.Code.Status(), sentence(e.Code.Words()), errorPage{Problem: e.Problem(string(id)), Lines: strings.Split(e.Message, "\n")})
}

type errorPage struct {
	space.Problem
	Lines []string
}

// page is what every page has, and what its template shows.
type page struct {
	Title   string
	Version string
	Here    string // the request's path
	Now     time.Time
	Body    any
}

// show answers with a page.
func (c *console) show(w http.ResponseWriter, r *http.Request, name string, status int, title string, body any) {
	c.render(w, r, name, "layout", status, page{Title: title, Version: c.Version, Here: r.URL.Path, Now: c.Now(), Body: body})
}

// render executes a template of a page. It is whole before any of it is sent.
func (c *console) render(w http.ResponseWriter, r *http.Request, name, part string, status int, data any) {
	var b bytes.Buffer
	if err := c.pages[name].ExecuteTemplate(&b, part, data); err != nil {
		c.Logger.Error("console page failed", "page", name, "request", space.RequestIDOf(r.Context()), "error", err)
		http.Error(w, "the page could not be made; the server's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	// A browser that has gone sees nothing.
	_, _ = w.Write(b.Bytes())
}

// back sends a browser to a page after a change, where reloading does not repeat it.
func back(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// appOf is the live app of the path.
func (c *console) appOf(r *http.Request) (*registry.App, error) {
	name, err := space.ParseAppName(r.PathValue("app"))
	if err != nil {
		return nil, space.Errorf(space.CodeNotFound, "%v", err)
	}
	app, release, ok := c.Registry.Acquire(name)
	if !ok {
		return nil, space.Errorf(space.CodeNotFound, "there is no app %q: it was removed, or never pushed", name)
	}
	release() // what it says of itself stays, and a page must not keep a replaced revision open
	return app, nil
}

// until returns a context that also ends when the server stops.
func (c *console) until(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), streamTime)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-c.Draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-done }
}
