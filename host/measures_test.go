package host_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host"
)

// BenchmarkTelemetry compares a server that keeps no figures with one that does, and with one
// that is ready to follow requests beside and follows none. Several clients ask one after the
// other over the network of the machine, so that what else it does meets all of them. What the
// figures cost, and these with idle traces, is told in percent of the requests a second that
// these clients get.
func BenchmarkTelemetry(b *testing.B) {
	config := host.DefaultConfig()
	config.Listen, config.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	traced := config
	traced.Traces.On, traced.Traces.Endpoint, traced.Traces.Ratio = true, "http://127.0.0.1:1", 0
	var servers []*running
	for i, open := range []func(context.Context, host.Config) (*host.Host, error){host.OpenUnmeasured, host.Open, host.Open} {
		c := config
		if i == 2 {
			c = traced
		}
		c.Data = b.TempDir()
		s := run(b, c, open)
		defer s.stop()
		if err := s.push("hello", "hello"); err != nil {
			b.Fatal(err)
		}
		servers = append(servers, s)
	}
	askAll(b, servers) // which makes what is made once
	took := make([][]time.Duration, len(servers))
	for b.Loop() {
		for i, more := range askAll(b, servers) {
			took[i] = append(took[i], more...)
		}
	}
	for i, name := range []string{"figures-%", "figures-and-traces-%"} {
		b.ReportMetric(100*(1-typical(took[0])/typical(took[i+1])), name)
	}
	b.ReportMetric(typical(took[0])*1e6, "µs/request")
}

// askAll has several clients ask each server so many times, and returns how long each took.
func askAll(b *testing.B, servers []*running) [][]time.Duration {
	const clients, requests = 2, 250
	took := make([][]time.Duration, len(servers))
	var mu sync.Mutex
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range requests {
				for _, i := range rand.Perm(len(servers)) {
					began := time.Now()
					status, text, err := servers[i].ask(context.Background(), http.MethodGet, "hello", "/", nil)
					if err != nil || status != http.StatusOK {
						b.Error(status, text, err)
						return
					}
					mu.Lock()
					took[i] = append(took[i], time.Since(began))
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return took
}

// typical is the lower quartile, in seconds: what else the machine does makes requests slower,
// and never faster.
func typical(took []time.Duration) float64 {
	slices.Sort(took)
	return took[len(took)/4].Seconds()
}
