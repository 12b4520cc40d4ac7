// Package host is the server: it opens the parts in their order, runs them, and
// closes them in reverse.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/api"
	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/console"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/disk"
	"github.com/spacewasm/spacewasm/host/domains"
	"github.com/spacewasm/spacewasm/host/door"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/machine"
	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/profile"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/scribe"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/host/telemetry"
	"github.com/spacewasm/spacewasm/wasi"
)

// Host is an open server. Run it once, then close it.
type Host struct {
	config   Config
	store    *store.Store
	reserve  *disk.Reserve
	logs     *logs.Store
	reports  *reports.Store
	engine   *wasi.Engine
	keys     keys
	registry *registry.Registry
	deployer *deploy.Deployer
	schedule *schedule.Scheduler
	book     *activity.Book
	desk     *coldstart.Desk
	customs  *domains.Keeper
	restored chan struct{} // closed when the registry knows all apps
	shares   Shares
	node     runner.Node
	tmp      *pool.Budget // of node, without the disk's reserve
	// descriptors and mappings are those of node.
	descriptors, mappings *pool.Budget
	door                  *door.Door
	server                *http.Server
	metrics               *telemetry.Metrics
	noted                 bool   // requests are, in the journal
	visits                visits // none if nothing is noted
	tracer                *telemetry.Tracer
	state                 state
	drain                 context.CancelFunc // ends the streams
}

// Open opens the data directory and the listener. Nothing is answered before
// [Host.Run].
func Open(ctx context.Context, config Config) (*Host, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	return openWatched(ctx, config, watch{metrics: telemetry.New(config.Version), journal: true})
}

// watch is what a server writes down of requests.
type watch struct {
	metrics *telemetry.Metrics
	journal bool // the request log, the reports, and what the console shows of requests
}

// openWatched is Open with what is written down.
func openWatched(ctx context.Context, config Config, w watch) (*Host, error) {
	h := &Host{
		config: config, metrics: w.metrics, noted: w.journal, registry: registry.NewMetered(w.metrics.Micros), restored: make(chan struct{}),
		state: state{checks: config.Checks},
	}
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *Host) open(ctx context.Context) error {
	if err := machine.NoCoreDumps(); err != nil {
		h.config.Logger.Warn("a crash may leave a copy of the server's memory", "error", err)
	}
	var err error
	if h.store, err = store.Open(ctx, h.config.Data); err != nil {
		return err
	}
	if h.reserve, err = disk.Open(h.config.Data, h.config.Storage.Reserve); err != nil {
		return err
	}
	if h.keys, err = openKeys(h.config); err != nil {
		return err
	}
	if h.engine, err = openEngine(ctx, h.config, h.keys.cache, h.reserve, h.metrics.Work.Compiled); err != nil {
		return err
	}
	h.state.checks = append(slices.Clone(h.state.checks), h.roomy)
	if err := h.share(); err != nil {
		return err
	}
	guard, err := access.Open(filepath.Join(h.config.Data, "token"))
	if err != nil {
		return err
	}
	keeper, err := access.NewKeeper(ctx, guard, h.store)
	if err != nil {
		return err
	}
	if err := h.openLogs(ctx); err != nil {
		return err
	}
	tmp := filepath.Join(h.config.Data, "tmp")
	if err := wasi.EmptyTmp(tmp); err != nil {
		return err
	}
	if err := h.listen(ctx); err != nil {
		return err
	}
	if h.customs, err = domains.New(ctx, domains.Config{Store: h.store, Platform: h.domains(), BaseURL: h.BaseURL(), Logger: h.config.Logger}); err != nil {
		return err
	}
	h.deployer = deploy.New(deploy.Config{
		Store: h.store, Registry: h.registry, Engine: h.engine, Vault: h.keys.secrets, Limits: h.config.Limits, Node: h.node,
		TmpDir: tmp, Hostname: h.hostname, Log: h.logOf, Logger: h.config.Logger,
		UploadBytes: h.config.Storage.Uploads, BlobBytes: h.config.Storage.Blobs, Room: h.reserve.Take,
		Pushed: h.pushed,
	})
	traces := h.config.Traces
	traces.Version = h.config.Version
	if h.tracer, err = telemetry.NewTracer(ctx, traces, h.config.Logger); err != nil {
		return err
	}
	h.metrics.Observe(h.sources())
	h.book = activity.New(time.Now)
	h.schedule = schedule.New(schedule.Config{
		Store: h.store, Registry: h.registry, Hostname: h.hostname, Places: h.shares.Fires, Logger: h.config.Logger,
		ByHand:  h.config.Dev != nil, // as the original's developer mode
		Journal: journal{h.logs, h.reports, h.book},
		Ended:   h.metrics.Work.Fired,
		Tracer:  h.tracer,
	})
	h.desk = coldstart.New(coldstart.Config{
		Registry: h.registry, Store: h.store, Measure: h.config.Measure, Bundle: h.store.Blobs().Open, Dir: tmp, Memory: h.node.Memory, Tmp: h.node.Tmp,
		Room: h.reserve.Take, Turn: h.engine.Turn, Now: time.Now, Logger: h.config.Logger,
	})
	h.serveWith(guard, keeper)
	return nil
}

