package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spacewasm/spacewasm/host/space"
)

// Result is how some work has ended.
type Result string

// The results there are.
const (
	ResultOK      Result = "ok"
	ResultRefused Result = "refused" // the fault of who asked for it
	ResultFailed  Result = "failed"
)

// Work counts what owners and the clock have a server do. Nil counts nothing.
type Work struct {
	pushes     map[Result]prometheus.Counter
	fires      map[space.RunState]prometheus.Counter
	compiles   prometheus.Observer
	push, fire prometheus.Observer
	vectors    []prometheus.Collector
}

var _ prometheus.Collector = (*Work)(nil)

func newWork() *Work {
	w := &Work{}
	var pushes, fires *prometheus.CounterVec
	pushes, w.pushes = vector("pushes_total", "Pushes, by result.", "result", []Result{ResultOK, ResultRefused, ResultFailed})
	fires, w.fires = vector("actions_total", "Runs of Scheduled Actions, each attempt one, by result.", "result",
		[]space.RunState{space.RunOK, space.RunFailed, space.RunSkipped, space.RunMissed})
	compiles := prometheus.NewHistogram(histogram("compile_duration_seconds", "The time to compile a module; its count is that of compilations.", workBuckets()))
	push := prometheus.NewHistogram(histogram("push_duration_seconds", "The time of pushes, their upload with it.", workBuckets()))
	fire := prometheus.NewHistogram(histogram("action_duration_seconds", "The time of runs of Scheduled Actions.", requestBuckets()))
	w.compiles, w.push, w.fire = compiles, push, fire
	w.vectors = []prometheus.Collector{pushes, fires, compiles, push, fire}
	return w
}

// Pushed takes a push that has ended.
func (w *Work) Pushed(result Result, took time.Duration) {
	if w == nil {
		return
	}
	w.pushes[result].Inc()
	w.push.Observe(took.Seconds())
}

// Fired takes a run of a Scheduled Action that has ended, or that was none.
func (w *Work) Fired(run space.Run) {
	if w == nil {
		return
	}
	if counter, ok := w.fires[run.State]; ok {
		counter.Inc()
	}
	if took := run.Took(); took > 0 {
		w.fire.Observe(took.Seconds())
	}
}

// Compiled takes a compilation that has ended.
func (w *Work) Compiled(took time.Duration) {
	if w != nil {
		w.compiles.Observe(took.Seconds())
	}
}

// Describe implements [prometheus.Collector].
func (w *Work) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range w.vectors {
		v.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (w *Work) Collect(ch chan<- prometheus.Metric) {
	for _, v := range w.vectors {
		v.Collect(ch)
	}
}
