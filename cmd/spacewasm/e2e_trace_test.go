package main_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

// spans are what a collector of OTLP over HTTP has got, by name.
type spans struct {
	mu  sync.Mutex
	all map[string][]*otlp.Span
}

// collect starts a collector.
func collect(t *testing.T) (url string, got *spans) {
	t.Helper()
	got = &spans{all: map[string][]*otlp.Span{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var request collector.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("X-Tenant") != "space" {
			t.Errorf("%s %v: %v", r.URL, r.Header, err)
		}
		got.mu.Lock()
		defer got.mu.Unlock()
		for _, of := range request.GetResourceSpans() {
			for _, scope := range of.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					got.all[span.GetName()] = append(got.all[span.GetName()], span)
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// of returns the only span of a name that is in a trace.
func (s *spans) of(t *testing.T, trace, name string) *otlp.Span {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*otlp.Span
	for _, span := range s.all[name] {
		if hex.EncodeToString(span.GetTraceId()) == trace {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q in the trace %s; there are %d names", len(found), name, trace, len(s.all))
	}
	return found[0]
}

// count counts the spans of a trace whose names begin so.
func (s *spans) count(trace, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for full, spans := range s.all {
		for _, span := range spans {
			if strings.HasPrefix(full, name) && hex.EncodeToString(span.GetTraceId()) == trace {
				n++
			}
		}
	}
	return n
}

// about returns an attribute of a span.
func about(span *otlp.Span, key string) *common.AnyValue {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == key {
			return a.GetValue()
		}
	}
	return nil
}

// traceOf is the trace that a traceparent names, and its flag.
func traceOf(t *testing.T, traceparent string) (trace, parent, flag string) {
	t.Helper()
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		t.Fatalf("traceparent %q", traceparent)
	}
	return parts[1], parts[2], parts[3]
}

// A request is followed from the gateway to a Micro's calls of SQLite: the collector gets where
// its time went, and the Micro of which trace it is a part, by either contract.
func TestE2ETrace(t *testing.T) {
	url, got := collect(t)
	s := serveTraced(t, nil, "--otlp", url, "--trace-ratio", "1")
	s.withProbe()
	s.pushed("handler", "application/wasm", read(t, buildMicro(t, "micro.wasm", "../../wasi/testdata/micro", asHandler)))
	file := filepath.Join(t.TempDir(), "data.db")
	must(t, sqlitetest.Make(t.Context(), file))
	s.pushed("queries", "application/zip", zipped(t, map[string]string{"main.wasm": string(read(t, sqlguest(t))), "data.db": string(read(t, file))}))

	strange := []string{"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Tracestate", "a=b"}
	env := s.env("/env?secret=1", strange...)
	command, commandSpan, _ := traceOf(t, env["HTTP_TRACEPARENT"])
	handler, _, _ := traceOf(t, s.ok("handler", "/traceparent", strange...))
	owned, _, _ := traceOf(t, s.ok("handler", "/traceparent", append(strange, "Authorization", "Bearer "+s.token)...))
	body, err := json.Marshal(sqlitetest.Request{Path: "/data.db", Queries: []sqlitetest.Query{{SQL: "SELECT 1"}}})
	must(t, err)
	a := s.do(s.request(http.MethodPost, "queries", "/", bytes.NewReader(body), "Content-Type", "application/json",
		"Authorization", "Bearer "+s.token, "Traceparent", "00-00000000000000000000000000000abc-00f067aa0ba902b7-01"))
	a.is(t, http.StatusOK, "")
	many, err := json.Marshal(sqlitetest.Request{Path: "/data.db", Queries: slices.Repeat([]sqlitetest.Query{{SQL: "SELECT 1"}}, 100)})
	must(t, err)
	s.do(s.request(http.MethodPost, "queries", "/", bytes.NewReader(many), "Content-Type", "application/json",
		"Authorization", "Bearer "+s.token, "Traceparent", "00-00000000000000000000000000000bbb-00f067aa0ba902b7-01")).is(t, http.StatusOK, "")
	s.get("probe", "/exit?status=3", "Authorization", "Bearer "+s.token, "Traceparent", "00-00000000000000000000000000000def-00f067aa0ba902b7-01")
	s.stop() // which sends what is left

	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	if command == theirs || handler == theirs || owned != theirs || env["HTTP_TRACESTATE"] != "" {
		t.Errorf("a stranger's requests are of the traces %s and %s, the owner's of %s; %q", command, handler, owned, env["HTTP_TRACESTATE"])
	}
	root := got.of(t, command, "probe/probe")
	if hex.EncodeToString(root.GetSpanId()) != commandSpan || about(root, "http.response.status_code").GetIntValue() != 200 ||
		about(root, "url.path").GetStringValue() != "/env" || about(root, "spacewasm.request").GetStringValue() == "" {
		t.Errorf("the request's span is %v", root)
	}
	for _, name := range []string{"queue", "start", "run"} {
		part := got.of(t, command, name)
		if !bytes.Equal(part.GetParentSpanId(), root.GetSpanId()) || part.GetStartTimeUnixNano() < root.GetStartTimeUnixNano() ||
			part.GetEndTimeUnixNano() > root.GetEndTimeUnixNano() || part.GetEndTimeUnixNano() < part.GetStartTimeUnixNano() {
			t.Errorf("the part %q is not within the request: %v in %v", name, part, root)
		}
	}
	run := got.of(t, command, "run")
	if about(run, "spacewasm.fuel").GetIntValue() <= 0 || about(run, "spacewasm.sqlite.calls") != nil {
		t.Errorf("the run is %v", run)
	}
	asked := got.of(t, "00000000000000000000000000000abc", "run")
	if about(asked, "spacewasm.sqlite.calls").GetIntValue() < 3 || about(asked, "spacewasm.sqlite.seconds").GetDoubleValue() <= 0 {
		t.Errorf("a run that asks a database is %v", asked)
	}
	step := got.of(t, "00000000000000000000000000000abc", "sqlite step SELECT")
	if !bytes.Equal(step.GetParentSpanId(), asked.GetSpanId()) || about(step, "db.operation.name").GetStringValue() != "SELECT" ||
		step.GetStartTimeUnixNano() < asked.GetStartTimeUnixNano() || step.GetEndTimeUnixNano() > asked.GetEndTimeUnixNano() ||
		strings.Contains(step.String(), "SELECT 1") {
		t.Errorf("the call of a database is %v", step)
	}
	got.of(t, "00000000000000000000000000000abc", "sqlite open")
	if n := got.count("00000000000000000000000000000bbb", "sqlite "); n != 64 {
		t.Errorf("of a request that asks a database often there are %d spans, want 64", n)
	}
	failed := got.of(t, "00000000000000000000000000000def", "probe/probe")
	if about(failed, "error.type").GetStringValue() != "exited" || failed.GetStatus().GetCode() != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("a request that failed is %v", failed)
	}
}

// The call of a Scheduled Action is followed as a request is, and its Micro gets of which trace
// it is a part.
func TestE2ETraceOfAction(t *testing.T) {
	url, got := collect(t)
	s := serveTraced(t, nil, "--otlp", url, "--trace-ratio", "1")
	spacefile := "v: 0\nmicros:\n  - name: web\n    src: .\n    engine: wasm\n    actions:\n" +
		"      - {id: tell, name: Tell, trigger: schedule, default_interval: 1 day, path: /env}\n" +
		"      - {id: boom, name: Boom, trigger: schedule, default_interval: 1 day, path: /panic}\n"
	s.pushed("app", "application/zip", zipped(t, map[string]string{"Spacefile": spacefile, "main.wasm": string(read(t, probe(t)))}))
	answer, _ := s.console(0, "actions", "run", "app", "tell")
	_, traceparent, found := strings.Cut(answer, "HTTP_TRACEPARENT=")
	if !found {
		t.Fatalf("the Micro gets no traceparent: %s", answer)
	}
	trace, span, flag := traceOf(t, traceparent[:55])
	s.console(1, "actions", "run", "app", "boom")
	s.stop() // which sends what is left
	root := got.of(t, trace, "action app/web/tell")
	if hex.EncodeToString(root.GetSpanId()) != span || flag != "01" || root.GetKind() != otlp.Span_SPAN_KIND_INTERNAL ||
		about(root, "spacewasm.trigger").GetStringValue() != "manual" || about(root, "spacewasm.request").GetStringValue() == "" ||
		about(root, "http.response.status_code").GetIntValue() != 200 || about(root, "spacewasm.app").GetStringValue() != "app" {
		t.Errorf("the span of the call is %v", root)
	}
	for _, name := range []string{"queue", "start", "run"} {
		if part := got.of(t, trace, name); !bytes.Equal(part.GetParentSpanId(), root.GetSpanId()) {
			t.Errorf("the part %q is of another: %v", name, part)
		}
	}
	if failed := got.all["action app/web/boom"]; len(failed) != 1 || about(failed[0], "error.type").GetStringValue() != "exited" {
		t.Errorf("a call that fails is %v", failed)
	}
}

// serveTraced starts a server whose traces go to a collector, which wants a header.
func serveTraced(t *testing.T, variables []string, flags ...string) *server {
	t.Helper()
	data := t.TempDir()
	must(t, os.Symlink(artefact(t, codeCache), filepath.Join(data, "cache")))
	must(t, os.WriteFile(filepath.Join(data, "key"), []byte("the key of these tests\n"), 0o600))
	args := append(variables, "OTEL_EXPORTER_OTLP_HEADERS=x-tenant=space", program(t), "serve", "--listen", "127.0.0.1:0", "--data", data)
	return serveCommand(t, data, exec.Command("env", append(args, flags...)...))
}

// The variables of the OpenTelemetry specification say where traces go, too, and who follows
// nobody changes no request.
func TestE2ETraceVariables(t *testing.T) {
	url, got := collect(t)
	s := serveTraced(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + url}, "--trace-ratio", "1").withProbe()
	trace, _, _ := traceOf(t, s.env("/env")["HTTP_TRACEPARENT"])
	s.stop()
	got.of(t, trace, "run")

	const theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, variables := range map[string][]string{"none": nil, "disabled": {"OTEL_EXPORTER_OTLP_ENDPOINT=" + url, "OTEL_SDK_DISABLED=true"}} {
		off := serveTraced(t, variables, "--trace-ratio", "1").withProbe()
		if env := off.env("/env", "Traceparent", theirs); env["HTTP_TRACEPARENT"] != theirs {
			t.Errorf("%s: the Micro gets %q", name, env["HTTP_TRACEPARENT"])
		}
		if _, there := off.env("/env")["HTTP_TRACEPARENT"]; there {
			t.Errorf("%s: a Micro gets a traceparent that nobody has sent", name)
		}
	}
}
