// Package deploy takes a bundle in and brings an immutable revision out: it
// checks, stores and compiles the bundle, records the revision and publishes it.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/host/vault"
	"github.com/spacewasm/spacewasm/wasi"
)

// Config is what deploying needs; all of it stays the caller's.
type Config struct {
	Store    *store.Store
	Registry *registry.Registry
	Engine   *wasi.Engine
	Limits   space.Limits
	// Vault opens the apps' variables; nil opens none.
	Vault *vault.Vault
	// Node is what all Micros share.
	Node runner.Node
	// TmpDir is the host's folder for the executions' /tmp.
	TmpDir string
	// Hostname returns an app's host as its visitors type it, with a port that is
	// not the scheme's own.
	Hostname func(space.AppName) string
	// Log returns where a Micro's words go.
	Log    func(app space.AppName, micro string) runner.Log
	Logger *slog.Logger

	// Uploads is how many uploads the node takes at a time, and UploadBytes what they
	// may have on the disk together, beside the bundles; 0 means
	// [DefaultUploads] and [DefaultUploadBytes].
	Uploads, UploadBytes int64
	// BlobBytes bounds the bundles of all apps together, old revisions' with them; 0
	// has no bound.
	BlobBytes int64
	// Room tells whether n more bytes may go to the disk; nil always does.
	Room func(n int64) bool
	// Pushed is told of each push that has ended; nil is not.
	Pushed func(err error, took time.Duration)
}

// What a node takes of uploads at a time: two of the largest projects, packed and
// unpacked, or many small ones.
const (
	DefaultUploads     = 16
	DefaultUploadBytes = 5 << 30
)

// Deployer is safe for concurrent use.
type Deployer struct {
	config Config
	// bundles is held shared while bundles come into need (a push, from its build to
	// record; a rollback) or out of it (a removal), and whole while unneeded ones are
	// swept.
	bundles sync.RWMutex
	// order is held while a revision is recorded or activated again and published, so
	// that the table and the store agree on which of two pushes was last.
	order sync.Mutex

	uploads *pool.Budget // how many run
	staged  *pool.Budget // their bytes on the disk

	backlog  *backlog    // the apps that are to be prepared
	restored atomic.Bool // the registry knows all apps

	mu       sync.Mutex
	draining []registry.Drain // what was replaced or removed, the oldest first
	owed     bool             // a sweep has something to do
	wake     chan struct{}    // holds a token when the sweeper is to look
}

// New returns a deployer. [Deployer.Run] sweeps behind it.
func New(config Config) *Deployer {
	return &Deployer{
		config: config, wake: make(chan struct{}, 1), backlog: newBacklog(),
		uploads: pool.NewBudget(cmp.Or(config.Uploads, DefaultUploads)),
		staged:  pool.NewBudget(cmp.Or(config.UploadBytes, DefaultUploadBytes)),
	}
}

// Upload is a bundle on its way to an app.
type Upload struct {
	App space.AppName
	// Media is the request's content type.
	Media string
	// Author is the name of the token that it came with.
	Author string
	// Env is variables that are set for all Micros of the app together with the revision,
	// or not at all.
	Env  map[string]string
	Body io.Reader
}

// Push deploys the bundle that an upload brings as the app's newest revision. If it
// fails, what ran goes on, and nothing of the bundle is left.
func (d *Deployer) Push(ctx context.Context, u Upload) (_ *registry.App, err error) {
	if told := d.config.Pushed; told != nil {
		began := time.Now()
		defer func() { told(err, time.Since(began)) }()
	}
	room, err := d.admit(ctx, u.App)
	if err != nil {
		return nil, store.Explain(err)
	}
	defer room.end()
	app, err := d.push(ctx, u, room)
	return app, store.Explain(err)
}

func (d *Deployer) push(ctx context.Context, u Upload, room *intake) (*registry.App, error) {
	defer d.sweepOwed()
	staging, err := d.config.Store.Blobs().Stage()
	if err != nil {
		return nil, err
	}
	defer d.closeQuietly("staging folder", staging)
	// Sweeps go on meanwhile, as an upload may take hours.
	file, err := d.receive(ctx, u.App, u.Media, u.Body, staging, room.take)
	if err != nil {
		return nil, err
	}
	d.bundles.RLock()
	defer d.bundles.RUnlock()
	parts, err := d.build(ctx, file, staging)
	if err != nil {
		d.oweSweep() // of the Micros that were fine
		return nil, err
	}
	return d.activate(ctx, u, parts)
}

