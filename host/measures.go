package host

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// sources are what a scrape asks of the parts of the server.
func (h *Host) sources() telemetry.Sources {
	return telemetry.Sources{
		Memory: amount(h.node.Memory), Bodies: amount(h.node.Bodies), Code: amount(h.node.Code), Tmp: amount(h.tmp),
		Descriptors: amount(h.descriptors), Mappings: amount(h.mappings),
		Places: func() telemetry.Amount {
			taken, _ := h.node.Gate.Load()
			return telemetry.Amount{Used: int64(taken), Limit: int64(h.shares.Places)}
		},
		Queue: func() int {
			_, waiting := h.node.Gate.Load()
			return waiting
		},
		Connections: func() telemetry.Amount {
			return telemetry.Amount{Used: int64(h.door.Load()), Limit: int64(h.shares.Connections)}
		},
		Disk: func() (free, reserve int64, err error) {
			free, err = h.reserve.Free()
			return free, h.reserve.Least(), err
		},
		Blobs: kept(h.blobBytes), Logs: kept(h.logs.Bytes),
		Apps: h.appStates, Loads: h.loads,
	}
}

func amount(b *pool.Budget) func() telemetry.Amount {
	return func() telemetry.Amount { return telemetry.Amount{Used: b.Used(), Limit: b.Limit()} }
}

// kept asks no more than twice a minute, however often somebody scrapes.
func kept(ask func() (int64, error)) func() (int64, error) {
	const fresh = 30 * time.Second
	var mu sync.Mutex
	var at time.Time
	var last int64
	return func() (int64, error) {
		mu.Lock()
		defer mu.Unlock()
		if !at.IsZero() && time.Since(at) < fresh {
			return last, nil
		}
		n, err := ask()
		if err == nil {
			last, at = n, time.Now()
		}
		return n, err
	}
}

// blobBytes adds up the bundles that some revision needs.
func (h *Host) blobBytes() (int64, error) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	bundles, err := h.store.Bundles(ctx)
	var total int64
	for _, n := range bundles {
		total += n
	}
	return total, err
}

// appStates counts the apps by what they do.
func (h *Host) appStates() map[string]int {
	states := map[string]int{"running": 0, "failed": 0, "preparing": 0}
	for _, app := range h.registry.Apps() {
		states[stateOf(app)]++
	}
	return states
}

func stateOf(app *registry.App) string {
	switch {
	case app.Failed != "":
		return "failed"
	case app.Wanted != nil:
		return "preparing"
	}
	return "running"
}

// loads tells what each live Micro has. Those of files only have nothing.
func (h *Host) loads(tell func(*telemetry.Meter, telemetry.Load)) {
	for _, app := range h.registry.Apps() {
		for _, route := range app.Routes {
			if m, ok := route.Server.(*runner.Micro); ok {
				tell(route.Meter, m.Load())
			}
		}
	}
}

// pushed counts a push that has ended.
func (h *Host) pushed(err error, took time.Duration) {
	result := telemetry.ResultOK
	if e, known := errors.AsType[*space.Error](err); known && e.Code.Status() < http.StatusInternalServerError {
		result = telemetry.ResultRefused
	} else if err != nil {
		result = telemetry.ResultFailed
	}
	h.metrics.Work.Pushed(result, took)
}
