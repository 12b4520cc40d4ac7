package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/profile"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/host/vault"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// guard admits who says so, and who has one of the real one's tokens.
type guard struct{ *access.Guard }

var _ api.Guard = guard{}

func (g guard) Who(r *http.Request) (access.Caller, bool) {
	if r.Header.Get("Authorization") == "Bearer token" {
		return access.Caller{Name: "admin", Admin: true}, true
	}
	return g.Guard.Who(r)
}

func (guard) Prove(nonce, addr string) (string, error) {
	if nonce == "" {
		return "", errors.New("no nonce")
	}
	return "proof of " + nonce + " at " + addr, nil
}

// silence is a Micro's log that nobody reads.
type silence struct{ io.Writer }

var _ runner.Log = silence{}

func (s silence) Open(space.RequestID) runner.RequestLog { return s }
func (silence) Fault(*space.Error)                       {}
func (silence) Close() error                             { return nil }

// bench is the API over real parts.
type bench struct {
	http.Handler
	logs *logs.Store
	// reports has one of the app "app", with the id "ci".
	reports  *reports.Store
	store    *store.Store
	schedule *schedule.Scheduler // which a test has to run
	drain    context.CancelFunc
	said     *strings.Builder // by the logger
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{said: &strings.Builder{}}
	logger := slog.New(slog.NewTextHandler(b.said, nil))
	engine, err := wasi.New(t.Context(), wasi.Config{})
	if err != nil {
		t.Fatal(err)
	}
	durable, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if b.logs, err = logs.Open(logs.DefaultConfig(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	b.openReports(t)
	b.store = durable
	owner, err := access.Open(filepath.Join(t.TempDir(), "token"))
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := access.NewKeeper(t.Context(), owner, durable)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := vault.New([]byte("the key of these tests"))
	if err != nil {
		t.Fatal(err)
	}
	table := registry.New()
	limits := space.DefaultLimits()
	limits.Bundle = 10 << 10
	draining, drain := context.WithCancel(context.Background())
	b.drain = drain
	b.schedule = schedule.New(schedule.Config{
		Store: durable, Registry: table, Places: 1, Logger: logger,
		Hostname: func(name space.AppName) string { return string(name) + ".example.org" },
	})
	b.Handler = api.New(api.Config{
		Registry: table, Logs: b.logs, Reports: b.reports, Schedule: b.schedule,
		Guard: guard{owner}, Keeper: keeper, Domains: newDomains(t, durable), Profiler: profile.New(table), Domain: "example.org", Version: "v1.2.3", BundleLimit: limits.Bundle,
		URL:      func(name space.AppName) string { return "http://" + string(name) + ".example.org/" },
		Draining: draining.Done(), Logger: logger,
		Deployer: deploy.New(deploy.Config{
			Store: durable, Registry: table, Engine: engine, Vault: secrets, Limits: limits, TmpDir: t.TempDir(), Logger: logger,
			Hostname: func(name space.AppName) string { return string(name) + ".example.org" },
			Log:      func(space.AppName, string) runner.Log { return silence{io.Discard} },
		}),
	})
	t.Cleanup(func() {
		drain()
		if err := errors.Join(table.Close(context.Background()), engine.Close(context.Background()), b.logs.Close(), b.reports.Close(), durable.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// ask sends an owner's request.
func (b *bench) ask(t *testing.T, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(space.WithRequestID(t.Context(), "the-id"), method, target, body)
	r.Header.Set("Authorization", "Bearer token")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, r)
	return rec
}

func (b *bench) push(t *testing.T, app, guest string) wire.App {
	t.Helper()
	rec := b.ask(t, http.MethodPut, "/api/v1/apps/"+app, bytes.NewReader(wasitest.Guest(guest)), "Content-Type", "application/wasm")
	if rec.Code != http.StatusCreated || rec.Header().Get("Location") != "/api/v1/apps/"+app {
		t.Fatalf("push: got %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	return decode[wire.App](t, rec)
}

func decode[T any](t *testing.T, rec *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %q", err, rec.Body)
	}
	return v
}

// wantProblem checks an error, which is problem details always.
func wantProblem(t *testing.T, what string, rec *httptest.ResponseRecorder, code space.Code) space.Problem {
	t.Helper()
	p := decode[space.Problem](t, rec)
	if rec.Code != code.Status() || p.Code != code || p.Status != rec.Code || p.ErrorID != "the-id" || p.Detail == "" ||
		rec.Header().Get("Content-Type") != "application/problem+json" || rec.Header().Get("X-Space-Error") != string(code) {
		t.Errorf("%s: got %d %v %s, want %s", what, rec.Code, rec.Header(), rec.Body, code)
	}
	return p
}

// isOpen tells whether a path needs no token.
func isOpen(path string) bool {
	return path == "/" || path == "/api/v1/openapi.json" || path == "/api/v1/proof"
}

// The document describes what is there, and nothing else; all of it but the door needs the token.
func TestDocument(t *testing.T) {
	b := newBench(t)
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		Summary   string
		Security  []any
		Responses map[string]any
	}
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, item := range document.Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var op operation
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			name := strings.ToUpper(method) + " " + strings.NewReplacer("{", ":", "}", "").Replace(path)
			described = append(described, name)
			open := isOpen(path)
			if _, has := op.Responses["401"]; op.Summary == "" || len(op.Responses) == 0 || open != (len(op.Security) == 0) || open == has {
				t.Errorf("%s: summary %q, security %v, responses %v", name, op.Summary, op.Security, op.Responses)
			}
		}
	}
	routes := api.Routes(b.Handler)
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Errorf("the API answers %q\nthe document has %q", routes, described)
	}
	rec := b.ask(t, http.MethodGet, "/api/v1/openapi.json", nil, "Authorization", "")
	if rec.Code != http.StatusOK || !bytes.Equal(rec.Body.Bytes(), text) || !strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		t.Errorf("got %d %v", rec.Code, rec.Header())
	}
}

// T37: the proof is bound to the address that the connection came to, and nobody elsewhere gets one.
func TestProof(t *testing.T) {
	b := newBench(t)
	ask := func(target string, local net.Addr) *httptest.ResponseRecorder {
		ctx := context.WithValue(space.WithRequestID(t.Context(), "the-id"), http.LocalAddrContextKey, local)
		rec := httptest.NewRecorder()
		b.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil))
		return rec
	}
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4200}
	rec := ask("http://elsewhere:1/api/v1/proof?nonce=n", here)
	if got := decode[wire.Proof](t, rec).Proof; rec.Code != http.StatusOK || got != "proof of n at 127.0.0.1:4200" {
		t.Errorf("got %d %q", rec.Code, got)
	}
	wantProblem(t, "no nonce", ask("/api/v1/proof", here), space.CodeBadRequest)
	wantProblem(t, "outside", ask("/api/v1/proof?nonce=n", &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4200}), space.CodeNotFound)
}

