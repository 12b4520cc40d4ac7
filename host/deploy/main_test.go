package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// silence is a log that nobody reads.
type silence struct{}

var _ runner.Log = silence{}

func (silence) Open(space.RequestID) runner.RequestLog { return silence{} }
func (silence) Fault(*space.Error)                     {}
func (silence) Tail() []string                         { return nil }
func (silence) Write(p []byte) (int, error)            { return len(p), nil }
func (silence) Close() error                           { return nil }
func silenceOf(space.AppName, string) runner.Log       { return silence{} }

func hostname(name space.AppName) string { return string(name) + ".example.org:4200" }

// bench is a deployer over a real engine and a data directory.
type bench struct {
	*deploy.Deployer
	dir      string
	store    *store.Store
	registry *registry.Registry
	said     *buffer // by the logger
	close    func()
}

// buffer is a text that several may write.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newBench(t testing.TB, dir string, change func(*space.Limits)) *bench {
	t.Helper()
	return newBenchOf(t, dir, change, func(*deploy.Config) {})
}

func newBenchOf(t testing.TB, dir string, change func(*space.Limits), configure func(*deploy.Config)) *bench {
	t.Helper()
	limits := space.DefaultLimits()
	limits.Concurrency, limits.Memory = 2, 16<<20
	if change != nil {
		change(&limits)
	}
	engine, err := wasi.New(t.Context(), wasi.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{dir: dir, registry: registry.New(), said: &buffer{}}
	if b.store, err = store.Open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	config := deploy.Config{
		Store: b.store, Registry: b.registry, Engine: engine, Limits: limits, TmpDir: t.TempDir(),
		Hostname: hostname, Log: silenceOf, Logger: slog.New(slog.NewTextHandler(b.said, nil)),
	}
	configure(&config)
	b.Deployer = deploy.New(config)
	b.close = sync.OnceFunc(func() {
		if err := errors.Join(b.registry.Close(context.Background()), engine.Close(context.Background()), b.store.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.close)
	return b
}

// Push uploads a bundle.
func (b *bench) Push(ctx context.Context, name space.AppName, media string, body io.Reader) (*registry.App, error) {
	return b.Deployer.Push(ctx, deploy.Upload{App: name, Media: media, Author: "tests", Body: body})
}

// push deploys a bundle that is fine.
func (b *bench) push(t *testing.T, name space.AppName, body []byte) *registry.App {
	t.Helper()
	app, err := b.Push(t.Context(), name, "", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// refuse pushes a bundle that is not, and returns why. It leaves nothing behind.
func (b *bench) refuse(t *testing.T, body []byte) *space.Error {
	t.Helper()
	before := b.blobs(t)
	app, err := b.Push(t.Context(), "bad", "", bytes.NewReader(body))
	var e *space.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, %v", app, err)
	}
	if after := b.blobs(t); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("the blobs were %v and are %v", before, after)
	}
	return e
}

func (b *bench) blobs(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(b.dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// ask sends a request to the Micro with the path.
func (b *bench) ask(t *testing.T, name space.AppName, path string) string {
	t.Helper()
	app, release, ok := b.registry.Acquire(name)
	if !ok {
		t.Fatalf("there is no app %s", name)
	}
	defer release()
	for _, route := range app.Routes {
		if route.Micro.Path != path {
			continue
		}
		rec := httptest.NewRecorder()
		if err := route.Server.Serve(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)); err != nil {
			t.Fatal(err)
		}
		return rec.Body.String()
	}
	t.Fatalf("the app %s has nothing at %s: %s", name, path, app.Failed)
	return ""
}
