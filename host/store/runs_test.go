package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// active records an app with one Micro.
func active(t *testing.T, s *store.Store, name space.AppName) space.App {
	t.Helper()
	planned, err := s.Plan(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	planned.Revision.Micros = []space.Micro{{Name: "web"}}
	d, err := s.Activate(t.Context(), planned)
	if err != nil {
		t.Fatal(err)
	}
	return d.App
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func runOf(name space.AppName, fire time.Time) *space.Run {
	return &space.Run{
		Action: space.ActionKey{App: name, Micro: "web", ID: "tick"}, Trigger: space.TriggerSchedule, Fire: fire, First: fire, Attempt: 1,
		State: space.RunRunning, Due: fire, Started: fire, Request: "theid",
	}
}

func record(t *testing.T, s *store.Store, changes ...store.RunChange) {
	t.Helper()
	if err := s.RecordRuns(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
}

// A run comes back as it was recorded, and a fire is recorded once.
func TestRecordRuns(t *testing.T) {
	s := open(t, t.TempDir())
	app := active(t, s, "app")
	if err := s.SaveActions(t.Context(), []store.Action{{Key: runOf("app", noon).Action, Installed: noon, Last: noon.Add(-time.Hour), Spec: "1 minute"}}); err != nil {
		t.Fatal(err)
	}
	run, again, other := runOf("app", noon), runOf("app", noon), runOf("app", noon)
	other.Trigger = space.TriggerManual
	record(t, s, store.RunChange{Run: run, AppKey: app.Key}, store.RunChange{Run: again, AppKey: app.Key}, store.RunChange{Run: other, AppKey: app.Key})
	if run.ID == 0 || again.ID != 0 || other.ID == 0 {
		t.Errorf("got the ids %d, %d and %d", run.ID, again.ID, other.ID)
	}
	run.State, run.Ended, run.Status, run.Fuel, run.Code = space.RunFailed, noon.Add(time.Second), 500, 1<<63+5, space.CodeCrashed
	record(t, s, store.RunChange{Run: run})
	runs, err := s.Runs(t.Context(), store.RunQuery{App: "app", Limit: 10})
	if err != nil || len(runs) != 2 || runs[1] != *run || runs[0] != *other {
		t.Errorf("got %+v, %v\nwant %+v", runs, err, *run)
	}
	actions, err := s.Actions(t.Context(), "app")
	if err != nil || len(actions) != 1 || !actions[0].Last.Equal(noon) {
		t.Errorf("got %+v, %v", actions, err)
	}
	for q, want := range map[*store.RunQuery]int{
		{App: "app", Limit: 1}: 1, {App: "other", Limit: 9}: 0, {App: "app", Micros: []string{"web"}, Limit: 9}: 2, {App: "app", Micros: []string{}, Limit: 9}: 0,
		{App: "app", Micros: []string{"x", "y"}, Limit: 9}: 0, {App: "app", ID: "tick", Limit: 9}: 2, {App: "app", ID: "tock", Limit: 9}: 0,
	} {
		if runs, err := s.Runs(t.Context(), *q); err != nil || len(runs) != want {
			t.Errorf("%+v: got %d, %v", *q, len(runs), err)
		}
	}
}

// Nothing is recorded of an app that is gone, or of another that has its name; the rest
// of a transaction is. What was recorded goes with its app.
func TestRunsGoWithTheirApp(t *testing.T) {
	s := open(t, t.TempDir())
	app, other := active(t, s, "app"), active(t, s, "other")
	before := runOf("app", noon)
	record(t, s, store.RunChange{Run: before, AppKey: app.Key})
	if err := s.Remove(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	late, fine := runOf("app", noon.Add(time.Minute)), runOf("other", noon)
	record(t, s, store.RunChange{Run: late, AppKey: app.Key}, store.RunChange{Run: fine, AppKey: other.Key})
	if late.ID != 0 || fine.ID == 0 {
		t.Errorf("got the ids %d and %d", late.ID, fine.ID)
	}
	if err := s.SaveActions(t.Context(), []store.Action{{Key: late.Action, Installed: noon, Last: noon}}); err != nil {
		t.Error(err)
	}
	active(t, s, "app")
	record(t, s, store.RunChange{Run: late, AppKey: app.Key})
	runs, err := s.Runs(t.Context(), store.RunQuery{App: "app", Limit: 9})
	actions, listErr := s.Actions(t.Context(), "app")
	if err := errors.Join(err, listErr); err != nil || late.ID != 0 || len(runs) != 0 || len(actions) != 0 {
		t.Errorf("the new app has %v and %v, %v", runs, actions, err)
	}
}

// What ran when a server was killed is closed, and what waited is returned.
func TestRecoverRuns(t *testing.T) {
	s := open(t, t.TempDir())
	app := active(t, s, "app")
	ran, waits, done := runOf("app", noon), runOf("app", noon.Add(time.Minute)), runOf("app", noon.Add(2*time.Minute))
	waits.State, waits.Started, done.State = space.RunWaiting, time.Time{}, space.RunOK
	for _, run := range []*space.Run{ran, waits, done} {
		record(t, s, store.RunChange{Run: run, AppKey: app.Key})
	}
	waiting, err := s.RecoverRuns(t.Context(), noon.Add(time.Hour))
	if err != nil || len(waiting) != 1 || waiting[0] != *waits {
		t.Errorf("got %+v, %v", waiting, err)
	}
	last, err := s.LastRuns(t.Context(), "app")
	if err != nil || len(last) != 1 || last[0] != *done {
		t.Errorf("got %+v, %v", last, err)
	}
	runs, err := s.Runs(t.Context(), store.RunQuery{App: "app", Limit: 9})
	if err != nil || len(runs) != 3 || runs[2].State != space.RunInterrupted || !runs[2].Ended.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %+v, %v", runs, err)
	}
}

// Of an app's dropped actions only the newest are remembered.
func TestDroppedActionsAreBounded(t *testing.T) {
	s := open(t, t.TempDir())
	app := active(t, s, "app")
	var actions []store.Action
	for i := range 70 {
		k := space.ActionKey{App: "app", Micro: "web", ID: fmt.Sprint("a", i)}
		run := runOf("app", noon)
		run.Action = k
		record(t, s, store.RunChange{Run: run, AppKey: app.Key})
		actions = append(actions, store.Action{Key: k, Installed: noon, Last: noon, Dropped: noon.Add(time.Duration(i) * time.Minute)})
	}
	if err := s.SaveActions(t.Context(), actions); err != nil {
		t.Fatal(err)
	}
	left, err := s.Actions(t.Context(), "app")
	runs, listErr := s.Runs(t.Context(), store.RunQuery{App: "app", Limit: 100})
	if err := errors.Join(err, listErr); err != nil || len(left) != 50 || len(runs) != 50 || runs[49].Action.ID != "a20" {
		t.Errorf("left %d and %d, %v", len(left), len(runs), err)
	}
}

// A start reads what is open, and not a history of millions; and who asks for the newest runs, an
// index and those.
func TestRunsAreFoundByIndex(t *testing.T) {
	s := open(t, t.TempDir())
	plans, err := s.Plans(t.Context())
	if err != nil || len(plans) != 3 {
		t.Fatal(plans, err)
	}
	for i, want := range []string{"INDEX open_runs", "INDEX open_runs", "COVERING INDEX runs_of_actions"} {
		if plan := strings.Join(plans[i], "\n"); !strings.Contains(plan, want) || strings.Contains(plan, "SCAN runs") {
			t.Errorf("want %s, got\n%s", want, plan)
		}
	}
}

// A row that went with its app is nobody's to close, though another's has its number.
func TestRowsOfOthersStay(t *testing.T) {
	s := open(t, t.TempDir())
	gone, app := active(t, s, "gone"), active(t, s, "app")
	old := runOf("gone", noon)
	old.Request = "another"
	record(t, s, store.RunChange{Run: old, AppKey: gone.Key})
	if err := s.Remove(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	run := runOf("app", noon)
	record(t, s, store.RunChange{Run: run, AppKey: app.Key})
	if run.ID != old.ID {
		t.Fatalf("the numbers are %d and %d", run.ID, old.ID)
	}
	old.State = space.RunOK
	record(t, s, store.RunChange{Run: old})
	runs, err := s.Runs(t.Context(), store.RunQuery{App: "app", Limit: 9})
	if err != nil || len(runs) != 1 || runs[0] != *run || old.ID != 0 {
		t.Errorf("got %+v, %v", runs, err)
	}
}
