package schedule_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

const (
	// kills is how often TestKilledAnywhere ends a scheduler.
	kills = 100
	// lifetime is how many minutes one lives at most; they pass as fast as the disk lets
	// them.
	lifetime = 15

	crashDir  = "SPACEWASM_TEST_CRASH_DIR"
	crashBase = "SPACEWASM_TEST_CRASH_BASE"
)

// crashActions are of all kinds.
func crashActions() []space.Action {
	return []space.Action{
		{ID: "plain", DefaultInterval: "1 minute"},
		{ID: "queue", DefaultInterval: "1 minute", Overlap: space.OverlapQueue, Missed: space.MissedOnce},
		{ID: "retry", DefaultInterval: "2 minutes", Retries: 2},
		{ID: "spread", DefaultInterval: "1 minute", Spread: 50 * time.Second, Missed: space.MissedOnce},
	}
}

// TestCrashChild is the scheduler that TestKilledAnywhere kills.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("only for TestKilledAnywhere")
	}
	base, err := strconv.ParseInt(os.Getenv(crashBase), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { live(t, dir, base, journal) })
}

// live runs a scheduler whose clock begins at base.
func live(t *testing.T, dir string, base int64, journal io.Writer) {
	began := time.Now()
	now := func() time.Time { return time.UnixMilli(base).Add(time.Since(began)) }
	kept, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	deployments, err := kept.Active(t.Context())
	if err != nil || len(deployments) != 1 {
		t.Fatal(deployments, err)
	}
	d := &door{serve: func(w http.ResponseWriter, r *http.Request) error {
		*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
		// One write, of which a crash of the process takes nothing back.
		attempt := r.Header.Get(schedule.HeaderAttempt)
		line := fmt.Sprintln(r.URL.Path[1:], r.Header.Get(schedule.HeaderFire), attempt, now().UnixMilli())
		if _, err := io.WriteString(journal, line); err != nil {
			return err
		}
		switch r.URL.Path {
		case "/queue":
			time.Sleep(40 * time.Second)
		case "/retry":
			w.WriteHeader(http.StatusInternalServerError)
		}
		return nil
	}}
	table := registry.New()
	live := deployments[0]
	table.Publish(&registry.App{App: live.App, Revision: live.Revision, Routes: []registry.Route{{Micro: live.Revision.Micros[0], Server: d}}})
	s := schedule.New(schedule.Config{
		Store: kept, Registry: table, Places: 3, Logger: slog.New(slog.DiscardHandler), Now: now,
		Hostname: func(space.AppName) string { return "app.example.org" },
	})
	go func() { t.Error(s.Run(context.Background())) }()
	fmt.Println("up")
	time.Sleep(lifetime * time.Minute)
	fmt.Println("done")
	_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed; no time passes for the bubble
}

// crash is what TestKilledAnywhere knows.
type crash struct {
	t       *testing.T
	dir     string
	random  *rand.Rand
	base    int64
	took    time.Duration // of a whole life
	runs    map[int64]space.Run
	install map[string]time.Time
}

// SIGKILL at any point leaves each fire run, interrupted, skipped or missed, once, and
// nothing ever runs twice for the same fire time.
func TestKilledAnywhere(t *testing.T) {
	c := &crash{
		t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(8, 8)), runs: map[int64]space.Run{}, install: map[string]time.Time{},
		base: time.Date(2026, 3, 1, 23, 0, 10, 0, time.UTC).UnixMilli(),
	}
	c.prepare()
	c.took = c.life(-1)
	for range kills {
		c.life(time.Duration(c.random.Int64N(int64(c.took))))
		c.read()
	}
	c.account()
}

