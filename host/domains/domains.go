// Package domains knows at which hosts of their owners' own apps answer. What requests are
// asked about is an immutable table behind one atomic pointer; the store keeps it.
package domains

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Config is what a keeper is made of.
type Config struct {
	Store *store.Store
	// Platform are the platform's hosts, in lower case: they and what is below them are
	// apps' built-in hosts, and no app's to choose.
	Platform []string
	// BaseURL is the platform's address, whose scheme and port domains have too.
	BaseURL string
	// Logger is told of domains that are the platform's own; nil is nobody.
	Logger *slog.Logger
}

// Keeper gives domains to apps and takes them away. A change is true of requests before it
// is answered. It is safe for concurrent use.
type Keeper struct {
	config Config
	// mu is held from a change to what the table has of it, so that an older list never
	// takes the place of a newer one.
	mu    sync.Mutex
	table atomic.Pointer[table]
}

// table never changes: a new one takes its place.
type table struct {
	hosts map[space.Domain]space.AppDomain    // those that are not shadowed
	apps  map[space.AppName][]space.AppDomain // all, by host
	// formers are who answered at the platform's hosts as at domains.
	formers map[space.Domain]store.Former
}

// newTable makes a table of all domains, by host, and of who was at the platform's.
func newTable(all []space.AppDomain, formers map[space.Domain]store.Former) *table {
	t := &table{
		hosts: make(map[space.Domain]space.AppDomain, len(all)), apps: map[space.AppName][]space.AppDomain{},
		formers: formers,
	}
	for _, d := range all {
		if d.Shadowed.IsZero() {
			t.hosts[d.Host] = d
		}
		t.apps[d.App] = append(t.apps[d.App], d)
	}
	return t
}

// without is the table less a host.
func (t *table) without(host space.Domain) *table {
	var rest []space.AppDomain
	for _, own := range t.apps {
		rest = append(rest, slices.DeleteFunc(slices.Clone(own), func(d space.AppDomain) bool { return d.Host == host })...)
	}
	return newTable(rest, t.formers)
}

// New returns a keeper that knows what the store has. Which domains are the platform's own
// hosts may have changed since.
func New(ctx context.Context, config Config) (*Keeper, error) {
	k := &Keeper{config: config}
	k.table.Store(newTable(nil, nil))
	if err := config.Store.SetPlatform(ctx, config.Platform, now()); err != nil {
		return nil, store.Explain(err)
	}
	if err := k.Reload(ctx); err != nil {
		return nil, err
	}
	k.warn(ctx)
	return k, nil
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// warn tells of the domains that are the platform's own, and do not count.
func (k *Keeper) warn(ctx context.Context) {
	if k.config.Logger == nil {
		return
	}
	table := k.table.Load()
	for _, app := range slices.Sorted(maps.Keys(table.apps)) {
		for _, d := range table.apps[app] {
			if !d.Shadowed.IsZero() {
				k.config.Logger.WarnContext(ctx, "a domain of an app has become this server's own or below it, and does not count: "+
					"remove it with `spacewasm domains APP rm HOST`, or start with another --domain or --public-url",
					"app", app, "host", d.Host)
			}
		}
	}
}

// Find returns whose a host is, which is in lower case and without a port. The platform's
// own are nobody's. The app may have gone: who asks compares the key.
func (k *Keeper) Find(host string) (space.AppDomain, bool) {
	d, ok := k.table.Load().hosts[space.Domain(host)]
	return d, ok
}

// Inherited tells of a host of the platform's, in lower case and without a port, whether
// another than the app was the last to answer there as at a domain of its own, and until
// when. All are others to the zero app, which is the platform.
func (k *Keeper) Inherited(host string, app space.App) (ended time.Time, ok bool) {
	f, ok := k.table.Load().formers[space.Domain(host)]
	if !ok || (!f.Heir && f.App == app.Name && f.Made.UnixMilli() == app.Created.UnixMilli()) {
		return time.Time{}, false
	}
	return f.Ended, true
}

// Of returns the domains of an app, by host, the shadowed ones among them.
func (k *Keeper) Of(app space.AppName) []space.AppDomain {
	return slices.Clone(k.table.Load().apps[app])
}

// URL is where a domain is reached, with a slash at its end: as the platform, by the same
// proxy and at the same port.
func (k *Keeper) URL(host space.Domain) string {
	u, err := url.Parse(k.config.BaseURL)
	if err != nil { // the host has checked it
		return "http://" + string(host) + "/"
	}
	address := string(host)
	if port := u.Port(); port != "" {
		address += ":" + port
	}
	return (&url.URL{Scheme: u.Scheme, Host: address, Path: "/"}).String()
}

// Add has an app answer at a host, and tells whether it did not before.
func (k *Keeper) Add(ctx context.Context, app space.AppName, host space.Domain) (added bool, _ error) {
	for _, own := range k.config.Platform {
		if host.IsWithin(own) {
			return false, space.Errorf(space.CodeBadRequest,
				"the domain %s is this server's own or below it, where apps have their built-in hosts: choose one that is yours alone", host)
		}
	}
	err := k.change(ctx, host, func() error {
		var err error
		added, err = k.config.Store.AddDomain(ctx, app, host, now())
		return err
	})
	if taken, ok := errors.AsType[*store.TakenError](err); ok {
		// Who may give domains to apps may see all apps.
		return false, space.Errorf(space.CodeRefused, "the domain %s is another app's, %s: remove it there first", host, taken.App)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, space.Errorf(space.CodeNotFound, "there is no app %q", app)
	case errors.Is(err, store.ErrTooMany):
		return false, space.Errorf(space.CodeRefused, "the app %s has %d domains already: remove one first", app, store.MaxDomains)
	}
	return added, store.Explain(err)
}

// Remove has an app not answer at a host any more.
func (k *Keeper) Remove(ctx context.Context, app space.AppName, host space.Domain) error {
	err := k.change(ctx, host, func() error { return k.config.Store.RemoveDomain(ctx, app, host) })
	if errors.Is(err, store.ErrNotFound) {
		return space.Errorf(space.CodeNotFound, "the app %s has no domain %s", app, host)
	}
	return store.Explain(err)
}

// Reload lets requests know what the store has, after others have changed it: with an app
// go its domains.
func (k *Keeper) Reload(ctx context.Context) error {
	return k.change(ctx, "", func() error { return nil })
}

// change makes a change of a host, and lets requests know what is so then. If that cannot
// be found out, nobody answers at the host: one that was removed must not go on.
func (k *Keeper) change(ctx context.Context, host space.Domain, do func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := do()
	// Also for who has gone, and after a failure: a commit may have come through.
	table, err := k.read(context.WithoutCancel(ctx))
	if err != nil {
		k.table.Store(k.table.Load().without(host))
		return fmt.Errorf("look what domains there are: %w", store.Explain(err))
	}
	k.table.Store(table)
	return changed
}

// read makes a table of what the store has.
func (k *Keeper) read(ctx context.Context) (*table, error) {
	all, err := k.config.Store.Domains(ctx, "")
	if err != nil {
		return nil, err
	}
	last, err := k.config.Store.PlatformFormers(ctx)
	if err != nil {
		return nil, err
	}
	formers := make(map[space.Domain]store.Former, len(last))
	for _, f := range last {
		formers[f.Host] = f
	}
	return newTable(all, formers), nil
}
