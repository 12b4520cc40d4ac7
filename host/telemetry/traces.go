package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/spacewasm/spacewasm/host/space"
)

// Traces says where traces go. The zero value follows no requests.
type Traces struct {
	// Endpoint is the base URL of a collector that takes OTLP over HTTP, such as
	// http://127.0.0.1:4318; "" leaves it to the variables of the OpenTelemetry
	// specification.
	Endpoint string
	// On follows requests.
	On bool
	// Ratio is which part of the requests is followed that belong to no trace yet, from 0
	// to 1.
	Ratio float64
	// Version is the server's.
	Version string
}

// Tracer follows requests: where each spent its time. A nil one follows none, and costs
// nothing. It is safe for concurrent use, and is to be closed.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	format   propagation.TraceContext
	ratio    float64
	rate     rate
}

// NewTracer returns a tracer, or nil where traces are off. What cannot be sent is logged,
// once in a while, and lost: no request waits for it.
func NewTracer(ctx context.Context, config Traces, logger *slog.Logger) (*Tracer, error) {
	if !config.On {
		return nil, nil //nolint:nilnil // nil follows none
	}
	var options []otlptracehttp.Option
	if config.Endpoint != "" {
		options = append(options, otlptracehttp.WithEndpointURL(tracesURL(config.Endpoint)))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "spacewasm"), attribute.String("service.version", config.Version),
	), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("send traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithResource(about), sdk.WithSampler(sdk.AlwaysSample()), // of what choose has chosen
		sdk.WithBatcher(&quiet{SpanExporter: exporter, logger: logger}),
	)
	return &Tracer{
		provider: provider, tracer: provider.Tracer("github.com/spacewasm/spacewasm"),
		ratio: config.Ratio, rate: rate{now: time.Now, most: maxTraces},
	}, nil
}

// Close sends what has been recorded. It is idempotent.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// Trace is one request that is followed. The zero value is of none.
type Trace struct {
	tracer *Tracer
	ctx    context.Context //nolint:containedctx // of the request's span
	span   trace.Span
	began  time.Time
	named  bool // the span has its name
}

// Begin follows a request to a Micro, which finds in it of which trace it is a part. Only
// of those who are trusted is it taken that a request belongs to a trace of theirs: others
// could have it followed, or put their requests into traces of others.
func (t *Tracer) Begin(r *http.Request, trusted bool) Trace {
	if t == nil {
		return Trace{}
	}
	ctx := r.Context()
	header := propagation.HeaderCarrier(r.Header)
	var parent trace.SpanContext
	if trusted && r.Header[traceparent] != nil {
		ctx = t.format.Extract(ctx, header)
		parent = trace.SpanContextFromContext(ctx)
	}
	if !parent.IsValid() {
		delete(r.Header, tracestate)
	}
	if !t.choose(parent) {
		r.Header[traceparent] = []string{unfollowed(parent)}
		return Trace{}
	}
	return t.follow(ctx, r, "request", trace.SpanKindServer,
		attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path), attribute.String("server.address", r.Host))
}

// BeginAction follows the call of a Scheduled Action, a part of them as of requests.
func (t *Tracer) BeginAction(r *http.Request, run space.Run) Trace {
	if t == nil {
		return Trace{}
	}
	if !t.choose(trace.SpanContext{}) {
		r.Header[traceparent] = []string{unfollowed(trace.SpanContext{})}
		return Trace{}
	}
	key := run.Action
	f := t.follow(r.Context(), r, "action "+string(key.App)+"/"+key.Micro+"/"+key.ID, trace.SpanKindInternal,
		attribute.String("spacewasm.action", key.ID), attribute.String("spacewasm.trigger", string(run.Trigger)), attribute.Int("spacewasm.attempt", run.Attempt))
	f.named = true
	return f
}

// follow begins the span of a request that is followed, and tells the Micro of it.
func (t *Tracer) follow(ctx context.Context, r *http.Request, name string, kind trace.SpanKind, about ...attribute.KeyValue) Trace {
	began := time.Now()
	about = append(about, attribute.String("spacewasm.request", string(space.RequestIDOf(ctx))))
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(began), trace.WithAttributes(about...))
	t.format.Inject(ctx, propagation.HeaderCarrier(r.Header))
	return Trace{tracer: t, ctx: ctx, span: span, began: began}
}

// Sampled tells whether the request is followed.
func (f *Trace) Sampled() bool { return f.tracer != nil }

// End ends a request that a Micro has answered with a status, or with an error, and tells
// where its time went.
func (f *Trace) End(meter *Meter, status int, err error, u *space.Usage) {
	if !f.Sampled() {
		return
	}
	if meter != nil {
		app, micro := meter.Name()
		if !f.named {
			f.span.SetName(app + "/" + micro)
		}
		f.span.SetAttributes(attribute.String("spacewasm.app", app), attribute.String("spacewasm.micro", micro))
	}
	f.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if err != nil {
		f.span.SetAttributes(attribute.String("error.type", string(space.AsError(err).Code)))
	}
	if status >= http.StatusInternalServerError {
		f.span.SetStatus(codes.Error, "")
	}
	end := time.Now()
	f.parts(end, u)
	f.span.End(trace.WithTimestamp(end))
}

// parts are the spans of a request's way. What follows the run takes microseconds, so
// that they are laid from the end backwards: before them the body was read.
func (f *Trace) parts(end time.Time, u *space.Usage) {
	at := end.Add(-u.Run - u.Made - u.Queue)
	if at.Before(f.began) {
		at = f.began
	}
	at = f.part("queue", at, u.Queue)
	if u.Start == "" {
		return
	}
	at = f.part("start", at, u.Made, attribute.String("spacewasm.start", string(u.Start)))
	about := []attribute.KeyValue{attribute.Int64("spacewasm.fuel", int64(u.Fuel))} //nolint:gosec // 2^63 are not computed
	if u.Calls > 0 {
		about = append(about, attribute.Int64("spacewasm.sqlite.calls", u.Calls),
			attribute.Float64("spacewasm.sqlite.seconds", u.CallTime.Seconds()))
	}
	run, running := f.tracer.tracer.Start(f.ctx, "run", trace.WithTimestamp(at), trace.WithAttributes(about...))
	for _, asked := range u.Asked {
		f.asked(run, asked)
	}
	running.End(trace.WithTimestamp(at.Add(u.Run)))
}

// asked is the span of one call of a database. What the statement says is not in it.
func (f *Trace) asked(run context.Context, asked space.Asked) {
	name, about := "sqlite "+asked.Call, []attribute.KeyValue{attribute.String("db.system.name", "sqlite")}
	if asked.Kind != "" {
		name += " " + asked.Kind
		about = append(about, attribute.String("db.operation.name", asked.Kind))
	}
	_, span := f.tracer.tracer.Start(run, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(asked.Began), trace.WithAttributes(about...))
	span.End(trace.WithTimestamp(asked.Began.Add(asked.Took)))
}

func (f *Trace) part(name string, at time.Time, took time.Duration, about ...attribute.KeyValue) (end time.Time) {
	_, span := f.tracer.tracer.Start(f.ctx, name, trace.WithTimestamp(at), trace.WithAttributes(about...))
	end = at.Add(took)
	span.End(trace.WithTimestamp(end))
	return end
}
