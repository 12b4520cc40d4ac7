// Package telemetry is what operators see of a server with the tools that they have:
// figures for Prometheus, and traces for OpenTelemetry. It asks nobody above it: what
// it shows it is told, or gets by functions that it was given.
package telemetry

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// namespace begins the name of each of our own figures.
const namespace = "spacewasm"

// Metrics are the figures of a server. What is told of a request costs a few atomic
// additions, and neither takes memory nor looks anything up by a text. It is safe for
// concurrent use; the zero value keeps no figures.
type Metrics struct {
	// Micros are the figures of each Micro, and of all requests.
	Micros *Micros
	// Instances are those of the making and ending of instances.
	Instances *Instances
	// Platform are those of requests that no Micro was asked.
	Platform *Platform
	// Work is what owners and the clock have the server do.
	Work *Work

	registry *prometheus.Registry
}

// New returns the figures of a server of a version.
func New(version string) *Metrics {
	m := &Metrics{
		Micros: newMicros(), Instances: newInstances(), Platform: newPlatform(), Work: newWork(), registry: prometheus.NewRegistry(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Is 1; its label is the server's version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		build, m.Micros, m.Instances, m.Platform, m.Work,
	)
	return m
}

// Observe has each scrape ask these sources. It is called once.
func (m *Metrics) Observe(sources Sources) {
	if m.registry != nil {
		m.registry.MustRegister(&observer{sources: sources})
	}
}

// Gatherer is what the figures are read from.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Handler answers scrapes. Who may scrape is its caller's to decide.
func (m *Metrics) Handler(logger *slog.Logger) http.Handler {
	const atOnce = 4 // a scrape takes memory for all series
	if m.registry == nil {
		return http.NotFoundHandler()
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: atOnce,
	})
}

// vector returns a counter for each value of a label. All of them are there from the
// start, so that the first event is an increase too.
func vector[K ~string](name, help, label string, values []K) (*prometheus.CounterVec, map[K]prometheus.Counter) {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, []string{label})
	counters := make(map[K]prometheus.Counter, len(values))
	for _, value := range values {
		counters[value] = v.WithLabelValues(string(value))
	}
	return v, counters
}

// histogram describes one of times in seconds. buckets are for those who take no native
// histograms.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	const (
		factor = 1.2 // of one native bucket to the next
		most   = 80  // native buckets
	)
	return prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: factor, NativeHistogramMaxBucketNumber: most,
	}
}

// requestBuckets go from a reset instance that answers at once to the longest that a
// request runs.
func requestBuckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
}

// workBuckets are for what takes seconds: a compilation, a push.
func workBuckets() []float64 { return []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80} }
