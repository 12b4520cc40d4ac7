package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Part is which part of the platform has answered a request itself.
type Part string

// The parts there are.
const (
	PartAPI     Part = "api"
	PartConsole Part = "console"
	PartLogin   Part = "login"
	// PartOther is all else that no Micro has answered: probes, scrapes, unknown apps, what
	// was refused before a Micro was asked.
	PartOther Part = "other"
)

// Platform counts the requests that no Micro was asked. Nil counts nothing.
type Platform struct {
	requests map[Part]*[classes]prometheus.Counter
	vector   *prometheus.CounterVec
}

var _ prometheus.Collector = (*Platform)(nil)

func newPlatform() *Platform {
	p := &Platform{requests: map[Part]*[classes]prometheus.Counter{}}
	p.vector = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "platform_requests_total",
		Help: "Requests that the platform has answered without a Micro, by its part and the class of the status.",
	}, []string{"part", "status"})
	for _, part := range []Part{PartAPI, PartConsole, PartLogin, PartOther} {
		counters := new([classes]prometheus.Counter)
		for class, name := range classNames() {
			counters[class] = p.vector.WithLabelValues(string(part), name)
		}
		p.requests[part] = counters
	}
	return p
}

// Answered counts a request of a part that has been answered with a status.
func (p *Platform) Answered(part Part, status int) {
	if p == nil {
		return
	}
	if counters, ok := p.requests[part]; ok {
		counters[classOf(status)].Inc()
	}
}

// Describe implements [prometheus.Collector].
func (p *Platform) Describe(ch chan<- *prometheus.Desc) { p.vector.Describe(ch) }

// Collect implements [prometheus.Collector].
func (p *Platform) Collect(ch chan<- prometheus.Metric) { p.vector.Collect(ch) }
