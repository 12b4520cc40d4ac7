package bench

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Load is how a server answered under an open load: requests are due at a steady rate,
// whether or not the ones before have been answered, and what each took is counted from
// when it was due. So a server that stands still for a moment is charged for all who
// would have come meanwhile (no coordinated omission).
type Load struct {
	// Rate is how many requests a second were due, and Achieved how many were answered.
	Rate, Achieved float64
	// Due is the number of requests, Failed of those that got an error, and Unsent of
	// those that found too many others waiting.
	Due, Failed, Unsent int64
	Took                Sample
}

// outstanding is how many requests may wait for their answers at a time.
const outstanding = 512

// offer has the server answer requests that are due at a rate, and adds to the load.
func (l *Load) offer(ctx context.Context, s *server, duration time.Duration) error {
	interval := time.Duration(float64(time.Second) / l.Rate)
	places := make(chan struct{}, outstanding)
	var mu sync.Mutex
	var failed atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	count := int64(duration / interval)
	for i := range count {
		due := began.Add(time.Duration(i) * interval)
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		if ctx.Err() != nil {
			break
		}
		select {
		case places <- struct{}{}:
		default:
			l.Unsent++
			continue
		}
		group.Go(func() {
			defer func() { <-places }()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
			if err == nil {
				err = s.send(r)
			}
			took := time.Since(due)
			if err != nil {
				failed.Add(1)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			l.Took.Add(took)
		})
	}
	group.Wait()
	l.Due += count
	l.Failed += failed.Load()
	return ctx.Err()
}

// measureLoad has the servers answer under load, in turns.
func measureLoad(ctx context.Context, options Options, sessions []*session, results []*Result) error {
	const slices = 4
	slice := options.LoadTime / slices
	for i, x := range sessions {
		ours, stock := results[i].affordable()
		results[i].Load = &Load{Rate: cmp.Or(options.Rate, ours)}
		if x.theirs != nil {
			results[i].LoadStock = &Load{Rate: cmp.Or(options.Rate, stock)}
		}
	}
	for turn := range slices {
		for i, x := range sessions {
			options.Progress("load", float64(turn)/slices)
			if err := results[i].Load.offer(ctx, x.ours, slice); err != nil {
				return err
			}
			if x.theirs != nil {
				if err := results[i].LoadStock.offer(ctx, x.theirs, slice); err != nil {
					return err
				}
			}
		}
	}
	for _, r := range results {
		for _, l := range []*Load{r.Load, r.LoadStock} {
			if l != nil {
				l.Achieved = float64(l.Took.Count()) / options.LoadTime.Seconds()
			}
		}
	}
	options.Progress("load", 1)
	return nil
}

// affordable is half of what the processors get through by the medians of warm
// requests, of which the client has its part.
func (r *Result) affordable() (ours, stock float64) {
	half := float64(runtime.GOMAXPROCS(0)) / 2
	for _, s := range r.Stages {
		if s.Name == "warm" {
			ours, stock = half/s.Ours.Quantile(0.5).Seconds(), half/s.Stock.Quantile(0.5).Seconds()
		}
	}
	return max(ours, 1), max(stock, 1)
}
