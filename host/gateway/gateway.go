// Package gateway is the public side: it finds out for whom a request is, keeps
// from it what a Micro may not see, and turns errors into pages.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// Guard decides who may come in.
type Guard interface {
	// Admin tells whether a request carries the admin token.
	Admin(r *http.Request) bool
	// Owner returns the name of an admin token.
	Owner(token string) (name string, ok bool)
	// HasAppKey tells whether a key is one of the app's.
	HasAppKey(app space.AppName, key string) bool
	// Strip removes the platform's credentials from a Micro's request.
	Strip(h http.Header)
}

// Config is what the gateway is made of.
type Config struct {
	Registry *registry.Registry
	Guard    Guard
	// Logins are the sessions of browsers, and Attempts counts wrong tokens of theirs.
	Logins   *access.Logins
	Attempts *access.Attempts
	// BaseURL and AppURL are the addresses of the platform and of an app, as people type
	// them, without and with a slash at the end.
	BaseURL string
	AppURL  func(space.AppName) string
	// Domains are the platform's hosts, in lower case; apps answer below them.
	Domains []string
	// Customs are the domains of the apps' owners; nil has none.
	Customs Customs
	// Loopback makes loopback addresses answer as the platform.
	Loopback bool
	// Timing says who learns where the time of a request went; "" is nobody.
	Timing Timing
	// TrustedProxies may say who the client is and how it came.
	TrustedProxies []netip.Prefix
	// Open takes everybody for the owner, and shows them of errors what is for owners: for
	// a server that only its developer reaches.
	Open bool
	// Trouble says why an app is not to be asked, nil while it is; it may be nil.
	Trouble func(space.AppName) error
	// Micros takes the figures of requests; nil takes none.
	Micros *telemetry.Micros
	// Parts takes the figures of requests that no Micro is asked; nil takes none.
	Parts *telemetry.Platform
	// Metrics answers scrapes on the platform's host; nil has none. MetricsOpen lets
	// everybody scrape.
	Metrics     http.Handler
	MetricsOpen bool
	// Tracer follows requests; nil follows none.
	Tracer *telemetry.Tracer
	// Runs returns the newest runs of the Scheduled Actions of some Micros of an app; nil
	// has none.
	Runs func(ctx context.Context, app space.AppName, micros []string, most int) ([]space.Run, error)
	// Platform answers on the platform's host; at an open server it is told by [access.OwnerOf]
	// that who asks is the owner.
	Platform http.Handler
	// Console answers the owner's browser on the console's own host, below the domain; it
	// is told whose by [access.OwnerOf]. nil has none.
	Console http.Handler
	// Starting tells whether apps are still being restored, so that one which is
	// not there may be there in a moment.
	Starting func() bool
	// Ready is nil while the server takes requests, and says why not otherwise.
	Ready  func() error
	Logger *slog.Logger
	// Journal is told of all requests to apps, once they have been answered; it may be nil.
	Journal Journal
}

// Gateway is the server's root handler. echo is not used here: guests' paths are
// theirs, and no router may clean, match or redirect them.
type Gateway struct {
	config      Config
	crossOrigin *http.CrossOriginProtection
	secure      bool // people reach the server by TLS
	// home is the host of the platform as people type it. Sessions end where it becomes
	// another, as it may be let go of like a domain.
	home string
}

var _ http.Handler = (*Gateway)(nil)

// New returns a gateway.
func New(config Config) *Gateway {
	return &Gateway{
		config: config, crossOrigin: http.NewCrossOriginProtection(), secure: strings.HasPrefix(config.BaseURL, "https:"),
		home: hostOf(config.BaseURL),
	}
}