func TestHome(t *testing.T) {
	rec := newBench(t).ask(t, http.MethodGet, "/", nil, "Authorization", "")
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(rec.Body.String(), "spacewasm") {
		t.Errorf("got %d %v", rec.Code, rec.Header())
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// Without the token nothing is told, read or done.
func TestUnauthorized(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	for _, route := range api.Routes(b.Handler) {
		method, path, _ := strings.Cut(route, " ")
		if isOpen(path) {
			continue
		}
		for _, authorization := range []string{"", "Bearer wrong", "Basic token"} {
			rec := b.ask(t, method, strings.Replace(path, ":app", "app", 1), unread{t}, "Authorization", authorization)
			if p := wantProblem(t, route, rec, space.CodeUnauthorized); !strings.Contains(p.Detail, "Authorization: Bearer") {
				t.Errorf("%s: %q does not help", route, p.Detail)
			}
			if !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s: headers %v", route, rec.Header())
			}
		}
	}
	if app := b.push(t, "app", "hello"); app.Revision != 2 {
		t.Errorf("somebody came in: revision %d", app.Revision)
	}
}

func TestApps(t *testing.T) {
	b := newBench(t)
	if rec := b.ask(t, http.MethodGet, "/api/v1/apps", nil); strings.TrimSpace(rec.Body.String()) != `{"apps":[]}` {
		t.Errorf("got %s", rec.Body)
	}
	b.push(t, "b", "hello")
	b.push(t, "a", "hello")
	app := b.push(t, "a", "echo")
	if app.App != "a" || app.Revision != 2 || app.URL != "http://a.example.org/" || time.Since(app.Created) > time.Minute || app.Failed != "" || len(app.Micros) != 1 {
		t.Fatalf("got %+v", app)
	}
	m := app.Micros[0]
	if m.Name != "a" || m.Path != "/" || m.Contract != "cgi" || !m.Primary || !m.Public || m.WasmBytes != int64(len(wasitest.Guest("echo"))) ||
		m.CompileMS <= 0 || m.Snapshot.Taken || m.Snapshot.Reason == "" {
		t.Errorf("got %+v", m)
	}
	got := decode[wire.App](t, b.ask(t, http.MethodGet, "/api/v1/apps/a", nil))
	if got.Revision != 2 || !reflect.DeepEqual(got.Micros[0], m) {
		t.Errorf("got %+v", got)
	}
	all := decode[wire.Apps](t, b.ask(t, http.MethodGet, "/api/v1/apps", nil)).Apps
	if len(all) != 2 || all[0].App != "a" || all[1].App != "b" {
		t.Errorf("got %+v", all)
	}
	version := decode[wire.Version](t, b.ask(t, http.MethodGet, "/api/v1/version", nil))
	if version != (wire.Version{Version: "v1.2.3", Domain: "example.org"}) {
		t.Errorf("got %+v", version)
	}
}

func TestRemove(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	if err := b.logs.Append("app", logs.Entry{Message: "of the past"}); err != nil {
		t.Fatal(err)
	}
	if rec := b.ask(t, http.MethodDelete, "/api/v1/apps/app", nil); rec.Code != http.StatusNoContent || rec.Body.Len() > 0 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	for _, method := range []string{http.MethodDelete, http.MethodGet} {
		wantProblem(t, method, b.ask(t, method, "/api/v1/apps/app", nil), space.CodeNotFound)
	}
	if app := b.push(t, "app", "hello"); app.Revision != 1 {
		t.Errorf("a new app begins with revision %d", app.Revision)
	}
	if rec := b.ask(t, http.MethodGet, "/api/v1/apps/app/logs", nil); rec.Body.Len() > 0 {
		t.Errorf("the new app has the log of the old: %s", rec.Body)
	}
}

func TestProblems(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	for _, c := range []struct {
		method, target string
		body           io.Reader
		code           space.Code
		detail         string
	}{
		{http.MethodGet, "/nothing", nil, space.CodeNotFound, "/nothing"},
		{http.MethodGet, "/api/v1/nothing", nil, space.CodeNotFound, "/api/v1/nothing"},
		{http.MethodPost, "/api/v1/apps/app", nil, space.CodeMethodNotAllowed, "POST"},
		{http.MethodPost, "/", nil, space.CodeMethodNotAllowed, "POST"},
		{http.MethodGet, "/api/v1/apps/other", nil, space.CodeNotFound, `"other"`},
		{http.MethodGet, "/api/v1/apps/other/logs", nil, space.CodeNotFound, `"other"`},
		{http.MethodGet, "/api/v1/apps/A_b", nil, space.CodeBadRequest, "lower-case"},
		{http.MethodDelete, "/api/v1/apps/-", nil, space.CodeBadRequest, "lower-case"},
		{http.MethodPut, "/api/v1/apps/www", unread{t}, space.CodeBadRequest, "reserved"},
		{http.MethodPut, "/api/v1/apps/%2e%2e", unread{t}, space.CodeBadRequest, "lower-case"},
		{http.MethodPut, "/api/v1/apps/app", strings.NewReader("no module"), space.CodeRefused, "neither a .wasm module"},
		{http.MethodPut, "/api/v1/apps/app", bytes.NewReader(wasitest.Guest("noentry")), space.CodeRefused, "_start"},
		{http.MethodPut, "/api/v1/apps/app", strings.NewReader("\x00asm" + strings.Repeat("x", 11<<10)), space.CodePayloadTooLarge, "--bundle"},
		{http.MethodGet, "/api/v1/apps/app/logs?follow=1", nil, space.CodeBadRequest, "follow"},
		{http.MethodGet, "/api/v1/apps/app/logs?status=6xx", nil, space.CodeBadRequest, "5xx"},
		{http.MethodGet, "/api/v1/apps/app/logs?source=host", nil, space.CodeBadRequest, "guest, platform, request or all"},
		{http.MethodGet, "/api/v1/apps/app/logs?limit=0", nil, space.CodeBadRequest, "1 to 10000"},
		{http.MethodGet, "/api/v1/apps/app/logs?until=now", nil, space.CodeBadRequest, "RFC 3339"},
		{http.MethodGet, "/api/v1/apps/app/logs?follow=true&until=2026-01-31T12:00:00Z", nil, space.CodeBadRequest, "until"},
		{http.MethodGet, "/api/v1/apps/app/logs?since=yesterday", nil, space.CodeBadRequest, "RFC 3339"},
		{http.MethodGet, "/api/v1/apps/app/logs?since=2026-01-31", nil, space.CodeBadRequest, "RFC 3339"},
	} {
		rec := b.ask(t, c.method, c.target, c.body)
		if p := wantProblem(t, c.method+" "+c.target, rec, c.code); !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%s %s: %q does not say %q", c.method, c.target, p.Detail, c.detail)
		} else if c.code == space.CodeRefused && len(p.Faults) != 1 {
			t.Errorf("%s %s: faults %v", c.method, c.target, p.Faults)
		}
	}
	if app := decode[wire.App](t, b.ask(t, http.MethodGet, "/api/v1/apps/app", nil)); app.Revision != 1 {
		t.Errorf("revision %d answers", app.Revision)
	}
}

