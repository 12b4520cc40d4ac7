package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Amount is how much is in use of what there is.
type Amount struct{ Used, Limit int64 }

// Load is what a Micro has at a time.
type Load struct {
	Leased, Idle, Waiting int
	Awake                 bool
}

// Sources are what a scrape asks. Nil ones are not asked. None may wait for requests.
type Sources struct {
	// What all Micros share, the first four in bytes; Places are of executions.
	Memory, Bodies, Code, Tmp     func() Amount
	Descriptors, Mappings, Places func() Amount
	// Queue is how many requests wait for a place of the node.
	Queue func() int
	// Connections are those of clients.
	Connections func() Amount
	// Disk is what the data directory's file system has free, and what of it is to stay
	// so, in bytes.
	Disk func() (free, reserve int64, err error)
	// Blobs and Logs are the bytes of bundles and of logs.
	Blobs, Logs func() (int64, error)
	// Apps counts the apps by state.
	Apps func() map[string]int
	// Loads tells of each live Micro what it has.
	Loads func(tell func(*Meter, Load))
}

// amounts are the sources that are an amount of something, by the name of the figures.
func (s *Sources) amounts() []amount {
	return []amount{
		{"memory_budget", "_bytes", "memory of all instances", s.Memory},
		{"body_budget", "_bytes", "bodies of requests", s.Bodies},
		{"code_budget", "_bytes", "machine code of Micros that are awake", s.Code},
		{"tmp_budget", "_bytes", "files in /tmp of all executions", s.Tmp},
		{"descriptors", "", "files that guests have open", s.Descriptors},
		{"mappings", "", "memory mappings of instances", s.Mappings},
		{"executions", "", "executions at a time", s.Places},
		{"connections", "", "connections of clients", s.Connections},
	}
}

type amount struct {
	name, unit, what string
	ask              func() Amount
}

// observer asks the sources at each scrape.
type observer struct {
	sources Sources
}

var _ prometheus.Collector = (*observer)(nil)

// Describe implements [prometheus.Collector]: what it collects depends on its sources.
func (o *observer) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector]. A source that fails has no figure.
func (o *observer) Collect(ch chan<- prometheus.Metric) {
	gauge := func(name, help string, value float64, labels ...string) {
		desc := describe(name, help)
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	s := &o.sources
	for _, a := range s.amounts() {
		if a.ask == nil {
			continue
		}
		now := a.ask()
		gauge(a.name+"_used"+a.unit, "In use: "+a.what+".", float64(now.Used))
		gauge(a.name+"_limit"+a.unit, "The most there may be: "+a.what+".", float64(now.Limit))
	}
	if s.Queue != nil {
		gauge("node_queue_waiting", "Requests that wait for a place of the node.", float64(s.Queue()))
	}
	if s.Disk != nil {
		if free, reserve, err := s.Disk(); err == nil {
			gauge("disk_free_bytes", "What the data directory's file system has free.", float64(free))
			gauge("disk_reserve_bytes", "What of it is to stay free.", float64(reserve))
		}
	}
	for name, ask := range map[string]func() (int64, error){"blobs_bytes": s.Blobs, "logs_bytes": s.Logs} {
		if ask == nil {
			continue
		}
		if n, err := ask(); err == nil {
			gauge(name, "On the disk: "+map[string]string{"blobs_bytes": "bundles of all kept revisions.", "logs_bytes": "logs of all apps."}[name], float64(n))
		}
	}
	o.apps(ch)
	o.loads(ch)
}

func (o *observer) apps(ch chan<- prometheus.Metric) {
	if o.sources.Apps == nil {
		return
	}
	desc := describe("apps", "Apps by state.", "state")
	for state, n := range o.sources.Apps() {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), state)
	}
}

// loads adds up what Micros have that share a meter.
func (o *observer) loads(ch chan<- prometheus.Metric) {
	if o.sources.Loads == nil {
		return
	}
	type sum struct{ leased, idle, waiting, awake int }
	sums := map[*Meter]sum{}
	o.sources.Loads(func(t *Meter, l Load) {
		if t == nil {
			return
		}
		s := sums[t]
		s.leased, s.idle, s.waiting = s.leased+l.Leased, s.idle+l.Idle, s.waiting+l.Waiting
		if l.Awake {
			s.awake++
		}
		sums[t] = s
	})
	instances := describe("instances", "Instances of a Micro, by state.", "app", "micro", "state")
	waiting := describe("queue_waiting", "Requests that wait for a place of their Micro.", "app", "micro")
	awake := describe("micro_awake", "How many of the Micros of the labels have their code in memory: 1 or 0, but for the others together.", "app", "micro")
	for t, s := range sums {
		gauge := func(desc *prometheus.Desc, value int, more ...string) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), append([]string{t.app, t.micro}, more...)...)
		}
		gauge(instances, s.leased, "leased")
		gauge(instances, s.idle, "idle")
		gauge(waiting, s.waiting)
		gauge(awake, s.awake)
	}
}