// listen opens the listener. What a name such as localhost really means shows
// only now.
func (h *Host) listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", h.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", h.config.Listen, err)
	}
	h.door = door.New(listener, h.shares.Connections)
	if h.onLoopback() {
		return nil
	}
	if !h.config.InsecureListen {
		return beyondLoopback(h.door.Addr().String())
	}
	h.config.Logger.Warn("listening beyond loopback without TLS: whoever sees the traffic sees the admin token",
		"address", h.door.Addr().String())
	return nil
}

// serveWith makes the HTTP server.
func (h *Host) serveWith(guard *access.Guard, keeper *access.Keeper) {
	draining, drain := context.WithCancel(context.Background())
	h.drain = drain
	profiler := profile.New(h.registry)
	platform := api.New(api.Config{
		Registry: h.registry, Deployer: h.deployer, Logs: h.logs, Reports: h.reports, Schedule: h.schedule, Guard: guard, Keeper: keeper, URL: h.URL,
		Domains: h.customs, Profiler: profiler,
		Domain: h.config.Domain, Version: h.config.Version, BundleLimit: h.config.Limits.Bundle,
		Draining: draining.Done(), Logger: h.config.Logger,
	})
	pages := console.New(console.Config{
		Registry: h.registry, Deployer: h.deployer, Logs: h.logs, Reports: h.reports, Schedule: h.schedule, Keeper: keeper, Domains: h.customs, ColdStart: h.desk, Activity: h.book, Profiler: profiler,
		Bundle: h.store.Blobs().Open, URL: h.URL, BaseURL: h.BaseURL(), Version: h.config.Version, BundleLimit: h.config.Limits.Bundle,
		Draining: draining.Done(), Logger: h.config.Logger,
	})
	dev := h.config.Dev
	if dev == nil {
		dev = &Dev{}
	}
	var noted gateway.Journal
	if h.noted {
		book := journal{h.logs, h.reports, h.book}
		h.visits = newVisits(func(v *gateway.Visit) { book.write(v, "") })
		noted = h.visits
	}
	front := gateway.New(gateway.Config{
		Open: h.config.Dev != nil && h.onLoopback(), Trouble: dev.Trouble,
		Registry: h.registry, Guard: guard, Domains: h.domains(), Customs: h.customs, Loopback: h.onLoopback(),
		Logins: access.NewLogins(h.keys.sessions, guard.Generation, time.Now), Attempts: access.NewAttempts(time.Now),
		BaseURL: h.BaseURL(), AppURL: h.URL,
		TrustedProxies: h.config.TrustedProxies, Timing: h.config.Timing, Platform: platform, Console: pages, Runs: h.runs,
		Micros: h.metrics.Micros, Parts: h.metrics.Platform, Metrics: h.metrics.Handler(h.config.Logger), MetricsOpen: h.config.MetricsOpen, Tracer: h.tracer,
		Starting: h.state.starting, Ready: h.state.ready, Logger: h.config.Logger,
		Journal: noted,
	})
	h.server = &http.Server{
		Handler:   door.Brisk(front),
		ConnState: h.door.State,
		// "OPTIONS *" is the gateway's to refuse, as any other target that is no path.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               64 << 10,
		ErrorLog:                     slog.NewLogLogger(h.config.Logger.Handler(), slog.LevelWarn),
	}
}

