package runner_test

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// counted is what the figures of instances are, by name and label, but for those of 0.
func counted(t *testing.T, m *telemetry.Metrics) map[string]float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		name := family.GetName()
		if name != "spacewasm_instance_starts_total" && name != "spacewasm_instance_discards_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			if n := metric.GetCounter().GetValue(); n > 0 {
				counts[metric.GetLabel()[0].GetValue()] = n
			}
		}
	}
	return counts
}

// How instances come to be and end is counted, by the reason.
func TestInstancesAreCounted(t *testing.T) {
	for _, c := range []struct {
		guest string
		times int
		want  map[string]float64
	}{
		{"hello", 3, map[string]float64{"load": 1, "reset": 3}},
		{"sleep", 1, map[string]float64{"load": 1, "stopped": 1}},
	} {
		b := newBench(t)
		metrics := telemetry.New("")
		b.node.Instances = metrics.Instances
		b.limits.Timeout = 50 * time.Millisecond
		if c.guest == "hello" {
			b.limits.Timeout = time.Minute
		}
		m := b.micro(t, c.guest, nil)
		for i := range c.times {
			var usage space.Usage
			ctx := space.WithUsage(t.Context(), &usage)
			_ = m.Serve(httptest.NewRecorder(), request(ctx, space.RequestID(fmt.Sprint(i)), "/", nil))
			want := space.StartReset
			if i == 0 {
				want = space.StartLoad
			}
			if usage.Start != want || (usage.Made > 0) != (i == 0) || usage.Run <= 0 {
				t.Errorf("%s: request %d is %+v", c.guest, i, usage)
			}
		}
		if c.guest == "sleep" { // which leaves a spare, made beside us
			if err := m.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		got := counted(t, metrics)
		delete(got, "clone") // the spare, if it came in time
		if c.guest == "sleep" {
			delete(got, "idle")
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.guest, got, c.want)
		}
	}
}

// A Micro says what it has: the instance that waits for the next request, and after its sleep
// nothing. What it had is counted as idle.
func TestLoad(t *testing.T) {
	b := newBench(t)
	metrics := telemetry.New("")
	b.node.Instances = metrics.Instances
	m := b.micro(t, "hello", nil)
	if got := m.Load(); got != (telemetry.Load{}) {
		t.Errorf("asleep: %+v", got)
	}
	if err := m.Serve(httptest.NewRecorder(), request(t.Context(), "one", "/", nil)); err != nil {
		t.Fatal(err)
	}
	if got := m.Load(); got != (telemetry.Load{Idle: 1, Awake: true}) {
		t.Errorf("awake: %+v", got)
	}
	if !m.Sleep() {
		t.Fatal("it does not sleep")
	}
	if got := m.Load(); got != (telemetry.Load{}) {
		t.Errorf("asleep again: %+v", got)
	}
	if got := counted(t, metrics); got["idle"] != 1 || got["load"] != 1 {
		t.Errorf("%v", got)
	}
}

// A request that waited in vain says for how long.
func TestWaitInVain(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "sleep", func(l *space.Limits) { l.Concurrency, l.QueueWait, l.Timeout = 1, 30*time.Millisecond, time.Second })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = m.Serve(httptest.NewRecorder(), request(ctx, "first", "/", nil))
	}()
	for m.Load().Leased == 0 {
		time.Sleep(time.Millisecond)
	}
	var usage space.Usage
	err := m.Serve(httptest.NewRecorder(), request(space.WithUsage(t.Context(), &usage), "second", "/", nil))
	if err == nil || usage.Queue < 30*time.Millisecond || usage.Start != "" || usage.Requests != 0 {
		t.Errorf("%v, %+v", err, usage)
	}
	cancel()
	<-done
}