// A declared length above all limits is refused before anything arrives.
func TestDeclaredTooLarge(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequestWithContext(space.WithRequestID(t.Context(), "the-id"), http.MethodPut, "/api/v1/apps/app", unread{t})
	r.Header.Set("Authorization", "Bearer token")
	r.ContentLength = 1 << 30
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, r)
	wantProblem(t, "push", rec, space.CodePayloadTooLarge)
}

// A browser is shown a page.
func TestProblemPage(t *testing.T) {
	rec := newBench(t).ask(t, http.MethodGet, "/nothing", nil, "Accept", "text/html")
	if rec.Code != http.StatusNotFound || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
		t.Errorf("got %d %v", rec.Code, rec.Header())
	}
}

// What the server fails at is logged and not told.
func TestInternal(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	if err := b.logs.Close(); err != nil {
		t.Fatal(err)
	}
	rec := b.ask(t, http.MethodDelete, "/api/v1/apps/app", nil)
	if p := wantProblem(t, "remove", rec, space.CodeInternal); strings.Contains(p.Detail, "closed") || !strings.Contains(b.said.String(), "closed") {
		t.Errorf("told %q, logged %q", p.Detail, b.said)
	}
}

func entries(t *testing.T, body string) []string {
	t.Helper()
	var messages []string
	for line := range strings.Lines(body) {
		var e logs.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		messages = append(messages, e.Message)
	}
	return messages
}

