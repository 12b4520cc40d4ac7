// Package profile finds out where a live Micro spends its time, and writes that down for
// people: as a file of pprof, and as the tree of a flame graph.
package profile

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

// The bounds of how long a profile takes.
const (
	DefaultTime = 10 * time.Second
	MaxTime     = time.Minute
)

// program is a Micro that can be profiled: not one of files only.
type program interface {
	// Profile samples what the Micro does until ctx ends.
	Profile(ctx context.Context) (wasi.Profiled, error)
}

var _ program = (*runner.Micro)(nil)

// Profiler profiles the Micros of a node, one at a time. It is safe for concurrent use.
type Profiler struct {
	registry *registry.Registry
	turn     chan struct{} // holds who profiles
}

// New returns a profiler of what is live in a registry, which stays the caller's.
func New(live *registry.Registry) *Profiler {
	return &Profiler{registry: live, turn: make(chan struct{}, 1)}
}

// Profile is what was found.
type Profile struct {
	App      space.AppName
	Micro    string
	Revision int
	Began    time.Time
	Took     time.Duration
	// Replaced says that it ended early, as the app was pushed again, or removed.
	Replaced bool
	// Requests is how many began in an instance that was sampled; Samples of those there
	// are so many.
	Requests, Samples int64
	Stacks            []wasi.Sample
}

// Note says why there is nothing to see, "" if there is.
func (p *Profile) Note() string {
	switch {
	case p.Requests == 0:
		return "nothing ran: the Micro runs only while somebody asks for it; send it requests while the profile is taken"
	case p.Samples == 0:
		return "the requests were too short, and too few, to be sampled: send more of them while the profile is taken"
	}
	return ""
}

// Run profiles a Micro of an app for some time, until ctx ends, or the app is replaced. ""
// is the app's only program. The error is a [*space.Error], or the context's.
func (p *Profiler) Run(ctx context.Context, app space.AppName, micro string, most time.Duration) (*Profile, error) {
	live, release, ok := p.registry.Acquire(app)
	if !ok {
		return nil, space.Errorf(space.CodeNotFound, "there is no app %q", app)
	}
	release() // a profile must not keep a replaced revision open
	name, program, err := find(live, micro)
	if err != nil {
		return nil, err
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	default:
		return nil, space.Errorf(space.CodeQueueFull, "the server takes another profile, and one at a time: try again when that is over")
	}
	found := &Profile{App: app, Micro: name, Revision: live.Revision.Number}
	if err := p.sample(ctx, live, program, most, found); err != nil {
		return nil, err
	}
	return found, ctx.Err()
}

// sample profiles a program.
func (p *Profiler) sample(ctx context.Context, live *registry.App, program program, most time.Duration, found *Profile) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	replaced := make(chan bool, 1)
	go func() { replaced <- p.watch(ctx, live, cancel) }()
	found.Began = time.Now()
	sampled, err := program.Profile(ctx)
	found.Took = time.Since(found.Began)
	cancel()
	found.Replaced = <-replaced
	if errors.Is(err, runner.ErrProfiling) {
		return space.Errorf(space.CodeQueueFull, "%v", err)
	}
	if err != nil {
		return space.Internal(err)
	}
	found.Requests, found.Samples, found.Stacks = sampled.Requests, sampled.Samples, sampled.Stacks
	return nil
}

// watch ends the profile when the app is replaced, and tells whether it was.
func (p *Profiler) watch(ctx context.Context, live *registry.App, end func()) bool {
	replaced := p.registry.Changes(ctx, live.App.Name, func(now *registry.App) bool { return now == live })
	if replaced {
		end()
	}
	return replaced
}

// find returns a Micro of an app that is a program.
func find(app *registry.App, micro string) (string, program, error) {
	if app.Failed != "" {
		return "", nil, space.Errorf(space.CodeRefused, "the app %s does not run: %s", app.App.Name, app.Failed)
	}
	if len(app.Routes) == 0 {
		return "", nil, space.Errorf(space.CodePreparing, "the app %s is being prepared; try again in a moment", app.App.Name)
	}
	var names []string
	programs := map[string]program{}
	for _, route := range app.Routes {
		runs, ok := route.Server.(program)
		if !ok && route.Micro.Name == micro {
			return "", nil, space.Errorf(space.CodeBadRequest, "the Micro %s is static: it has files and no program", micro)
		}
		if ok {
			names, programs[route.Micro.Name] = append(names, route.Micro.Name), runs
		}
	}
	switch {
	case len(names) == 0:
		return "", nil, space.Errorf(space.CodeBadRequest, "the app %s is static: it has files and no program", app.App.Name)
	case micro == "" && len(names) == 1:
		micro = names[0]
	case micro == "":
		return "", nil, space.Errorf(space.CodeBadRequest, "the app %s has several Micros: say which, of %s", app.App.Name, strings.Join(names, ", "))
	}
	runs, ok := programs[micro]
	if !ok {
		return "", nil, space.Errorf(space.CodeNotFound, "the app %s has no Micro %.40q: it has %s", app.App.Name, micro, strings.Join(names, ", "))
	}
	return micro, runs, nil
}
