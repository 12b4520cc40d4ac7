package gateway_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is a Micro that answers with its name and keeps what it was asked.
type door struct {
	name  string
	asked *http.Request
	serve func(w http.ResponseWriter, r *http.Request) error
}

var _ registry.Server = (*door)(nil)

func (d *door) Serve(w http.ResponseWriter, r *http.Request) error {
	d.asked = r
	if d.serve != nil {
		return d.serve(w, r)
	}
	_, err := io.WriteString(w, d.name)
	return err
}

func (d *door) Close(context.Context) error { return nil }

// guard admits who says so.
type guard struct{}

var _ gateway.Guard = guard{}

func (guard) Admin(r *http.Request) bool        { return r.Header.Get("Authorization") == "Bearer token" }
func (guard) Strip(h http.Header)               { h.Del("Authorization") }
func (guard) Owner(token string) (string, bool) { return "admin", token == "token" }
func (guard) HasAppKey(app space.AppName, key string) bool {
	return app == "app" && key == "appkey"
}

// bench is a gateway with the app "app" of the given Micros, by path, all public.
type bench struct {
	*gateway.Gateway
	config gateway.Config
	doors  map[string]*door
	said   *strings.Builder // by the logger

	generation string // of the admin's token
	now        time.Time
}

func (b *bench) clock() time.Time { return b.now }

func newBench(t *testing.T, change func(*gateway.Config), paths ...string) *bench {
	t.Helper()
	b := &bench{doors: map[string]*door{}, said: &strings.Builder{}, now: time.Unix(1_800_000_000, 0)}
	b.generation = "1"
	b.config = gateway.Config{
		Logins:   access.NewLogins([]byte("a key of the test's own"), func(string) string { return b.generation }, b.clock),
		Attempts: access.NewAttempts(b.clock),
		BaseURL:  "http://localhost:4200",
		AppURL:   func(app space.AppName) string { return "http://" + string(app) + ".localhost:4200/" },
		Registry: registry.New(), Guard: guard{}, Domains: []string{"localhost", "space.example.org"}, Loopback: true,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		Platform:       http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "platform") }),
		Starting:       func() bool { return false },
		Ready:          func() error { return nil },
		Logger:         slog.New(slog.NewTextHandler(b.said, nil)),
	}
	if change != nil {
		change(&b.config)
	}
	app := &registry.App{App: space.App{Name: "app", Key: "a_key", APIKey: "an_apikey"}}
	for _, path := range paths {
		b.doors[path] = &door{name: path}
		app.Routes = append(app.Routes, registry.Route{Micro: space.Micro{Path: path, Public: true}, Server: b.doors[path]})
	}
	b.config.Registry.Publish(app)
	b.config.Registry.Publish(&registry.App{App: space.App{Name: "failed"}, Failed: "push it again"})
	b.Gateway = gateway.New(b.config)
	t.Cleanup(func() {
		if err := b.config.Registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// private makes the app's Micros private.
func (b *bench) private() {
	app, release, _ := b.config.Registry.Acquire("app")
	defer release()
	for i := range app.Routes {
		app.Routes[i].Micro.Public = false
	}
}

func get(t *testing.T, target string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.RemoteAddr = "203.0.113.9:1234"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func (b *bench) ask(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	b.ServeHTTP(rec, r)
	return rec
}

// cut asks, and wants the connection to be cut: a client that has closed only its
// half must not read an empty 200.
func (b *bench) cut(t *testing.T, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	defer func() {
		if recovered := recover(); recovered != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			t.Errorf("recovered %v", recovered)
		}
	}()
	b.ServeHTTP(w, r)
}

// wantError checks an error of the platform's.
func wantError(t *testing.T, what string, rec *httptest.ResponseRecorder, code space.Code) {
	t.Helper()
	if rec.Code != code.Status() || rec.Header().Get("X-Space-Error") != string(code) {
		t.Errorf("%s: got %d %v %q, want %s", what, rec.Code, rec.Header(), rec.Body, code)
	}
}

var errDisk = errors.New("the disk is on fire")

func (*door) Usage() space.Usage { return space.Usage{} }