func TestLogs(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	noon := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	err := b.logs.Append("app",
		logs.Entry{Time: noon, Micro: "a", Source: logs.SourceGuest, Message: "old"},
		logs.Entry{Time: noon.Add(time.Minute), Micro: "b", Source: logs.SourceGuest, Message: "<b>"},
		logs.Entry{Time: noon.Add(2 * time.Minute), Micro: "a", Source: logs.SourcePlatform, Code: "crashed", Message: "new"},
	)
	if err != nil {
		t.Fatal(err)
	}
	err = b.logs.Append("app+requests", logs.Entry{
		Time: noon.Add(3 * time.Minute), Micro: "b", Request: "theid", Source: logs.SourceRequest,
		HTTP: &logs.Exchange{Method: "GET", Path: "/x", Status: 503, Bytes: 7, TookMS: 1.5, Start: "clone"},
	})
	if err != nil {
		t.Fatal(err)
	}
	minute := noon.Add(time.Minute).Format(time.RFC3339)
	for query, want := range map[string][]string{
		"":                            {"old", "<b>", "new"},
		"?follow=false":               {"old", "<b>", "new"},
		"?micro=a":                    {"old", "new"},
		"?micro=none":                 nil,
		"?since=" + minute:            {"<b>", "new"},
		"?micro=a&since=" + minute:    {"new"},
		"?since=2999-01-01T00:00:00Z": nil,
		"?since=&micro=&follow=":      {"old", "<b>", "new"},
		"?since=2020-01-01T00:00:00Z": {"old", "<b>", "new"},
		"?unknown=1":                  {"old", "<b>", "new"},
		"?until=" + minute:            {"old"},
		"?q=OLD":                      {"old"},
		"?q=crash":                    {"new"},
		"?source=guest":               {"old", "<b>"},
		"?source=platform,request":    {"new", "GET /x 503 in 1.5 ms, 7 bytes, clone"},
		"?source=all&limit=2":         {"new", "GET /x 503 in 1.5 ms, 7 bytes, clone"},
		"?status=5xx":                 {"GET /x 503 in 1.5 ms, 7 bytes, clone"},
		"?status=502":                 nil,
		"?request=theid":              {"GET /x 503 in 1.5 ms, 7 bytes, clone"},
		"?limit=1":                    {"new"},
	} {
		rec := b.ask(t, http.MethodGet, "/api/v1/apps/app/logs"+query, nil)
		if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/x-ndjson" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %v", query, rec.Code, rec.Header())
		}
		if got := entries(t, rec.Body.String()); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

// A follower is sent what comes, until the server drains.
func TestFollowLogs(t *testing.T) {
	b := newBench(t)
	b.push(t, "app", "hello")
	server := httptest.NewServer(b)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/apps/app/logs?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer token")
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for _, message := range []string{"first", "second"} {
		if err := b.logs.Append("app", logs.Entry{Message: message}); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), message) {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
	}
	b.drain()
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("the stream goes on with %q, %v", lines.Text(), lines.Err())
	}
	server.Client().CloseIdleConnections()
}