// runs returns the newest runs of the actions of some of an app's Micros.
func (h *Host) runs(ctx context.Context, app space.AppName, micros []string, most int) ([]space.Run, error) {
	return h.schedule.Runs(ctx, store.RunQuery{App: app, Micros: micros, Limit: most})
}

// logOf returns where a Micro's words go.
func (h *Host) logOf(app space.AppName, micro string) runner.Log {
	return microLog{store: h.logs, app: string(app), micro: micro}
}

// Run answers requests until ctx ends, then drains: running requests finish, up
// to their deadline. What was live is restored meanwhile; ready is called once
// all of it is.
func (h *Host) Run(ctx context.Context, ready func()) error {
	group, running := errgroup.WithContext(ctx)
	if lines, ok := h.config.Logger.Handler().(*scribe.Handler); ok {
		group.Go(func() error { return lines.Run(running) })
	}
	if h.visits.Queue != nil {
		group.Go(func() error { return h.visits.Run(running) })
	}
	group.Go(func() error { return h.deployer.Run(running) })
	group.Go(func() error { return h.logs.Run(running) })
	group.Go(func() error { return h.reports.Run(running) })
	group.Go(func() error { return h.deployer.Prepare(running) })
	group.Go(func() error { return h.deployer.NoteUse(running) })
	group.Go(func() error { return h.node.Sleeper.Run(running) })
	group.Go(func() error { return h.desk.Run(running) })
	group.Go(func() error { return h.restore(running, ready) })
	group.Go(func() error { return h.fire(running) })
	group.Go(func() error {
		if err := h.server.Serve(h.door); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-running.Done()
		return h.shutdown(ctx)
	})
	return group.Wait()
}

// restore brings back what was live. A server that is told to end meanwhile has
// not failed.
func (h *Host) restore(ctx context.Context, ready func()) error {
	err := h.deployer.Restore(ctx)
	select {
	case <-ctx.Done():
		return nil
	default:
	}
	if err != nil {
		return fmt.Errorf("restore the apps: %w", err)
	}
	if err := h.schedule.Open(ctx); err != nil {
		h.config.Logger.Error("cannot take up Scheduled Actions; trying again", "error", err)
	}
	h.state.advance(serving)
	close(h.restored)
	ready()
	return nil
}

// fire runs Scheduled Actions once all apps are there.
func (h *Host) fire(ctx context.Context) error {
	select {
	case <-h.restored:
		return h.schedule.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// shutdown tells probers, ends the streams, goes on for the drain delay, and then
// ends the queues, refuses what is new and waits for what runs. asked is over if
// the server was asked to end, rather than that a part of it failed.
func (h *Host) shutdown(asked context.Context) error {
	h.state.advance(draining)
	h.drain()
	if asked.Err() != nil {
		// Nothing but the end of the process cuts it short: a second signal does that.
		time.Sleep(h.config.DrainDelay)
	}
	h.node.Gate.Close()
	// Longer than any request may take: to run, and to be written.
	patience := h.config.Limits.Timeout + h.config.Limits.QueueWait + 10*time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		// What is left never ends by itself, such as a client that stopped sending.
		h.config.Logger.Warn("cut the connections that did not drain", "after", patience, "error", err)
		return h.server.Close()
	}
	return nil
}

// Close frees everything, in the reverse order of opening. It is idempotent.
func (h *Host) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var errs []error
	if h.door != nil {
		if err := h.door.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, h.registry.Close(ctx))
	if err := h.tracer.Close(ctx); err != nil { // a collector that is away is no failure of ours
		h.config.Logger.Warn("traces are lost", "error", err)
	}
	if h.engine != nil {
		errs = append(errs, h.engine.Close(ctx))
	}
	if h.reports != nil {
		errs = append(errs, h.reports.Close())
	}
	if h.logs != nil {
		errs = append(errs, h.logs.Close())
	}
	if h.store != nil {
		errs = append(errs, h.store.Close())
	}
	return errors.Join(errs...)
}
