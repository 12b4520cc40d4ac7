package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// T30: what somebody waits for is prepared first, then what was used last, then the newest.
func TestBacklog(t *testing.T) {
	var all []store.Deployment
	for i, name := range []space.AppName{"oldest", "older", "newer", "newest"} {
		created := time.Unix(int64(i), 0)
		all = append(all, store.Deployment{App: space.App{Name: name}, Revision: space.Revision{Created: created}})
	}
	for want, wanted := range map[string][]int{
		"newest newer older oldest": nil,
		"oldest newest newer older": {0},
		"older oldest newest newer": {1, 0, 1, 1},
		"newer oldest older newest": {2, 0, 1},
	} {
		order, err := deploy.BacklogOrder(t.Context(), all, wanted...)
		if got := strings.Trim(fmt.Sprint(order), "[]"); err != nil || got != want {
			t.Errorf("%v are wanted: %s, %v", wanted, got, err)
		}
	}
	all[0].Used, all[2].Used = time.Unix(9, 0), time.Unix(8, 0)
	for want, wanted := range map[string][]int{
		"oldest newer newest older": nil,
		"older oldest newer newest": {1},
		"newest newer oldest older": {3, 2},
	} {
		order, err := deploy.BacklogOrder(t.Context(), all, wanted...)
		if got := strings.Trim(fmt.Sprint(order), "[]"); err != nil || got != want {
			t.Errorf("some were used, %v are wanted: %s, %v", wanted, got, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := deploy.BacklogOrder(ctx, all); err != nil {
		t.Errorf("with something to do: %v", err)
	}
}

// Each of many pushes at a time initialises its module as the revision it becomes.
func TestPushesInitialise(t *testing.T) {
	b := newBench(t, t.TempDir(), func(l *space.Limits) { l.Memory = 16 << 20 })
	const pushes = 8
	var wg sync.WaitGroup
	for range pushes {
		wg.Go(func() {
			if _, err := b.Push(t.Context(), "app", "", bytes.NewReader(wasitest.Guest("wizer"))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	app, release, _ := b.registry.Acquire("app")
	defer release()
	m := app.Routes[0].Micro
	if app.Revision.Number != pushes || m.SnapshotBytes < 3<<20 || m.NoSnapshot != "" || m.InitialiseTime <= 0 || len(m.Drew) != 1 {
		t.Errorf("revision %d, %+v", app.Revision.Number, m)
	}
	if got := b.ask(t, "app", "/"); !regexp.MustCompile(`^count 42 block 1 `).MatchString(got) {
		t.Errorf("it answers %q", got)
	}
}

// The faults of all Micros are reported that do not initialise, and nothing is left.
func TestInitialisersFail(t *testing.T) {
	b := newBench(t, t.TempDir(), func(l *space.Limits) { l.Memory = 1 << 20 })
	b.run(t)
	const spacefile = `v: 0
micros:
  - {name: one, src: one, engine: wasm, primary: true}
  - {name: two, src: two, engine: wasm}
  - {name: fine, src: fine, engine: wasm}
`
	body := zipped(t, entry{name: "Spacefile", body: spacefile}, entry{name: "one/main.wasm", body: guest("wizer")},
		entry{name: "two/main.wasm", body: guest("wizer") + "\x00\x02\x01x"}, entry{name: "fine/main.wasm", body: guest("hello")})
	var e *space.Error
	_, err := b.Push(t.Context(), "bad", "", bytes.NewReader(body))
	if !errors.As(err, &e) || e.Code != space.CodeRefused || len(e.Faults) != 2 || e.Faults[0].File != "one/main.wasm" ||
		e.Faults[1].File != "two/main.wasm" || !strings.Contains(e.Message, "wizer.initialize did not end well") {
		t.Errorf("got %v", err)
	}
	if _, _, ok := b.registry.Acquire("bad"); ok {
		t.Error("it was published")
	}
	if all, err := b.store.Active(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("recorded %v, %v", all, err)
	}
	b.wantBlobs(t, 0)
}
