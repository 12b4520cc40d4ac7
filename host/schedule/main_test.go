package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is a Micro that keeps what it was asked.
type door struct {
	serve func(w http.ResponseWriter, r *http.Request) error

	mu    sync.Mutex
	calls []call
}

type call struct {
	at     time.Time
	header http.Header
	url    string
	host   string
	body   string
}

var _ registry.Server = (*door)(nil)

func (d *door) Serve(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.calls = append(d.calls, call{time.Now().UTC(), r.Header, r.URL.String(), r.Host, string(body)})
	d.mu.Unlock()
	if d.serve != nil {
		return d.serve(w, r)
	}
	*space.UsageOf(r.Context()) = space.Usage{Requests: 1, Fuel: 7}
	return nil
}

func (*door) Close(context.Context) error { return nil }
func (*door) Usage() space.Usage          { return space.Usage{} }

// fires are the fire times of the calls.
func (d *door) fires() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, c := range d.calls {
		all = append(all, c.header.Get(schedule.HeaderFire)[len("2000-01-01T"):len("2000-01-01T00:00")])
	}
	return all
}

// bench is a scheduler over a real store, in a bubble in which it is 2000-01-01 00:00:00.
type bench struct {
	t        *testing.T
	dir      string
	store    *store.Store
	registry *registry.Registry
	places   int
	byHand   bool
	journal  schedule.Journal

	scheduler *schedule.Scheduler
	stop      func()
	shift     atomic.Int64 // of the clock, in nanoseconds
	said      *record
}

// record is what a logger has said.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements [io.Writer].
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// bubble runs a test with a bench whose scheduler does not run yet.
func bubble(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, dir: dir, registry: registry.New(), places: 4, said: &record{}}
		b.open()
		t.Cleanup(func() {
			b.halt()
			if err := errors.Join(b.registry.Close(context.Background()), b.store.Close()); err != nil {
				t.Error(err)
			}
		})
		test(t, b)
	})
}

func (b *bench) open() {
	b.t.Helper()
	var err error
	if b.store, err = store.Open(b.t.Context(), b.dir); err != nil {
		b.t.Fatal(err)
	}
}

// start has the scheduler run.
func (b *bench) start() {
	b.make()
	b.run()
}

// make makes a scheduler.
func (b *bench) make() {
	b.scheduler = schedule.New(schedule.Config{
		Store: b.store, Registry: b.registry, Places: b.places, ByHand: b.byHand, Journal: b.journal, Logger: slog.New(slog.NewTextHandler(b.said, nil)),
		Hostname: func(name space.AppName) string { return string(name) + ".example.org" },
		Now:      func() time.Time { return time.Now().Add(time.Duration(b.shift.Load())) },
	})
}

func (b *bench) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.scheduler.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	}
	b.settle()
}

// halt ends the scheduler.
func (b *bench) halt() {
	if b.stop != nil {
		b.stop()
		b.stop = nil
	}
}

// pass lets time go by.
func (b *bench) pass(d time.Duration) {
	time.Sleep(d) // of the bubble, which takes none
	b.settle()
}

// settle lets everybody do what is to be done now. What writes to the disk is not idle
// for the bubble, but may be about to begin.
func (b *bench) settle() { synctest.Wait() }

// push publishes a revision of an app with one Micro that has actions.
func (b *bench) push(name space.AppName, d *door, actions ...space.Action) *registry.App {
	b.t.Helper()
	planned, err := b.store.Plan(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	micro := space.Micro{Name: "web", Path: "/", Primary: true, Actions: actions}
	planned.Revision.Micros = []space.Micro{micro}
	done, err := b.store.Activate(b.t.Context(), planned)
	if err != nil {
		b.t.Fatal(err)
	}
	app := &registry.App{App: done.App, Revision: done.Revision, Routes: []registry.Route{{Micro: micro, Server: d}}}
	b.registry.Publish(app)
	b.settle()
	return app
}

// runs is the history of the app "app", the oldest first, in a word each.
func (b *bench) runs() []string {
	b.t.Helper()
	runs, err := b.store.Runs(b.t.Context(), store.RunQuery{App: "app", Limit: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	var words []string
	for _, r := range slices.Backward(runs) {
		word := r.Fire.Format("15:04")
		if r.Trigger == space.TriggerManual {
			word = "manual"
		}
		if r.First.Before(r.Fire) {
			word = r.First.Format("15:04") + "-" + word
		}
		if r.Attempt > 1 {
			word += "#" + string(rune('0'+r.Attempt))
		}
		words = append(words, word+" "+string(r.State))
	}
	return words
}

func (b *bench) wantRuns(want ...string) {
	b.t.Helper()
	if got := b.runs(); !slices.Equal(got, want) {
		b.t.Errorf("got  %q\nwant %q", got, want)
	}
}

func every(interval string) space.Action {
	return space.Action{ID: "tick", Name: "Tick", DefaultInterval: interval}
}

func key(app space.AppName) space.ActionKey {
	return space.ActionKey{App: app, Micro: "web", ID: "tick"}
}

// record records a run of an app.
func (b *bench) record(run space.Run, app *registry.App) {
	b.t.Helper()
	if err := b.store.RecordRuns(b.t.Context(), []store.RunChange{{Run: &run, AppKey: app.App.Key}}); err != nil {
		b.t.Fatal(err)
	}
	if run.ID == 0 {
		b.t.Fatal("it has been recorded before")
	}
}

// last is how the newest run of the app "app" ended.
func (b *bench) last() string {
	b.t.Helper()
	runs, err := b.store.Runs(b.t.Context(), store.RunQuery{App: "app", Limit: 1})
	if err != nil || len(runs) != 1 {
		b.t.Fatalf("got %v, %v", runs, err)
	}
	return strings.TrimSpace(fmt.Sprint(runs[0].State, " ", runs[0].Status, " ", runs[0].Code))
}

// count is how often the Micro was called.
func (d *door) count() int { return len(d.fires()) }