// prepare makes the app.
func (c *crash) prepare() {
	c.t.Helper()
	kept, err := store.Open(c.t.Context(), c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	planned, err := kept.Plan(c.t.Context(), "app")
	if err != nil {
		c.t.Fatal(err)
	}
	actions := crashActions()
	for i := range actions {
		actions[i].Path = "/" + actions[i].ID
	}
	planned.Revision.Micros = []space.Micro{{Name: "web", Path: "/", Primary: true, Actions: actions}}
	_, err = kept.Activate(c.t.Context(), planned)
	if err := errors.Join(err, kept.Close()); err != nil {
		c.t.Fatal(err)
	}
}

// life has a scheduler live, and kills it so long after it is up, or at its end.
func (c *crash) life(after time.Duration) (took time.Duration) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrashChild$", "-test.v")
	cmd.Env = append(os.Environ(), crashDir+"="+c.dir, crashBase+"="+strconv.FormatInt(c.base, 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // which nobody writes to
	if err != nil {
		c.t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(io.TeeReader(out, &said))
	until := func(word string) {
		for lines.Scan() {
			if lines.Text() == word {
				return
			}
		}
		c.t.Errorf("the scheduler did not say %q:\n%s", word, &said)
	}
	until("up")
	began := time.Now()
	if after < 0 {
		until("done")
		took = time.Since(began)
	} else {
		time.Sleep(after) // the scheduler's time is its own
	}
	if err := cmd.Process.Kill(); err != nil {
		c.t.Error(err)
	}
	_ = cmd.Wait() // killed
	c.next()
	return took
}

// entry is a line of the journal.
type journalled struct {
	action, fire string
	attempt      int
	at           int64
}

func (c *crash) journal() (all []journalled) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "journal"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var j journalled
		if _, err := fmt.Sscan(line, &j.action, &j.fire, &j.attempt, &j.at); err != nil {
			c.t.Fatalf("%q: %v", line, err)
		}
		all = append(all, j)
	}
	return all
}

// next has the clock of the next one begin where this one has died, or some minutes later.
func (c *crash) next() {
	for _, j := range c.journal() {
		c.base = max(c.base, j.at)
	}
	c.base += c.random.Int64N(int64(4 * time.Minute / time.Millisecond))
}

// read looks at what is recorded, before old runs are dropped.
func (c *crash) read() {
	c.t.Helper()
	kept, err := store.Open(c.t.Context(), c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	defer kept.Close()
	runs, err := kept.Runs(c.t.Context(), store.RunQuery{App: "app", Limit: 1000})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, run := range runs {
		c.runs[run.ID] = run
	}
	actions, err := kept.Actions(c.t.Context(), "app")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, a := range actions {
		if was, ok := c.install[a.Key.ID]; ok && !was.Equal(a.Installed) {
			c.t.Errorf("%s was installed again", a.Key)
		}
		c.install[a.Key.ID] = a.Installed
	}
}

// account wants each fire to be accounted for, once.
func (c *crash) account() {
	began := map[string]int{}
	for _, j := range c.journal() {
		began[fmt.Sprint(j.action, " ", j.fire, " ", j.attempt)]++
	}
	for what, times := range began {
		if times != 1 {
			c.t.Errorf("%s has run %d times", what, times)
		}
	}
	states := map[space.RunState]int{}
	byAction := map[string]map[time.Time]space.Run{}
	for _, run := range c.runs {
		states[run.State]++
		what := fmt.Sprint(run.Action.ID, " ", run.Fire.Format(time.RFC3339), " ", run.Attempt)
		ran := began[what] > 0
		delete(began, what)
		switch run.State {
		case space.RunOK, space.RunFailed:
			if !ran {
				c.t.Errorf("%s is %s, and has not run", what, run.State)
			}
		case space.RunSkipped, space.RunMissed, space.RunWaiting:
			if ran {
				c.t.Errorf("%s is %s, and has run", what, run.State)
			}
		case space.RunRunning, space.RunInterrupted: // nobody knows
		}
		if run.Attempt == 1 {
			if byAction[run.Action.ID] == nil {
				byAction[run.Action.ID] = map[time.Time]space.Run{}
			}
			byAction[run.Action.ID][run.First] = run
		}
	}
	for what := range began {
		c.t.Errorf("%s has run, and is not recorded", what)
	}
	for _, action := range crashActions() {
		c.gapless(action, byAction[action.ID])
	}
	c.t.Logf("a life took %v; %v", c.took, states)
	if states[space.RunInterrupted] < 3 || states[space.RunMissed] < 3 || states[space.RunOK] < 100 {
		c.t.Errorf("the kills came at the wrong times: %v", states)
	}
}

// gapless wants the runs of an action, by the first fire that each stands for, to leave
// out none.
func (c *crash) gapless(action space.Action, runs map[time.Time]space.Run) {
	interval, err := space.ParseInterval(action.DefaultInterval, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	installed := c.install[action.ID]
	fire := interval.Next(installed, installed)
	for range len(runs) {
		run, ok := runs[fire]
		if !ok {
			c.t.Errorf("%s: nothing is known of %v", action.ID, fire)
			return
		}
		delete(runs, fire)
		fire = interval.Next(installed, run.Fire)
	}
}
