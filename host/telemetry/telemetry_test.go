package telemetry_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sources are those of a server on which something happens.
func sources(meters ...*telemetry.Meter) telemetry.Sources {
	amount := func() telemetry.Amount { return telemetry.Amount{Used: 3, Limit: 7} }
	bytes := func() (int64, error) { return 42, nil }
	return telemetry.Sources{
		Memory: amount, Bodies: amount, Code: amount, Tmp: amount, Descriptors: amount, Mappings: amount, Places: amount, Connections: amount,
		Queue: func() int { return 5 }, Disk: func() (int64, int64, error) { return 9, 2, nil }, Blobs: bytes, Logs: bytes,
		Apps: func() map[string]int { return map[string]int{"running": 1} },
		Loads: func(tell func(*telemetry.Meter, telemetry.Load)) {
			for _, t := range meters {
				tell(t, telemetry.Load{Leased: 1, Idle: 2, Waiting: 3, Awake: true})
			}
		},
	}
}

// busy returns figures in which each has something to show.
func busy() *telemetry.Metrics {
	m := telemetry.New("v1")
	meters := m.Micros.Live("shop", []string{"web", "api"})
	m.Observe(sources(meters...))
	visit := space.Visit{Start: space.StartReset, Queue: time.Millisecond, Calls: 2}
	meters[0].Served(200, &space.Usage{Requests: 1, Fuel: 70, Run: 2 * time.Millisecond, Visit: visit})
	meters[0].Served(502, &space.Usage{Requests: 1, Fuel: 5, Run: time.Second, Visit: space.Visit{Start: space.StartLoad, Made: time.Millisecond}})
	meters[1].Served(429, &space.Usage{})
	m.Micros.Refused(space.CodeQueueFull)
	m.Micros.Refused("of another version")
	m.Instances.Started(space.StartClone)
	m.Instances.Discarded(telemetry.DiscardStopped)
	m.Work.Pushed(telemetry.ResultOK, time.Second)
	began := time.Now()
	m.Work.Fired(space.Run{State: space.RunFailed, Started: began, Ended: began.Add(time.Second)})
	m.Work.Fired(space.Run{State: space.RunMissed})
	m.Work.Compiled(time.Second)
	return m
}

// scraped is what a scrape gets.
func scraped(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// wants looks for lines of a scrape.
func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("%q is not in the scrape", line)
		}
	}
}

