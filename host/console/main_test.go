package console_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/console"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/domains"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/pool"
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

// silence is a Micro's log that nobody reads.
type silence struct{ io.Writer }

func (s silence) Open(space.RequestID) runner.RequestLog { return s }
func (silence) Fault(*space.Error)                       {}
func (silence) Tail() []string                           { return nil }
func (silence) Close() error                             { return nil }

// bench is the console over real parts.
type bench struct {
	store *store.Store
	http.Handler
	t        *testing.T
	registry *registry.Registry
	logs     *logs.Store
	reports  *reports.Store
	book     *activity.Book
	drain    context.CancelFunc
	said     *strings.Builder // by the logger
	desk     *coldstart.Desk
	// figures are what a measurement finds; nil fails it.
	figures *record.Document
}

// measure is the [coldstart.Measure] of these tests.
func (b *bench) measure(context.Context, coldstart.Job, func(string, float64)) (*record.Document, error) {
	if b.figures == nil {
		return nil, errors.New("the module answers 500: <script>alert(1)</script>\x1b[2J")
	}
	return b.figures, nil
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, said: &strings.Builder{}, registry: registry.New(), book: activity.New(time.Now)}
	logger := slog.New(slog.NewTextHandler(b.said, nil))
	engine := must(wasi.New(t.Context(), wasi.Config{}))
	durable := must(store.Open(t.Context(), t.TempDir()))
	b.store = durable
	b.logs = must(logs.Open(logs.DefaultConfig(t.TempDir())))
	b.reports = must(reports.Open(reports.DefaultConfig(t.TempDir())))
	guard := must(access.Open(filepath.Join(t.TempDir(), "token")))
	keeper := must(access.NewKeeper(t.Context(), guard, durable))
	customs := must(domains.New(t.Context(), domains.Config{Store: durable, Platform: []string{"example.org"}, BaseURL: "http://example.org"}))
	limits := space.DefaultLimits()
	limits.Bundle = 256 << 10
	hostname := func(name space.AppName) string { return string(name) + ".example.org" }
	draining, drain := context.WithCancel(context.Background())
	b.drain = drain
	b.desk = coldstart.New(coldstart.Config{
		Registry: b.registry, Store: durable, Bundle: durable.Blobs().Open, Dir: t.TempDir(), Now: time.Now, Logger: logger, Measure: b.measure,
		Memory: pool.NewBudget(1 << 30), Tmp: pool.NewBudget(1 << 30),
		Room: func(int64) bool { return true }, Turn: func(context.Context) (func(), error) { return func() {}, nil },
	})
	b.Handler = console.New(console.Config{
		ColdStart: b.desk,
		Registry:  b.registry, Logs: b.logs, Reports: b.reports, Keeper: keeper, Domains: customs, Activity: b.book, Profiler: profile.New(b.registry), Bundle: durable.Blobs().Open, Version: "v1.2.3",
		URL:     func(name space.AppName) string { return "http://" + hostname(name) + "/" },
		BaseURL: "http://example.org", BundleLimit: limits.Bundle, Draining: draining.Done(), Logger: logger,
		Schedule: schedule.New(schedule.Config{Store: durable, Registry: b.registry, Places: 1, Logger: logger, Hostname: hostname}),
		Deployer: deploy.New(deploy.Config{
			Store: durable, Registry: b.registry, Engine: engine, Vault: must(vault.New([]byte("the key of these tests"))), Limits: limits,
			TmpDir: t.TempDir(), Logger: logger, Hostname: hostname,
			Log: func(space.AppName, string) runner.Log { return silence{io.Discard} },
		}),
	})
	t.Cleanup(func() {
		drain()
		if err := errors.Join(b.registry.Close(context.Background()), engine.Close(context.Background()), b.logs.Close(), b.reports.Close(), durable.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// must is for what a test begins with.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// request is one of the owner's browser.
func (b *bench) request(method, target string, body io.Reader, headers ...string) *http.Request {
	ctx := access.WithOwner(space.WithRequestID(b.t.Context(), "the-id"), "admin")
	r := httptest.NewRequestWithContext(ctx, method, "http://console.example.org"+target, body)
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (b *bench) ask(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, r)
	return rec
}

// get asks for a page, which there has to be.
func (b *bench) get(target string) string {
	b.t.Helper()
	rec := b.ask(b.request(http.MethodGet, target, nil))
	if rec.Code != http.StatusOK {
		b.t.Fatalf("%s: got %d %s", target, rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// post sends a form.
func (b *bench) post(target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := b.request(http.MethodPost, target, strings.NewReader(form.Encode()), headers...)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.ask(r)
}

// upload sends the form with a file.
func (b *bench) upload(app, name string, content []byte, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	if app != "" {
		form.WriteField("app", app)
	}
	must(must(form.CreateFormFile("file", name)).Write(content))
	form.Close()
	r := b.request(http.MethodPost, "/deploy", &body, headers...)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return b.ask(r)
}

// deployed sends a module that has to go live.
func (b *bench) deployed(app string) {
	b.t.Helper()
	if rec := b.upload(app, "x.wasm", wasitest.Guest("hello")); rec.Code != http.StatusSeeOther {
		b.t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
}

// revision is the number of the one that answers for an app, 0 for none.
func (b *bench) revision(app space.AppName) int {
	live, release, ok := b.registry.Acquire(app)
	if !ok {
		return 0
	}
	defer release()
	return live.Revision.Number
}

// reported waits until there is a report of a failure.
func (b *bench) reported(f reports.Failure) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error)
	go func() { ended <- b.reports.Run(ctx) }()
	b.reports.Note(f.App, f.Micro, f.Revision, f.Err.Code, func() *reports.Failure { return &f })
	for late := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := b.reports.Get(f.App, string(f.ID)); err == nil {
			break
		} else if time.Now().After(late) {
			b.t.Fatal(err)
		}
	}
	cancel()
	must(0, <-ended)
}