// activate records the revision and publishes it. The parts become the app's.
func (d *Deployer) activate(ctx context.Context, u Upload, parts []part) (*registry.App, error) {
	app, err := d.settle(ctx, u, parts)
	if err != nil {
		closeAll(ctx, parts)
		d.oweSweep()
		return nil, err
	}
	return app, nil
}

// settle initialises the parts as the app's next revision, and makes them that. If
// others have changed the app meanwhile, it begins again: what an initialiser sees
// of its app is so.
func (d *Deployer) settle(ctx context.Context, u Upload, parts []part) (*registry.App, error) {
	for try := 1; ; try++ {
		planned, set, err := d.planPush(ctx, u, parts)
		if err != nil {
			return nil, err
		}
		if err := d.initialise(ctx, planned, parts); err != nil {
			return nil, err
		}
		for _, p := range parts {
			planned.Revision.Micros = append(planned.Revision.Micros, p.micro)
		}
		app, err := d.publish(ctx, planned, set, parts)
		if errors.Is(err, store.ErrOvertaken) && try < tries {
			continue
		}
		if errors.Is(err, store.ErrOvertaken) {
			return nil, overtaken(err)
		}
		if err == nil {
			d.logInitialisers(u.App, parts)
			d.oweSweep() // of the snapshots of the revision before
		}
		return app, err
	}
}

// tries is how often it is tried to change an app that others change too: each that
// fails is one that another has won.
const tries = DefaultUploads

// overtaken is the error of the last of them.
func overtaken(err error) error {
	return &space.Error{
		Code: space.CodePreparing, Message: "others push to the app all the time: try again when they have ended", Err: err,
	}
}

// publish records a revision with variables, if there is room for its bundles, and has it
// answer.
func (d *Deployer) publish(ctx context.Context, planned store.Deployment, set []store.Variable, parts []part) (*registry.App, error) {
	tell(ctx, Event{Stage: StageActivate})
	d.order.Lock()
	defer d.order.Unlock()
	if err := d.fits(ctx, planned.App.Name, planned.Revision.Micros); err != nil {
		return nil, err
	}
	deployment, err := d.config.Store.ActivateWith(ctx, planned, set)
	if err != nil {
		return nil, err
	}
	deployment.Env = planned.Env // of which nothing else has changed, or it had been overtaken
	app := d.assemble(deployment, parts)
	d.drain(d.config.Registry.Publish(app))
	return app, nil
}

// configure says what a live Micro is made of.
func (d *Deployer) configure(deployment store.Deployment, micro space.Micro) runner.Config {
	return runner.Config{
		Micro: micro, Wake: d.waker(deployment, micro), Env: d.env(deployment, micro),
		TmpDir: d.config.TmpDir, Limits: d.config.Limits.Within(micro.Limits), Isolation: micro.Isolation, Node: d.config.Node, Log: d.config.Log(deployment.App.Name, micro.Name),
	}
}

// assemble makes a live app of a recorded revision and its parts. It cannot fail:
// the revision has been recorded.
func (d *Deployer) assemble(deployment store.Deployment, parts []part) *registry.App {
	app := d.live(deployment)
	for i := range parts {
		app.Routes = append(app.Routes, d.route(deployment, parts[i].micro, &parts[i].Awake))
	}
	return app
}

// live is an app of a revision, without its Micros.
func (d *Deployer) live(deployment store.Deployment) *registry.App {
	app := &registry.App{App: deployment.App, Revision: deployment.Revision, Secrets: secrets(deployment)}
	for _, micro := range deployment.Revision.Micros {
		app.Snapshots = append(app.Snapshots, d.owner(deployment, micro))
	}
	return app
}

// route makes a live Micro, of what it needs, or asleep if that is nil.
func (d *Deployer) route(deployment store.Deployment, micro space.Micro, awake *runner.Awake) registry.Route {
	return registry.Route{Micro: micro, Server: d.server(deployment, micro, awake)}
}

// Remove deletes an app. Requests that run finish; then its bundles go too.
func (d *Deployer) Remove(ctx context.Context, name space.AppName) error {
	d.bundles.RLock()
	// In this order: a sweeper that is woken too early finds that it may not sweep.
	defer d.sweepOwed()
	defer d.bundles.RUnlock()
	d.order.Lock()
	defer d.order.Unlock()
	err := d.config.Store.Remove(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return noApp(name)
	}
	if err != nil {
		return store.Explain(err)
	}
	d.drain(d.config.Registry.Remove(name))
	return nil
}

func (d *Deployer) closeQuietly(what string, c io.Closer) {
	if err := c.Close(); err != nil {
		d.config.Logger.Warn("cannot remove "+what, "error", err)
	}
}

// fileKey names a Micro's file in a fault.
func fileKey(src, file string) string { return strings.TrimPrefix(src+"/"+file, "./") }