// The names and the texts are as Prometheus wants them.
func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(busy().Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "spacewasm_") { // the collectors of others have their own names
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestFigures(t *testing.T) {
	text := scraped(t, busy())
	wants(t, text,
		`spacewasm_requests_total{app="shop",micro="web",start="reset",status="2xx"} 1`,
		`spacewasm_requests_total{app="shop",micro="web",start="load",status="5xx"} 1`,
		`spacewasm_requests_total{app="shop",micro="api",start="none",status="4xx"} 1`,
		`spacewasm_request_duration_seconds_bucket{start="reset",le="0.005"} 1`,
		`spacewasm_request_duration_seconds_bucket{start="reset",le="0.0025"} 0`,
		`spacewasm_request_duration_seconds_count{start="load"} 1`,
		`spacewasm_request_duration_seconds_count{start="clone"} 0`,
		`spacewasm_queue_wait_seconds_count 2`,
		`spacewasm_fuel_total{app="shop",micro="web"} 75`,
		`spacewasm_guest_seconds_total{app="shop",micro="web"} 1.002`,
		`spacewasm_sqlite_calls_total{app="shop",micro="web"} 2`,
		`spacewasm_refusals_total{code="queue_full"} 1`,
		`spacewasm_refusals_total{code="node_full"} 0`,
		`spacewasm_refusals_total{code="_other"} 1`,
		`spacewasm_instance_starts_total{start="clone"} 1`,
		`spacewasm_instance_discards_total{reason="stopped"} 1`,
		`spacewasm_pushes_total{result="ok"} 1`,
		`spacewasm_actions_total{result="failed"} 1`,
		`spacewasm_actions_total{result="missed"} 1`,
		`spacewasm_action_duration_seconds_count 1`,
		`spacewasm_compile_duration_seconds_count 1`,
		`spacewasm_memory_budget_used_bytes 3`,
		`spacewasm_memory_budget_limit_bytes 7`,
		`spacewasm_node_queue_waiting 5`,
		`spacewasm_disk_reserve_bytes 2`,
		`spacewasm_blobs_bytes 42`,
		`spacewasm_instances{app="shop",micro="api",state="idle"} 2`,
		`spacewasm_queue_waiting{app="shop",micro="api"} 3`,
		`spacewasm_build_info{version="v1"} 1`,
	)
	for _, name := range []string{"go_goroutines ", "process_resident_memory_bytes "} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
}

// A thousand Micros have figures of their own, and those beyond share one place, however
// many there are.
func TestCardinality(t *testing.T) {
	m := telemetry.New("")
	var all []*telemetry.Meter
	for i := range 1500 {
		all = append(all, m.Micros.Live(fmt.Sprintf("app-%04d", i), []string{"main"})...)
	}
	m.Observe(sources(all...))
	for _, t := range all {
		t.Served(200, &space.Usage{Requests: 1, Fuel: 1, Run: time.Millisecond, Visit: space.Visit{Start: space.StartReset}})
	}
	text := scraped(t, m)
	if n := strings.Count(text, "\nspacewasm_requests_total{"); n != 1001 {
		t.Errorf("%d series of requests", n)
	}
	wants(t, text, `spacewasm_requests_total{app="app-0999",micro="main",start="reset",status="2xx"} 1`,
		`spacewasm_requests_total{app="_other",micro="_other",start="reset",status="2xx"} 500`,
		`spacewasm_instances{app="_other",micro="_other",state="idle"} 1000`)
	// A place that comes free is the next one's.
	m.Micros.Live("app-0000", nil)
	if app, _ := m.Micros.Live("late", []string{"main"})[0].Name(); app != "late" {
		t.Errorf("who comes when there is a place counts as %s", app)
	}
	if app, _ := m.Micros.Live("later", []string{"main"})[0].Name(); app != "_other" {
		t.Errorf("who comes when there is none counts as %s", app)
	}
}

// What an app has counted goes on with its next revision, and goes with it.
func TestRemoval(t *testing.T) {
	m := telemetry.New("")
	one := func(meters []*telemetry.Meter) {
		for _, t := range meters {
			t.Served(200, &space.Usage{Requests: 1})
		}
	}
	one(m.Micros.Live("shop", []string{"web", "old"}))
	one(m.Micros.Live("shop", []string{"new", "web"}))
	text := scraped(t, m)
	wants(t, text, `spacewasm_requests_total{app="shop",micro="web",start="static",status="2xx"} 2`,
		`spacewasm_requests_total{app="shop",micro="new",start="static",status="2xx"} 1`)
	if strings.Contains(text, `"old"`) {
		t.Error("a Micro that is gone has figures")
	}
	last := m.Micros.Live("shop", []string{"web"})
	m.Micros.Live("shop", nil)
	one(last) // a request that was still running
	if text := scraped(t, m); strings.Contains(text, `"shop"`) {
		t.Errorf("an app that is gone has figures:\n%s", text)
	}
	one(m.Micros.Live("shop", []string{"web"}))
	wants(t, scraped(t, m), `spacewasm_requests_total{app="shop",micro="web",start="static",status="2xx"} 1`)
}

// Counting a request takes no memory, and none where nobody counts.
func TestServedAllocatesNothing(t *testing.T) {
	m := telemetry.New("")
	usage := &space.Usage{Requests: 1, Fuel: 1000, Run: time.Millisecond, Visit: space.Visit{Start: space.StartReset, Queue: time.Microsecond}}
	for name, meter := range map[string]*telemetry.Meter{"on": m.Micros.Live("shop", []string{"web"})[0], "off": nil} {
		meter.Served(200, usage) // which makes the native histogram's buckets
		if n := testing.AllocsPerRun(1000, func() { meter.Served(200, usage) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := testing.AllocsPerRun(1000, func() { m.Instances.Started(space.StartReset) }); n != 0 {
		t.Errorf("%v allocations for an instance", n)
	}
}

// A source that fails has no figure, and the others have theirs.
func TestSourceFails(t *testing.T) {
	m := telemetry.New("")
	s := sources()
	s.Blobs = func() (int64, error) { return 0, io.ErrUnexpectedEOF }
	s.Disk = func() (int64, int64, error) { return 0, 0, os.ErrPermission }
	m.Observe(s)
	text := scraped(t, m)
	if strings.Contains(text, "spacewasm_blobs_bytes") || strings.Contains(text, "spacewasm_disk_free_bytes") {
		t.Error("there are figures of what failed")
	}
	wants(t, text, `spacewasm_logs_bytes 42`)
}

func BenchmarkServed(b *testing.B) {
	meter := telemetry.New("").Micros.Live("shop", []string{"web"})[0]
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		usage := &space.Usage{Requests: 1, Fuel: 1000, Run: time.Millisecond, Visit: space.Visit{Start: space.StartReset}}
		for pb.Next() {
			meter.Served(200, usage)
		}
	})
}

// BenchmarkScrape is of a server with as many Micros as have figures of their own.
func BenchmarkScrape(b *testing.B) {
	m := telemetry.New("")
	var all []*telemetry.Meter
	for i := range 1000 {
		all = append(all, m.Micros.Live(fmt.Sprintf("app-%04d", i), []string{"main"})...)
	}
	m.Observe(sources(all...))
	for _, t := range all {
		t.Served(200, &space.Usage{Requests: 1, Fuel: 1, Run: time.Millisecond, Visit: space.Visit{Start: space.StartReset}})
		t.Served(502, &space.Usage{Requests: 1, Fuel: 1, Run: time.Millisecond, Visit: space.Visit{Start: space.StartClone}})
	}
	h := m.Handler(slog.New(slog.DiscardHandler))
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		b.ReportMetric(float64(w.Body.Len()), "B/scrape")
	}
}
