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
	// bundles is held shared while bundles come into need (a push, from staging to
	// record) or out of it (a removal), and whole while unneeded ones are swept.
	bundles sync.RWMutex
	// order is held while a revision is recorded and published, so that the table
	// and the store agree on which of two pushes was last.
	order sync.Mutex

	uploads *pool.Budget // how many run
	staged  *pool.Budget // their bytes on the disk

	backlog  *backlog    // the apps that are to be prepared
	restored atomic.Bool // the registry knows all apps

	mu       sync.Mutex
	draining []<-chan struct{} // removed apps, each closed when drained
	owed     bool              // a sweep has something to do
	wake     chan struct{}     // holds a token when the sweeper is to look
}

// New returns a deployer. [Deployer.Run] sweeps behind it.
func New(config Config) *Deployer {
	return &Deployer{
		config: config, wake: make(chan struct{}, 1), backlog: newBacklog(),
		uploads: pool.NewBudget(cmp.Or(config.Uploads, DefaultUploads)),
		staged:  pool.NewBudget(cmp.Or(config.UploadBytes, DefaultUploadBytes)),
	}
}

// Push deploys the bundle that body holds as the app's newest revision. media is
// the request's content type. If it fails, what ran goes on, and nothing of the
// bundle is left.
func (d *Deployer) Push(ctx context.Context, name space.AppName, media string, body io.Reader) (*registry.App, error) {
	upload, err := d.admit(ctx)
	if err != nil {
		return nil, store.Explain(err)
	}
	defer upload.end()
	app, err := d.push(ctx, name, media, body, upload)
	return app, store.Explain(err)
}

func (d *Deployer) push(ctx context.Context, name space.AppName, media string, body io.Reader, upload *intake) (*registry.App, error) {
	d.bundles.RLock()
	defer d.sweepOwed()
	defer d.bundles.RUnlock()
	staging, err := d.config.Store.Blobs().Stage()
	if err != nil {
		return nil, err
	}
	defer d.closeQuietly("staging folder", staging)
	file, err := d.receive(ctx, name, media, body, staging, upload.take)
	if err != nil {
		return nil, err
	}
	parts, err := d.build(ctx, file, staging)
	if err != nil {
		d.oweSweep() // of the Micros that were fine
		return nil, err
	}
	return d.activate(ctx, name, parts)
}

