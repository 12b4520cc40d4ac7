package telemetry

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// maxTraces is how many requests are followed in a second at most: whoever may say that
// theirs are to be is not to fill the server's memory and the collector's disk.
const maxTraces = 100

// sampler follows what belongs to a trace that is followed, and a part of what belongs to
// none, within a bound.
type sampler struct {
	sdk.Sampler
	rate rate
}

func newSampler(ratio float64) *sampler {
	return &sampler{Sampler: sdk.ParentBased(sdk.TraceIDRatioBased(ratio)), rate: rate{now: time.Now, most: maxTraces}}
}

// ShouldSample implements [sdk.Sampler].
func (s *sampler) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	result := s.Sampler.ShouldSample(p)
	parent := trace.SpanContextFromContext(p.ParentContext)
	// The parts of a request that is followed are not asked about: they are few.
	begins := !parent.IsValid() || parent.IsRemote()
	if begins && result.Decision == sdk.RecordAndSample && !s.rate.allow() {
		result.Decision = sdk.Drop
	}
	return result
}

// rate is a bound of how often something happens in a second.
type rate struct {
	now  func() time.Time
	most int

	mu     sync.Mutex
	second int64
	n      int
}

func (r *rate) allow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if second := r.now().Unix(); second != r.second {
		r.second, r.n = second, 0
	}
	r.n++
	return r.n <= r.most
}

// quiet logs once a minute at most that traces cannot be sent. The SDK would tell it to a
// handler of the whole process.
type quiet struct {
	sdk.SpanExporter
	logger *slog.Logger

	mu     sync.Mutex
	logged time.Time
}

// ExportSpans implements [sdk.SpanExporter].
func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.logged) > time.Minute {
		q.logged = time.Now()
		q.logger.Warn("cannot send traces", "spans", len(spans), "error", err)
	}
	return nil // which has been said
}

// tracesURL is where a collector takes traces, by its base URL (OpenTelemetry protocol
// exporter specification, "Endpoint URLs for OTLP/HTTP").
func tracesURL(base string) string { return strings.TrimSuffix(base, "/") + "/v1/traces" }
