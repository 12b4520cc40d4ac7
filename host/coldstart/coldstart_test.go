package coldstart_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/coldstart"
	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// micro is a live Micro that nobody asks.
type micro struct{ runner.Described }

func (m micro) Describe() runner.Described                   { return m.Described }
func (micro) Usage() space.Usage                             { return space.Usage{} }
func (micro) Serve(http.ResponseWriter, *http.Request) error { return nil }
func (micro) Close(context.Context) error                    { return nil }

// files is a live Micro of files only.
type files struct{ registry.Server }

func (files) Close(context.Context) error { return nil }

const limit = 64 << 20

// desk is a desk for an app with one Micro that can be measured, and one that cannot.
type desk struct {
	*coldstart.Desk
	t      *testing.T
	app    space.App
	store  *store.Store
	memory *pool.Budget
	dir    string
	live   *registry.Registry
}

func newDesk(t *testing.T, measure coldstart.Measure) *desk {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	planned, err := s.Plan(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	api := space.Micro{Name: "api", Run: []string{"main.wasm", "-v"}, WasmBytes: 1000}
	planned.Revision.Micros = []space.Micro{api, {Name: "web"}}
	deployed, err := s.Activate(t.Context(), planned)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, app: deployed.App, store: s, memory: pool.NewBudget(4 * limit), dir: t.TempDir(), live: registry.New()}
	limits := space.DefaultLimits()
	limits.Memory = limit
	d.live.Publish(&registry.App{App: deployed.App, Revision: deployed.Revision, Routes: []registry.Route{
		{Micro: api, Server: micro{runner.Described{Micro: api, Env: []string{"SECRET=s"}, Limits: limits}}},
		{Micro: space.Micro{Name: "web"}, Server: files{}},
	}})
	bundle := t.TempDir()
	d.Desk = coldstart.New(coldstart.Config{
		Registry: d.live, Store: s, Measure: measure, Dir: d.dir, Memory: d.memory,
		Bundle: func(space.Digest) (*os.Root, error) { return os.OpenRoot(bundle) },
		Room:   func(n int64) bool { return n < 1<<20 },
		Turn:   func(context.Context) (func(), error) { return func() {}, nil },
		Now:    time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// over waits until there is no job.
func (d *desk) over() {
	d.t.Helper()
	for late := time.Now().Add(10 * time.Second); d.Busy(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			d.t.Fatal("the job does not end")
		}
	}
}

func (d *desk) history() []coldstart.Measurement {
	d.t.Helper()
	list, err := d.History(d.t.Context(), "shop", "api")
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func document(stage string) *record.Document {
	return &record.Document{Modules: []record.Module{{Stages: []record.StageFigure{{Name: stage, Ours: record.Figures{Count: 1, P50: time.Millisecond}}}}}}
}

// A job has all that the Micro has, and its part of the node's memory while it runs; another
// is refused meanwhile, and what came of it is kept.
func TestJob(t *testing.T) {
	begun, goOn := make(chan coldstart.Job), make(chan struct{})
	d := newDesk(t, func(_ context.Context, job coldstart.Job, progress func(string, float64)) (*record.Document, error) {
		progress("measuring: warm", 0.5)
		begun <- job
		<-goOn
		return document("warm"), nil
	})
	if err := d.Start("shop", "api", "/items?x=1"); err != nil {
		t.Fatal(err)
	}
	job := <-begun
	if info, err := os.Stat(job.Dir); err != nil || !info.IsDir() || !strings.HasPrefix(job.Dir, d.dir) {
		t.Errorf("the folder %s: %v", job.Dir, err)
	}
	if job.Path != "/items?x=1" || job.Memory != 3*limit || d.memory.Used() != job.Memory || job.Limits.Memory != limit ||
		strings.Join(job.Run, " ") != "main.wasm -v" || strings.Join(job.Env, " ") != "SECRET=s" || job.Time != coldstart.DefaultTime {
		t.Errorf("the job is %+v; %d bytes are taken", job, d.memory.Used())
	}
	if state, ok := d.State(d.app, "api"); !ok || state.What != "measuring: warm" || state.Done != 0.5 {
		t.Errorf("the state is %+v, %v", state, ok)
	}
	if _, ok := d.State(d.app, "web"); ok {
		t.Error("another Micro's job is taken for its own")
	}
	if err := d.Start("shop", "api", "/"); space.AsError(err).Code != space.CodeQueueFull {
		t.Errorf("a second job: %v", err)
	}
	close(goOn)
	d.over()
	list := d.history()
	if len(list) != 1 || list[0].Revision != 1 || list[0].Path != "/items?x=1" || list[0].Modules[0].Stages[0].Name != "warm" {
		t.Errorf("the history is %+v", list)
	}
	if _, err := os.Stat(job.Dir); !errors.Is(err, os.ErrNotExist) || d.memory.Used() != 0 {
		t.Errorf("left: %v, %d bytes of memory", err, d.memory.Used())
	}
}

// What cannot be measured is refused, and why a job failed is told until the next.
func TestJobFails(t *testing.T) {
	fail := true
	d := newDesk(t, func(context.Context, coldstart.Job, func(string, float64)) (*record.Document, error) {
		if fail {
			return nil, errors.New("the module answers 500: " + strings.Repeat("x", 10000))
		}
		return document("warm"), nil
	})
	for _, c := range []struct {
		app         space.AppName
		micro, path string
		code        space.Code
	}{
		{"shop", "api", "items", space.CodeBadRequest},
		{"shop", "api", "/a b", space.CodeBadRequest},
		{"shop", "api", "/\r\nHost: x", space.CodeBadRequest},
		{"shop", "api", "/" + strings.Repeat("x", 3000), space.CodeBadRequest},
		{"shop", "web", "/", space.CodeBadRequest},
		{"shop", "other", "/", space.CodeNotFound},
		{"none", "api", "/", space.CodeNotFound},
	} {
		if err := d.Start(c.app, c.micro, c.path); err == nil || space.AsError(err).Code != c.code {
			t.Errorf("%s/%s%.40q: %v", c.app, c.micro, c.path, err)
		}
	}
	if err := d.Start("shop", "api", "/broken"); err != nil {
		t.Fatal(err)
	}
	d.over()
	failed, ok := d.Failed(d.app, "api")
	if !ok || failed.Path != "/broken" || !strings.HasPrefix(failed.Reason, "the module answers 500") || len(failed.Reason) > 4096 {
		t.Errorf("%v, %.80v", ok, failed)
	}
	if heir := (space.App{Name: "shop", Key: "another"}); len(d.history()) > 0 {
		t.Error("a failure is in the history")
	} else if _, ok := d.Failed(heir, "api"); ok {
		t.Error("the heir of the name sees the failure")
	}
	fail = false
	if err := d.Start("shop", "api", "/"); err != nil {
		t.Fatal(err)
	}
	d.over()
	if _, ok := d.Failed(d.app, "api"); ok || len(d.history()) != 1 {
		t.Error("the failure stays")
	}
}

// Without memory, or room on the disk, nothing is begun.
func TestJobWithoutRoom(t *testing.T) {
	d := newDesk(t, func(context.Context, coldstart.Job, func(string, float64)) (*record.Document, error) {
		return document("warm"), nil
	})
	d.memory.Take(3*limit + 1)
	if err := d.Start("shop", "api", "/"); err != nil {
		t.Fatal(err)
	}
	d.over()
	if failed, ok := d.Failed(d.app, "api"); !ok || !strings.Contains(failed.Reason, "memory") {
		t.Errorf("%v, %v", ok, failed)
	}
	d.memory.Give(limit)
	if err := d.Start("shop", "api", "/"); err != nil {
		t.Fatal(err)
	}
	if d.over(); len(d.history()) != 1 || d.memory.Used() != 2*limit+1 {
		t.Errorf("with memory for one instance: %v", d.history())
	}
}

// A server that cannot measure says so.
func TestNobodyMeasures(t *testing.T) {
	if err := newDesk(t, nil).Start("shop", "api", "/"); err == nil || !strings.Contains(err.Error(), "spacewasm bench") {
		t.Error(err)
	}
}
