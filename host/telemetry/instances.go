package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/spacewasm/spacewasm/host/space"
)

// Discard is why an instance was not used again.
type Discard string

// The discards there are.
const (
	// DiscardIdle had nobody who asked for it, gave way to what others needed, or its Micro
	// went.
	DiscardIdle Discard = "idle"
	// DiscardStopped had a guest that was stopped in the middle of what it did.
	DiscardStopped Discard = "stopped"
	// DiscardSpent could not be put back to its beginning.
	DiscardSpent Discard = "spent"
	// DiscardReplaced is of code that the Micro has no more, or was made for a profile, or
	// before one.
	DiscardReplaced Discard = "replaced"
)

// Instances counts how instances come to be and how they end. Nil counts nothing.
type Instances struct {
	starts   [starts]prometheus.Counter
	discards map[Discard]prometheus.Counter
	vectors  []prometheus.Collector
}

var _ prometheus.Collector = (*Instances)(nil)

func newInstances() *Instances {
	i := &Instances{}
	all := []space.Start{space.StartReset, space.StartClone, space.StartLoad}
	made, counters := vector("instance_starts_total",
		"Instances that were made ready, before somebody asked or then: put back to their beginning, made anew, or made of a Micro that was asleep.",
		"start", all)
	for _, start := range all {
		i.starts[startIndex(start, true)] = counters[start]
	}
	ended, discards := vector("instance_discards_total", "Instances that were not used again, by reason.", "reason",
		[]Discard{DiscardIdle, DiscardStopped, DiscardSpent, DiscardReplaced})
	i.discards, i.vectors = discards, []prometheus.Collector{made, ended}
	return i
}

// Started counts an instance that was made ready.
func (i *Instances) Started(start space.Start) {
	if i == nil {
		return
	}
	if counter := i.starts[startIndex(start, true)]; counter != nil {
		counter.Inc()
	}
}

// Discarded counts one that was not used again.
func (i *Instances) Discarded(why Discard) {
	if i == nil {
		return
	}
	if counter, ok := i.discards[why]; ok {
		counter.Inc()
	}
}

// Describe implements [prometheus.Collector].
func (i *Instances) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range i.vectors {
		v.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (i *Instances) Collect(ch chan<- prometheus.Metric) {
	for _, v := range i.vectors {
		v.Collect(ch)
	}
}
