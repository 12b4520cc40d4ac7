package telemetry_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

const (
	followed    = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	notFollowed = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
	theirs      = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// receiver is a collector of OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*spans.Span
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request collector.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, of := range request.GetResourceSpans() {
			for _, scope := range of.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// tracer is one whose traces a receiver gets once it is closed.
func (c *receiver) tracer(t *testing.T, ratio float64) *telemetry.Tracer {
	t.Helper()
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.Traces{On: true, Endpoint: c.URL + "/", Ratio: ratio}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return tracer
}

// ask has a tracer follow a request, and returns the traceparent that a Micro gets.
func ask(tracer *telemetry.Tracer, parent string, trusted bool) string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if parent != "" {
		r.Header.Set("Traceparent", parent)
		r.Header.Set("Tracestate", "a=b")
	}
	f := tracer.Begin(r, trusted)
	f.End(nil, 200, nil, &space.Usage{})
	return r.Header.Get("Traceparent")
}

// Who may be asked by anybody is followed by chance, and never by a client's will (T10).
func TestWhoIsFollowed(t *testing.T) {
	for _, c := range []struct {
		name    string
		ratio   float64
		parent  string
		trusted bool
		same    bool // trace
		flag    string
	}{
		{"a stranger who wants to be", 0, followed, false, false, "00"},
		{"a stranger who does not", 1, notFollowed, false, false, "01"},
		{"a proxy that follows", 0, followed, true, true, "01"},
		{"a proxy that does not", 1, notFollowed, true, true, "00"},
		{"one without a trace", 1, "", true, false, "01"},
		{"what is no traceparent", 1, "00-x", true, false, "01"},
	} {
		r := newReceiver(t)
		tracer := r.tracer(t, c.ratio)
		got := strings.Split(ask(tracer, c.parent, c.trusted), "-")
		if err := tracer.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(got) != 4 || (got[1] == theirs) != c.same || got[3] != c.flag || got[2] == "00f067aa0ba902b7" {
			t.Errorf("%s: the Micro gets %q", c.name, got)
		}
		if sent := len(r.spans) > 0; sent != (c.flag == "01") {
			t.Errorf("%s: %d spans are sent", c.name, len(r.spans))
		}
	}
}

// However many ask to be followed, there is a bound.
func TestTracesAreBounded(t *testing.T) {
	r := newReceiver(t)
	tracer := r.tracer(t, 1)
	began, n := time.Now(), 0
	for range 2000 {
		if strings.HasSuffix(ask(tracer, followed, true), "-01") {
			n++
		}
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if most := 100 * (2 + int(time.Since(began).Seconds())); n < 100 || n > most {
		t.Errorf("%d of 2000 are followed, want 100 to %d", n, most)
	}
}

// Off, and off the sample, a request costs no telling.
func TestTracesOff(t *testing.T) {
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.Traces{Endpoint: "http://127.0.0.1:1"}, slog.New(slog.DiscardHandler))
	if tracer != nil || err != nil {
		t.Fatalf("%v, %v", tracer, err)
	}
	if got := ask(tracer, followed, false); got != followed {
		t.Errorf("without traces a Micro gets %q", got)
	}
	r, usage := httptest.NewRequest(http.MethodGet, "/", nil), &space.Usage{}
	if n := testing.AllocsPerRun(100, func() {
		f := tracer.Begin(r, true)
		f.End(nil, 200, nil, usage)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A collector that is away is said once, and holds nobody up.
func TestCollectorIsAway(t *testing.T) {
	r := newReceiver(t)
	r.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
	var said bytes.Buffer
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.Traces{On: true, Endpoint: r.URL, Ratio: 1}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 50 {
		ask(tracer, "", false)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("50 requests took %v", took)
	}
	_ = tracer.Close(t.Context())
	if n := strings.Count(said.String(), "cannot send traces"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, said.String())
	}
}

func BenchmarkIdleTrace(b *testing.B) {
	tracer, err := telemetry.NewTracer(b.Context(), telemetry.Traces{On: true, Endpoint: "http://127.0.0.1:1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer tracer.Close(b.Context())
	r, usage := httptest.NewRequest(http.MethodGet, "/", nil), &space.Usage{}
	b.ReportAllocs()
	for b.Loop() {
		f := tracer.Begin(r, false)
		f.End(nil, 200, nil, usage)
	}
}