// activate records the revision and publishes it. The parts become the app's.
func (d *Deployer) activate(ctx context.Context, name space.AppName, parts []part) (*registry.App, error) {
	app, err := d.settle(ctx, name, parts)
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
func (d *Deployer) settle(ctx context.Context, name space.AppName, parts []part) (*registry.App, error) {
	const tries = DefaultUploads // each that fails is one that another's push has won
	for try := 1; ; try++ {
		planned, err := d.config.Store.Plan(ctx, name)
		if err == nil {
			planned, err = d.open(planned)
		}
		if err != nil {
			return nil, err
		}
		if err := d.initialise(ctx, planned, parts); err != nil {
			return nil, err
		}
		for _, p := range parts {
			planned.Revision.Micros = append(planned.Revision.Micros, p.micro)
		}
		app, err := d.publish(ctx, planned, parts)
		if errors.Is(err, store.ErrOvertaken) && try < tries {
			continue
		}
		if errors.Is(err, store.ErrOvertaken) {
			return nil, &space.Error{
				Code: space.CodePreparing, Message: "others push to the app all the time: try again when they have ended", Err: err,
			}
		}
		if err == nil {
			d.logInitialisers(name, parts)
			d.oweSweep() // of the snapshots of the revision before
		}
		return app, err
	}
}

// publish records a revision, if there is room for its bundles, and has it answer.
func (d *Deployer) publish(ctx context.Context, planned store.Deployment, parts []part) (*registry.App, error) {
	d.order.Lock()
	defer d.order.Unlock()
	if err := d.fits(ctx, planned.Revision.Micros); err != nil {
		return nil, err
	}
	deployment, err := d.config.Store.Activate(ctx, planned)
	if err != nil {
		return nil, err
	}
	deployment.Env = planned.Env // of which nothing has changed, or it had been overtaken
	app := d.assemble(deployment, parts)
	d.config.Registry.Publish(app)
	return app, nil
}

// configure says what a live Micro is made of.
func (d *Deployer) configure(deployment store.Deployment, micro space.Micro) runner.Config {
	return runner.Config{
		Micro: micro, Wake: d.waker(deployment, micro), Env: d.env(deployment, micro),
		TmpDir: d.config.TmpDir, Limits: d.config.Limits, Node: d.config.Node, Log: d.config.Log(deployment.App.Name, micro.Name),
	}
}

// assemble makes a live app of a recorded revision and its parts. It cannot fail:
// the revision has been recorded.
func (d *Deployer) assemble(deployment store.Deployment, parts []part) *registry.App {
	app := &registry.App{App: deployment.App, Revision: deployment.Revision}
	for i := range parts {
		app.Routes = append(app.Routes, d.route(deployment, parts[i].micro, &parts[i].Awake))
	}
	return app
}

// route makes a live Micro, of what it needs, or asleep if that is nil.
func (d *Deployer) route(deployment store.Deployment, micro space.Micro, awake *runner.Awake) registry.Route {
	config := d.configure(deployment, micro)
	config.Awake = awake
	return registry.Route{Micro: micro, Server: runner.New(config)}
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
		return space.Errorf(space.CodeNotFound, "there is no app %q", name)
	}
	if err != nil {
		return store.Explain(err)
	}
	drained := d.config.Registry.Remove(name)
	d.mu.Lock()
	d.draining = append(d.draining, drained)
	d.owed = true
	d.mu.Unlock()
	return nil
}

// oweSweep notes that a bundle may have been stored in vain.
func (d *Deployer) oweSweep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owed = true
}

// sweepOwed wakes the sweeper, if there is something for it to do.
func (d *Deployer) sweepOwed() {
	d.mu.Lock()
	owed := d.owed
	d.mu.Unlock()
	if !owed {
		return
	}
	select {
	case d.wake <- struct{}{}:
	default: // it has been told already
	}
}

// Run sweeps the bundles that no revision needs, at first and after removed apps
// have drained, until ctx ends.
func (d *Deployer) Run(ctx context.Context) error {
	for {
		for _, drained := range d.takeDraining() {
			select {
			case <-drained:
			case <-ctx.Done():
				return nil
			}
		}
		if err := d.sweep(ctx); err != nil && ctx.Err() == nil {
			d.config.Logger.Warn("cannot sweep bundles", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		}
	}
}

func (d *Deployer) takeDraining() []<-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.draining
	d.draining = nil
	return taken
}

// sweep removes unneeded bundles and snapshots, unless a push runs, or an app was removed since
// the last look, whose requests may still read theirs: then a later sweep does
// it. It waits for no push, as a slow upload would make all others wait for it.
func (d *Deployer) sweep(ctx context.Context) error {
	if !d.bundles.TryLock() {
		d.mu.Lock()
		d.owed = true
		d.mu.Unlock()
		return nil // the push wakes the sweeper when it ends
	}
	defer d.bundles.Unlock()
	d.mu.Lock()
	draining := len(d.draining)
	d.owed = draining > 0
	d.mu.Unlock()
	if draining > 0 {
		return nil // and wake holds a token
	}
	needed, err := d.config.Store.Bundles(ctx)
	if err != nil {
		return err
	}
	return errors.Join(d.config.Store.Blobs().Sweep(needed), d.sweepSnapshots(ctx), d.sweepCode())
}

func (d *Deployer) closeQuietly(what string, c io.Closer) {
	if err := c.Close(); err != nil {
		d.config.Logger.Warn("cannot remove "+what, "error", err)
	}
}

// fileKey names a Micro's file in a fault.
func fileKey(src, file string) string { return strings.TrimPrefix(src+"/"+file, "./") }
