package coldstart_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
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
	tmp    *pool.Budget
	dir    string
	live   *registry.Registry
	said   *bytes.Buffer // in the server's log; to be read when nothing runs
}

// publish makes the app live with its Micro, as another revision or with other variables.
func (d *desk) publish(app space.App, revision int) {
	limits := space.DefaultLimits()
	limits.Memory, limits.Tmp = limit, limit
	api := space.Micro{Name: "api", Run: []string{"main.wasm", "-v"}, WasmBytes: 1000, MemoryBytes: 1 << 20}
	d.live.Publish(&registry.App{
		App: app, Revision: space.Revision{App: "shop", Number: revision, Micros: []space.Micro{api, {Name: "web"}}}, Secrets: []string{"hunter2"},
		Routes: []registry.Route{
			{Micro: api, Server: micro{runner.Described{Micro: api, Env: []string{"SECRET=hunter2"}, Limits: limits}}},
			{Micro: space.Micro{Name: "web"}, Server: files{}},
		},
	})
}

func newDesk(t *testing.T, measure coldstart.Measure) *desk {
	t.Helper()
	return newDeskIn(t, t.TempDir(), t.TempDir(), measure)
}

// newDeskIn is newDesk with the folders of bundles and of what is compiled.
func newDeskIn(t *testing.T, bundle, dir string, measure coldstart.Measure) *desk {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	planned, err := s.Plan(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	planned.Revision.Micros = []space.Micro{{Name: "api"}, {Name: "web"}}
	deployed, err := s.Activate(t.Context(), planned)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{
		t: t, app: deployed.App, store: s, memory: pool.NewBudget(4 * limit), tmp: pool.NewBudget(4 * limit), dir: dir, live: registry.New(),
		said: &bytes.Buffer{},
	}
	d.publish(d.app, 1)
	d.Desk = coldstart.New(coldstart.Config{
		Registry: d.live, Store: s, Measure: measure, Dir: d.dir, Memory: d.memory, Tmp: d.tmp,
		Bundle: func(space.Digest) (*os.Root, error) { return os.OpenRoot(bundle) },
		Room:   func(n int64) bool { return n < 4*limit },
		Turn:   func(context.Context) (func(), error) { return func() {}, nil },
		Now:    time.Now, Logger: slog.New(slog.NewTextHandler(d.said, nil)),
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
	list, err := d.History(d.t.Context(), "shop", "api", 100)
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
	if job.Path != "/items?x=1" || job.Limits.Memory != limit || job.Disk < limit ||
		strings.Join(job.Run, " ") != "main.wasm -v" || strings.Join(job.Env, " ") != "SECRET=hunter2" || job.Time != coldstart.DefaultTime {
		t.Errorf("the job is %+v", job)
	}
	if job.Memory != 96<<20 || d.memory.Used() != job.Memory || job.Tmp != limit || d.tmp.Used() != job.Tmp {
		t.Errorf("of memory and /tmp it has %d and %d; %d and %d are taken", job.Memory, job.Tmp, d.memory.Used(), d.tmp.Used())
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
	if len(list) != 1 || list[0].Revision != 1 || list[0].Path != "/items?x=…" || list[0].Modules[0].Stages[0].Name != "warm" {
		t.Errorf("the history is %+v", list)
	}
	if _, err := os.Stat(job.Dir); !errors.Is(err, os.ErrNotExist) || d.memory.Used()+d.tmp.Used() != 0 {
		t.Errorf("left: %v, %d bytes of memory", err, d.memory.Used())
	}
}

// What cannot be measured is refused, and why a job failed is told until the next.
func TestJobFails(t *testing.T) {
	fail := true
	d := newDesk(t, func(context.Context, coldstart.Job, func(string, float64)) (*record.Document, error) {
		if fail {
			return nil, errors.New("the module answers 500: SECRET=hunter2 " + strings.Repeat("x", 10000))
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
		{"shop", "api", "/%zz", space.CodeBadRequest},
		{"shop", "api", "/" + strings.Repeat("x", 3000), space.CodeBadRequest},
		{"shop", "web", "/", space.CodeBadRequest},
		{"shop", "other", "/", space.CodeNotFound},
		{"none", "api", "/", space.CodeNotFound},
	} {
		if err := d.Start(c.app, c.micro, c.path); err == nil || space.AsError(err).Code != c.code {
			t.Errorf("%s/%s%.40q: %v", c.app, c.micro, c.path, err)
		}
	}
	if err := d.Start("shop", "api", "/broken?token=t0ken&x"); err != nil {
		t.Fatal(err)
	}
	d.over()
	failed, ok := d.Failed(d.app, "api")
	if !ok || failed.Path != "/broken?token=…&=…" || !strings.HasPrefix(failed.Reason, "the module answers 500") || len(failed.Reason) > 4096 {
		t.Errorf("%v, %.80v", ok, failed)
	}
	if heir := (space.App{Name: "shop", Key: "another"}); len(d.history()) > 0 {
		t.Error("a failure is in the history")
	} else if _, ok := d.Failed(heir, "api"); ok {
		t.Error("the heir of the name sees the failure")
	}
	// T9: neither what the guest has said nor what was asked stands in the server's log.
	if said := d.said.String(); !strings.Contains(said, "not measured") || strings.Contains(said, "hunter2") || strings.Contains(said, "t0ken") {
		t.Errorf("the log says %s", said)
	}
	if strings.Contains(failed.Reason, "hunter2") {
		t.Errorf("the reason is %s", failed.Reason)
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

// Of what is short a job takes no more than it leaves for others, and without what it needs
// at the least nothing is begun.
func TestJobWithoutRoom(t *testing.T) {
	var memory, tmp int64
	d := newDesk(t, func(_ context.Context, job coldstart.Job, _ func(string, float64)) (*record.Document, error) {
		memory, tmp = job.Memory, job.Tmp
		return document("warm"), nil
	})
	run := func() {
		t.Helper()
		if err := d.Start("shop", "api", "/"); err != nil {
			t.Fatal(err)
		}
		d.over()
	}
	d.memory.Take(2*limit + 1)
	d.tmp.Take(3 * limit)
	if run(); memory != 48<<20 || tmp != limit/2 || len(d.history()) != 1 {
		t.Errorf("it had %d of memory and %d of /tmp", memory, tmp)
	}
	for _, c := range []struct {
		budget *pool.Budget
		what   string
	}{{d.memory, "memory"}, {d.tmp, "/tmp"}} {
		rest := c.budget.Limit() - c.budget.Used() - (1 << 20)
		c.budget.Take(rest)
		run()
		if failed, ok := d.Failed(d.app, "api"); !ok || !strings.Contains(failed.Reason, c.what) {
			t.Errorf("%s: %v, %v", c.what, ok, failed)
		}
		c.budget.Give(rest)
	}
	if d.memory.Used() != 2*limit+1 || d.tmp.Used() != 3*limit {
		t.Errorf("%d of memory and %d of /tmp are taken", d.memory.Used(), d.tmp.Used())
	}
}

// A job ends when its owner stops it, and when its Micro is not any more what it was; then
// another may begin.
func TestJobGivenUp(t *testing.T) {
	begun := make(chan bool)
	d := newDesk(t, func(ctx context.Context, _ coldstart.Job, _ func(string, float64)) (*record.Document, error) {
		begun <- true
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	changed, heir := d.app, d.app
	changed.Settings++
	heir.Key = "another"
	for _, c := range []struct {
		name, reason string
		now          space.App // of whom the failure is asked
		do           func()
	}{
		{"stopped", "stopped", d.app, func() { d.Stop(heir, "api"); d.Stop(d.app, "web"); d.Stop(d.app, "api") }},
		{"another revision", "pushed again", d.app, func() { d.publish(d.app, 2) }},
		{"other variables", "changed", d.app, func() { d.publish(changed, 2) }},
		{"another app", "removed", d.app, func() { d.publish(heir, 2) }},
		{"no app", "removed", heir, func() { d.live.Remove("shop") }},
	} {
		if err := d.Start("shop", "api", "/"); err != nil {
			t.Fatal(err)
		}
		<-begun
		c.do()
		d.over()
		if failed, ok := d.Failed(c.now, "api"); !ok || !strings.Contains(failed.Reason, c.reason) {
			t.Errorf("%s: %v, %+v", c.name, ok, failed)
		}
	}
}

// What is handed to another process, which is elsewhere, does not depend on where this one is.
func TestJobOfRelativeFolders(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("bundle", 0o700); err != nil {
		t.Fatal(err)
	}
	d := newDeskIn(t, "bundle", ".", func(_ context.Context, job coldstart.Job, _ func(string, float64)) (*record.Document, error) {
		if !filepath.IsAbs(job.Bundle) || !filepath.IsAbs(job.Dir) {
			return nil, errors.New(job.Bundle + " " + job.Dir)
		}
		return document("warm"), nil
	})
	if err := d.Start("shop", "api", "/"); err != nil {
		t.Fatal(err)
	}
	d.over()
	if failed, ok := d.Failed(d.app, "api"); ok {
		t.Error(failed.Reason)
	}
}

// A server that cannot measure says so.
func TestNobodyMeasures(t *testing.T) {
	if err := newDesk(t, nil).Start("shop", "api", "/"); err == nil || !strings.Contains(err.Error(), "spacewasm bench") {
		t.Error(err)
	}
}
