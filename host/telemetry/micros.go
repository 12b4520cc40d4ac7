package telemetry

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxMicros is how many Micros have figures of their own. Those that come later share
// others' place.
const maxMicros = 1000

// other is what Micros without a place are called together. No app can have the name.
const other = "_other"

// The labels of a request that are no text of a client.
const (
	startStatic = "static" // files, which need no instance
	startNone   = "none"   // refused before there was one
)

// The places of the counters of a [Meter].
const (
	classes = 5 // of statuses, from 1xx
	starts  = 5
)

// Micros are the figures of requests, each Micro's and all of them together.
type Micros struct {
	latency  [starts]prometheus.Observer
	wait     prometheus.Observer
	refused  map[space.Code]prometheus.Counter
	strange  prometheus.Counter // codes that are not in the table
	vectors  []prometheus.Collector
	requests *prometheus.Desc
	fuel     *prometheus.Desc
	run      *prometheus.Desc
	calls    *prometheus.Desc

	mu   sync.Mutex
	apps map[string]map[string]*Meter // by app and Micro
	own  int                          // how many have a place of their own
	rest *Meter
}

var _ prometheus.Collector = (*Micros)(nil)

// Meter takes the figures of one Micro. A nil one takes none.
type Meter struct {
	app, micro string
	all        *Micros
	requests   [classes][starts]atomic.Uint64
	fuel       atomic.Uint64
	run        atomic.Int64 // nanoseconds
	calls      atomic.Int64
}

func newMicros() *Micros {
	micro := []string{"app", "micro"}
	m := &Micros{
		apps:     map[string]map[string]*Meter{},
		requests: describe("requests_total", "Requests to Micros, by the class of the status and how the instance came to be.", "app", "micro", "status", "start"),
		fuel:     describe("fuel_total", "What guests have computed, in about instructions.", micro...),
		run:      describe("guest_seconds_total", "The time for which guests have run, waits included.", micro...),
		calls:    describe("sqlite_calls_total", "Calls of SQLite by guests.", micro...),
	}
	m.rest = &Meter{app: other, micro: other, all: m}
	latency := prometheus.NewHistogramVec(histogram("request_duration_seconds",
		"The time of requests that an instance has served, from when their body was there, by how it came to be.", requestBuckets()), []string{"start"})
	for _, start := range []space.Start{space.StartReset, space.StartClone, space.StartLoad} {
		m.latency[startIndex(start, true)] = latency.WithLabelValues(string(start))
	}
	wait := prometheus.NewHistogram(histogram("queue_wait_seconds",
		"How long requests waited for a place, those that got none with them.", requestBuckets()))
	m.wait = wait
	var refused *prometheus.CounterVec
	refused, m.refused = vector("refusals_total", "Requests that the platform has answered itself, by its error code.", "code", space.Codes())
	m.strange = refused.WithLabelValues(other)
	m.vectors = []prometheus.Collector{latency, wait, refused}
	return m
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

// Live says which Micros an app has now, and returns the meter of each. Those that it had
// already go on, and what it has no more is forgotten; no Micros forget the app.
func (m *Micros) Live(app string, micros []string) []*Meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, now := m.apps[app], map[string]*Meter{}
	meters := make([]*Meter, len(micros))
	for name := range before {
		if !slices.Contains(micros, name) {
			m.own--
		}
	}
	for i, name := range micros {
		meters[i] = cmp.Or(before[name], now[name])
		if meters[i] == nil && m.own < maxMicros {
			m.own++
			meters[i] = &Meter{app: app, micro: name, all: m}
		}
		if meters[i] == nil {
			meters[i] = m.rest
			continue
		}
		now[name] = meters[i]
	}
	delete(m.apps, app)
	if len(now) > 0 {
		m.apps[app] = now
	}
	return meters
}

// Served takes a request that has been answered with a status, and what it has used.
func (t *Meter) Served(status int, u *space.Usage) {
	if t == nil {
		return
	}
	class := classOf(status)
	start := startIndex(u.Start, u.Requests > 0)
	t.requests[class][start].Add(1)
	if latency := t.all.latency[start]; latency != nil {
		latency.Observe((u.Queue + u.Made + u.Run).Seconds())
	}
	if u.Start != "" || u.Queue > 0 {
		t.all.wait.Observe(u.Queue.Seconds())
	}
	if u.Fuel > 0 {
		t.fuel.Add(u.Fuel)
	}
	if u.Start != "" {
		t.run.Add(int64(u.Run))
	}
	if u.Calls > 0 {
		t.calls.Add(u.Calls)
	}
}

// Refused takes a request that the platform has answered itself. Nil takes nothing.
func (m *Micros) Refused(code space.Code) {
	if m == nil {
		return
	}
	if counter, ok := m.refused[code]; ok {
		counter.Inc()
		return
	}
	m.strange.Inc()
}

// Name is the Micro's app and its own name, for traces.
func (t *Meter) Name() (app, micro string) { return t.app, t.micro }

// startIndex is the place of a start among the counters.
func startIndex(start space.Start, served bool) int {
	switch {
	case start == space.StartReset:
		return 0
	case start == space.StartClone:
		return 1
	case start == space.StartLoad:
		return 2
	case served:
		return 3
	}
	return 4
}

// classOf is the place of a status among the counters.
func classOf(status int) int { return min(max(status/100, 1), classes) - 1 }

func classNames() [classes]string { return [classes]string{"1xx", "2xx", "3xx", "4xx", "5xx"} }

func startNames() [starts]string {
	return [starts]string{string(space.StartReset), string(space.StartClone), string(space.StartLoad), startStatic, startNone}
}

// Describe implements [prometheus.Collector].
func (m *Micros) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range m.vectors {
		v.Describe(ch)
	}
	ch <- m.requests
	ch <- m.fuel
	ch <- m.run
	ch <- m.calls
}

// Collect implements [prometheus.Collector].
func (m *Micros) Collect(ch chan<- prometheus.Metric) {
	for _, v := range m.vectors {
		v.Collect(ch)
	}
	for _, t := range m.meters() {
		t.collect(ch)
	}
}

// meters are those with a place of their own, and the one of all others.
func (m *Micros) meters() []*Meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []*Meter{m.rest}
	for _, micros := range m.apps {
		for _, t := range micros {
			all = append(all, t)
		}
	}
	return all
}

func (t *Meter) collect(ch chan<- prometheus.Metric) {
	counter := func(desc *prometheus.Desc, value float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, append([]string{t.app, t.micro}, more...)...)
	}
	names := startNames()
	for class := range t.requests {
		for start := range t.requests[class] {
			if n := t.requests[class][start].Load(); n > 0 {
				counter(t.all.requests, float64(n), classNames()[class], names[start])
			}
		}
	}
	counter(t.all.fuel, float64(t.fuel.Load()))
	counter(t.all.run, time.Duration(t.run.Load()).Seconds())
	counter(t.all.calls, float64(t.calls.Load()))
}

// StatusOf is the status of an answer: what was sent, or what its error stands for.
func StatusOf(sent int, err error) int {
	switch {
	case err != nil && sent == 0:
		return space.AsError(err).Code.Status()
	case sent == 0:
		return http.StatusOK
	}
	return sent
}
