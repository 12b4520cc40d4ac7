package deploy

import (
	"context"
	"maps"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// NoteUse records once a minute which apps have been asked for since, and at last when
// ctx ends. The next start goes by it where apps are to be prepared anew.
func (d *Deployer) NoteUse(ctx context.Context) error {
	const patience = 5 * time.Second
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	noted := map[space.AppName]time.Time{}
	for {
		select {
		case <-ticker.C:
			d.noteUse(ctx, noted)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			d.noteUse(last, noted)
			return nil
		}
	}
}

// noteUse records what is not noted yet. It is not worth the disk's reserve.
func (d *Deployer) noteUse(ctx context.Context, noted map[space.AppName]time.Time) {
	used := map[space.AppName]time.Time{}
	for _, app := range d.config.Registry.Apps() {
		if last := lastUse(app); last.After(noted[app.App.Name]) {
			used[app.App.Name] = last
		}
	}
	if len(used) == 0 || !d.room(0) {
		return
	}
	if err := d.config.Store.Touch(ctx, used); err != nil {
		d.config.Logger.Warn("cannot record which apps were used", "error", err)
		return
	}
	maps.Copy(noted, used)
}

// lastUse is when a live app was last asked for; zero if nobody has.
func lastUse(app *registry.App) time.Time {
	var last time.Time
	for _, route := range app.Routes {
		if at := route.Server.Usage().Last; at.After(last) {
			last = at
		}
	}
	return last
}