// ServeHTTP answers a request. It panics with [http.ErrAbortHandler] where only
// cutting the connection tells the client that a response is not whole.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	id := space.NewRequestID()
	out := &recorder{ResponseWriter: w, id: id, part: telemetry.PartOther}
	r = r.WithContext(space.WithUsage(space.WithRequestID(r.Context(), id), &out.usage))
	out.Header().Set("X-Space-Request-Id", string(id))
	if endsUnclearly(r) {
		out.Header().Set("Connection", "close")
	}
	err := g.route(out, r)
	if err != nil {
		e := space.AsError(err)
		g.config.Micros.Refused(e.Code)
		if !out.wrote && !e.Committed && e.Code != space.CodeClientGone {
			WriteError(out, r, g.shown(e))
		}
		took := time.Since(began)
		g.config.Parts.Answered(out.part, out.answered(e))
		g.log(r, out, took, e)
		g.note(r, out, began, took, e)
		if e.Committed || e.Code == space.CodeClientGone {
			// To a client that has closed its half only, a return would be an empty 200.
			panic(http.ErrAbortHandler)
		}
		return
	}
	took := time.Since(began)
	g.config.Parts.Answered(out.part, out.answered(nil))
	g.log(r, out, took, nil)
	g.note(r, out, began, took, nil)
}

// shown is what the visitor learns of an error.
func (g *Gateway) shown(e *space.Error) *space.Error {
	if !g.config.Open || e.Detail == "" {
		return e
	}
	told := *e
	told.Message += "\n\n" + e.Detail
	return &told
}

// route finds out for whom the request is.
func (g *Gateway) route(w *recorder, r *http.Request) error {
	switch r.URL.Path { // before all else: probers name any host, or none
	case "/healthz":
		return g.health(w, nil)
	case "/readyz":
		return g.health(w, g.config.Ready())
	}
	if err := plausible(w, r); err != nil {
		return err
	}
	at, err := g.host(r)
	if err != nil {
		return err
	}
	if at.app != "" && at.app != consoleLabel {
		return g.app(w, r, at)
	}
	if r.URL.Path == metricsPath && g.config.Metrics != nil {
		return g.metrics(w, r)
	}
	if g.refresh(w, r, g.ownTenure(at)) {
		return nil
	}
	if g.config.Starting() {
		return starting()
	}
	if at.app == consoleLabel {
		w.part = telemetry.PartConsole
		return g.console(w, r)
	}
	if g.toConsole(r) {
		redirect(w, g.config.AppURL(consoleLabel))
		return nil
	}
	w.part = telemetry.PartLogin
	switch r.URL.Path {
	case loginPath:
		return g.login(w, r)
	case logoutPage:
		return g.logout(w, r)
	}
	w.part = telemetry.PartAPI
	if g.config.Open && g.isOwnDoing(r) {
		r = r.WithContext(access.WithOwner(r.Context(), access.FileToken))
	}
	g.config.Platform.ServeHTTP(w, r)
	return nil
}

func starting() error {
	return space.Errorf(space.CodePreparing, "the server starts; try again in a moment")
}

// health answers a prober; it is told nothing but yes or no.
func (g *Gateway) health(w http.ResponseWriter, err error) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, err = w.Write([]byte(err.Error() + "\n"))
	} else {
		_, err = w.Write([]byte("ok\n"))
	}
	if err != nil {
		return &space.Error{Code: space.CodeClientGone, Message: "the prober left", Err: err}
	}
	return nil
}

// app serves a request to an app.
func (g *Gateway) app(w *recorder, r *http.Request, at place) error {
	name := at.app
	if g.config.Trouble != nil {
		if err := g.config.Trouble(name); err != nil {
			return err
		}
	}
	app, release, ok := g.acquire(at)
	switch {
	case !ok && g.config.Starting():
		return starting()
	case !ok && at.domain.Host != "":
		return g.misdirected(r)
	case !ok:
		return g.unknownApp(r, string(name))
	}
	defer release()
	w.app = app
	if app.Failed != "" {
		return space.Errorf(space.CodePreparing, "the app %q does not run; `spacewasm ls` tells its owner why", name)
	}
	if app.Wanted != nil {
		app.Wanted()
		return space.Errorf(space.CodePreparing, "the app %q is being prepared for this version of the server; try again in a moment", name)
	}
	return g.visit(w, r, app, at)
}

