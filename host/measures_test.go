package host_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/scribe"
)

// BenchmarkTelemetry compares a server that keeps no figures, writes nothing down of requests
// and has no log with one that keeps figures, one that has them, the request log, reports and
// the book of the console and writes its own access log to a file, as serve does, and one that
// has all of it and is ready to follow requests, of which it follows none. Several clients ask
// one after the other over the network of the machine, so that what else it does meets all of
// them. What each costs is told in percent of the requests a second that these clients get of
// the first one.
func BenchmarkTelemetry(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as serve has it
	bare := host.DefaultConfig()
	bare.Listen, bare.Logger = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	logging := bare
	logging.Logger = slog.New(scribe.New(logFile(b), func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }))
	traced := logging
	traced.Logger = slog.New(scribe.New(logFile(b), func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) }))
	traced.Traces.On, traced.Traces.Endpoint, traced.Traces.Ratio = true, "http://127.0.0.1:1", 0
	var servers []*running
	for _, watched := range []struct {
		config host.Config
		open   func(context.Context, host.Config) (*host.Host, error)
	}{{bare, host.OpenUnwatched}, {bare, host.OpenUnnoted}, {logging, host.Open}, {traced, host.Open}} {
		watched.config.Data = b.TempDir()
		s := run(b, watched.config, watched.open)
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
	for i, name := range []string{"figures-%", "figures-and-logs-%", "figures-logs-and-traces-%"} {
		b.ReportMetric(100*(1-typical(took[0])/typical(took[i+1])), name)
	}
	b.ReportMetric(typical(took[0])*1e6, "µs/request")
}

// logFile is where a server's own log goes.
func logFile(b *testing.B) *os.File {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
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
