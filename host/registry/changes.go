package registry

import (
	"context"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Changes waits until an app is not any more what same says it is, and tells whether that came
// before ctx ended. It looks four times a second, holds no revision open, and hands nil over
// for an app that is gone.
func (g *Registry) Changes(ctx context.Context, name space.AppName, same func(now *App) bool) bool {
	const look = 250 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
		now, release, ok := g.Acquire(name)
		if ok {
			release()
		}
		if !same(now) {
			return true
		}
	}
}