// visit serves a request to an app that answers, at one of its places.
func (g *Gateway) visit(w *recorder, r *http.Request, app *registry.App, at place) error {
	reserved, err := judgePlain(r.URL.Path, r.URL.EscapedPath(), isPlatform)
	if err != nil {
		return err
	}
	if reserved && r.URL.Path != space.ActionsPath {
		return g.platform(w, r, app, at)
	}
	route, path, found, err := match(app.Routes, r.URL)
	if err != nil {
		return err
	}
	if !found {
		return g.unknownPath(r, app)
	}
	w.micro = route.Micro.Name
	stay := g.tenureOf(app.App, at)
	if g.refresh(w, r, stay) {
		return nil
	}
	owner, err := g.admit(r, app, at, route.Micro, path)
	if refused, ok := errors.AsType[*space.Error](err); ok && refused.Code == space.CodeUnauthorized {
		if isNavigation(r) {
			g.sendToLogin(w, r, app.App.Name, at.domain.Host)
			return nil
		}
		w.Header().Set("Server", deta)
		w.Header().Set("WWW-Authenticate", `Bearer realm="spacewasm"`)
	}
	if err != nil {
		return err
	}
	if isUpgrade(r.Header) {
		return space.Errorf(space.CodeUpgradeUnsupported,
			"a Micro runs for one request and cannot take WebSockets or other upgrades")
	}
	r = g.timed(r, owner)
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath = path.decoded, path.raw
	if g.foreignCookies(r, stay) {
		inner.Header.Del("Cookie")
	}
	g.clean(inner, app.App)
	w.inner = inner
	cookies := w.Header()["Set-Cookie"]
	w.Header().Del("Set-Cookie")
	w.part = ""
	return g.serve(&microWriter{ResponseWriter: w, micro: route.Micro, cookies: cookies}, inner, route, g.follows(r, owner))
}

// log writes the line of the access log.
func (g *Gateway) log(r *http.Request, out *recorder, took time.Duration, e *space.Error) {
	level := levelOf(e)
	if !g.config.Logger.Enabled(r.Context(), level) {
		return
	}
	var room [11]slog.Attr // all that there may be
	attrs := append(
		room[:0],
		slog.String("request", string(out.id)),
		slog.String("method", r.Method),
		slog.String("host", r.Host),
		slog.String("path", r.URL.Path),
		slog.Int("status", out.answered(e)),
		slog.Int64("bytes", out.bytes),
		slog.Duration("took", took),
	)
	if u := &out.usage; u.Requests > 0 {
		attrs = append(attrs, slog.Uint64("fuel", u.Fuel), slog.Duration("ran", u.Run))
	}
	if e != nil {
		attrs = append(attrs, slog.String("code", string(e.Code)))
	}
	if level > slog.LevelInfo { // else the code says it all
		attrs = append(attrs, slog.Any("error", e.Err))
	}
	// The line is from here: a logger would ask for the stack of each to find out.
	line := slog.NewRecord(time.Now(), level, "request", 0)
	line.AddAttrs(attrs...)
	// A log that cannot be written has nowhere to say so.
	_ = g.config.Logger.Handler().Handle(r.Context(), line)
}

// levelOf tells how much an operator has to do with the outcome of a request.
func levelOf(e *space.Error) slog.Level {
	switch {
	case e == nil:
		return slog.LevelInfo
	case e.Code == space.CodeInternal:
		return slog.LevelError
	case e.Code == space.CodeNodeFull || e.Code == space.CodeQueueFull:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	id     space.RequestID
	usage  space.Usage
	part   telemetry.Part // that answers; "" is none, but a Micro
	wrote  bool
	status int
	bytes  int64
	// For whom it was, as far as that came out.
	app   *registry.App
	micro string
	inner *http.Request // what the Micro was asked
}

// answered is the status of the answer, or the one that it would have had.
func (o *recorder) answered(e *space.Error) int {
	if o.status == 0 && e != nil {
		return e.Code.Status()
	}
	return o.status
}

func (o *recorder) WriteHeader(status int) {
	if !o.wrote && status >= 200 {
		o.wrote, o.status = true, status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *recorder) Write(p []byte) (int, error) {
	if !o.wrote {
		o.wrote, o.status = true, http.StatusOK
	}
	n, err := o.ResponseWriter.Write(p)
	o.bytes += int64(n)
	return n, err
}

// Flush lets handlers that ask for an [http.Flusher] stream.
func (o *recorder) Flush() {
	// Who cannot flush writes through at once or at the end.
	_ = http.NewResponseController(o.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (o *recorder) Unwrap() http.ResponseWriter { return o.ResponseWriter }
