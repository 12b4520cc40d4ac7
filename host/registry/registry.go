// Package registry is the live table: which app answers now. It is an immutable
// value behind one atomic pointer, so that a request finds its app without a
// lock, and never sees half of a change.
package registry

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// Server is a live Micro: the one door through which it is asked anything. If
// Serve returns an error it has written nothing, unless the error says
// Committed. Close frees the Micro; no Serve runs then.
type Server interface {
	// Usage is what all requests have used since the app went live.
	Usage() space.Usage
	Serve(w http.ResponseWriter, r *http.Request) error
	Close(ctx context.Context) error
}

// Route is one Micro of a live app.
type Route struct {
	Micro  space.Micro
	Server Server
	// Meter takes the Micro's figures. It is the registry's to set, as it stays when the
	// app is replaced.
	Meter *telemetry.Meter
}

// App is a live app. It is immutable once published.
type App struct {
	App      space.App
	Revision space.Revision
	Routes   []Route
	// Snapshots names what its Micros start from, for who sweeps what nobody needs.
	Snapshots []string
	// Secrets are the app's keys and the values of its variables, which nothing that is
	// kept of a request may show.
	Secrets []string
	// Failed says why the app does not run, "" when it does. A failed app has no
	// routes.
	Failed string
	// Wanted is nil but for an app that is still being prepared, and has no routes
	// yet: it is to be called when somebody waits for the app.
	Wanted func()
}

// live is an app in the table, with the count of those that use it.
type live struct {
	app  *App
	mu   sync.Mutex
	used int
	gone bool
	idle chan struct{} // closed once it is gone and nobody uses it
}

type table = map[space.AppName]*live

// Registry is safe for concurrent use.
type Registry struct {
	table  atomic.Pointer[table]
	write  sync.Mutex // held while the table is replaced
	drains sync.WaitGroup
	micros *telemetry.Micros // nil keeps no figures

	changed chan struct{} // closed at the next change; nil if nobody watches. Guarded by write
}

// New returns an empty registry, which keeps no figures.
func New() *Registry { return NewMetered(nil) }

// NewMetered returns an empty registry, which tells micros of the Micros that come and go.
func NewMetered(micros *telemetry.Micros) *Registry {
	g := &Registry{micros: micros}
	g.table.Store(&table{})
	return g
}

// Acquire returns the live app with the name, and a function that is to be
// called when the caller is done with it: until then the app stays open, even if
// it is replaced.
func (g *Registry) Acquire(name space.AppName) (*App, func(), bool) {
	for {
		entry, ok := (*g.table.Load())[name]
		if !ok {
			return nil, nil, false
		}
		if entry.hold() {
			return entry.app, entry.letGo, true
		}
		// Replaced between the look and the hold: the table has its successor.
	}
}

// Apps returns the live apps by name.
func (g *Registry) Apps() []*App {
	entries := *g.table.Load()
	apps := make([]*App, 0, len(entries))
	for _, entry := range entries {
		apps = append(apps, entry.app)
	}
	slices.SortFunc(apps, func(a, b *App) int { return strings.Compare(string(a.App.Name), string(b.App.Name)) })
	return apps
}

// Watch returns what is closed at the next change of the table. Who asks for it before
// looking at [Registry.Apps] misses none.
func (g *Registry) Watch() <-chan struct{} {
	g.write.Lock()
	defer g.write.Unlock()
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	return g.changed
}

// Drain is an app that is not in the table any more, and may still be in use.
type Drain struct {
	App  *App            // nil if there was none
	Done <-chan struct{} // closed when the app has been closed
}

// Publish makes app the one that answers to its name. The app it replaces is
// closed once nobody uses it.
func (g *Registry) Publish(app *App) Drain {
	return g.replace(app.App.Name, &live{app: app, idle: make(chan struct{})})
}

// Remove takes an app out of the table, and closes it once nobody uses it.
func (g *Registry) Remove(name space.AppName) Drain {
	return g.replace(name, nil)
}

func (g *Registry) replace(name space.AppName, entry *live) Drain {
	g.write.Lock()
	g.meter(name, entry)
	old := (*g.table.Load())[name]
	next := maps.Clone(*g.table.Load())
	if entry != nil {
		next[name] = entry
	} else {
		delete(next, name)
	}
	g.table.Store(&next)
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
	g.write.Unlock()

	done := make(chan struct{})
	if old == nil {
		close(done)
		return Drain{Done: done}
	}
	old.retire()
	g.drains.Go(func() {
		defer close(done)
		<-old.idle
		// What fails to close has been logged by its own room; the app is gone.
		_ = old.app.close(context.Background())
	})
	return Drain{App: old.app, Done: done}
}

// meter gives the Micros of an app that is about to be live their meters; nil is an app
// that is about to go. An app that does not run has them still.
func (g *Registry) meter(name space.AppName, entry *live) {
	if g.micros == nil {
		return
	}
	var names []string
	if entry != nil {
		for _, micro := range entry.app.Revision.Micros {
			names = append(names, micro.Name)
		}
	}
	meters := g.micros.Live(string(name), names)
	if entry == nil {
		return
	}
	for i := range entry.app.Routes {
		route := &entry.app.Routes[i]
		if at := slices.Index(names, route.Micro.Name); at >= 0 {
			route.Meter = meters[at]
		}
	}
}

// Close takes every app out of the table and waits until all are closed, or ctx
// ends.
func (g *Registry) Close(ctx context.Context) error {
	for name := range *g.table.Load() {
		g.Remove(name)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.drains.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *App) close(ctx context.Context) error {
	var errs []error
	for _, route := range a.Routes {
		errs = append(errs, route.Server.Close(ctx))
	}
	return errors.Join(errs...)
}

// hold counts a user, unless the app is gone.
func (l *live) hold() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return false
	}
	l.used++
	return true
}

func (l *live) letGo() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used--
	if l.gone && l.used == 0 {
		close(l.idle)
	}
}

func (l *live) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	if l.used == 0 {
		close(l.idle)
	}
}
