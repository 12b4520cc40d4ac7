package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// maxTraces is how many requests are followed in a second at most: whoever may say that
// theirs are to be is not to fill the server's memory and the collector's disk.
const maxTraces = 100

// The headers of W3C Trace Context, as Go spells them.
const (
	traceparent = "Traceparent"
	tracestate  = "Tracestate"
)

// choose tells whether to follow a request: one that is part of a trace which is followed,
// and a part of those without one. It is not the SDK's to choose, as that makes more of a
// request that is not followed than all our figures cost.
func (t *Tracer) choose(parent trace.SpanContext) bool {
	wanted := parent.IsSampled()
	if !parent.IsValid() {
		wanted = rand.Float64() < t.ratio //nolint:gosec // nothing is kept from anybody by it
	}
	return wanted && t.rate.allow()
}

// unfollowed is the traceparent of a request that is not followed, in its parent's trace or
// one of its own (W3C Trace Context, section 3.2.2).
func unfollowed(parent trace.SpanContext) string {
	id := parent.TraceID()
	if !parent.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64()|1) // 0 is none
	}
	var span trace.SpanID
	binary.NativeEndian.PutUint64(span[:], rand.Uint64()|1)
	text := [55]byte{0: '0', 1: '0', 2: '-', 35: '-', 52: '-', 53: '0', 54: '0'}
	hex.Encode(text[3:], id[:])
	hex.Encode(text[36:], span[:])
	return string(text[:])
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
