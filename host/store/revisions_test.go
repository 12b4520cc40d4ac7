package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

func numbers(t *testing.T, s *store.Store, name space.AppName) (kept []int, active int) {
	t.Helper()
	all, err := s.Revisions(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		kept = append(kept, d.Revision.Number)
		active = d.App.Active
		if d.App.Name != name || d.Revision.App != name || d.Revision.Created.IsZero() || len(d.Revision.Micros) != 1 {
			t.Errorf("got %+v", d)
		}
	}
	return kept, active
}

// The newest revisions stay, and a number is never another's.
func TestRevisions(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Revisions(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of no app: %v", err)
	}
	const pushes = store.KeptRevisions + 3
	var want []int
	for n := 1; n <= pushes; n++ {
		activate(t, s, "a", space.Digest(fmt.Sprint("d", n)))
		want = append([]int{n}, want...)[:min(n, store.KeptRevisions)]
		if kept, active := numbers(t, s, "a"); !slices.Equal(kept, want) || active != n {
			t.Fatalf("kept %v, want %v; %d is active", kept, want, active)
		}
	}
	activate(t, s, "b", "d1")
	needed, err := s.Bundles(t.Context())
	if err != nil || len(needed) != store.KeptRevisions+1 {
		t.Errorf("needed %v, %v", needed, err)
	}
}

// A revision that was gone back to answers until the next push, and then is as old as it is.
func TestReactivate(t *testing.T) {
	s := open(t, t.TempDir())
	for range store.KeptRevisions {
		activate(t, s, "a", "d")
	}
	all, err := s.Revisions(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	oldest, newer := all[store.KeptRevisions-1], all[3]
	if err := s.Reactivate(t.Context(), oldest); err != nil {
		t.Fatal(err)
	}
	active, err := s.Active(t.Context())
	if err != nil || len(active) != 1 || active[0].Revision.Number != 1 || active[0].App.Active != 1 {
		t.Errorf("got %+v, %v", active, err)
	}
	changed := newer
	changed.App.Active, changed.App.Settings = 1, newer.App.Settings+1
	another := newer
	another.App.Active, another.App.Key = 1, "x_Y"
	for name, planned := range map[string]store.Deployment{"another is active": newer, "other settings": changed, "another app": another} {
		if err := s.Reactivate(t.Context(), planned); !errors.Is(err, store.ErrOvertaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := activate(t, s, "a", "d"); d.Revision.Number != store.KeptRevisions+1 {
		t.Errorf("the next push is revision %d", d.Revision.Number)
	}
	oldest.App.Active = store.KeptRevisions + 1
	if err := s.Reactivate(t.Context(), oldest); !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("of a revision that has been dropped: %v", err)
	}
}

// A rollback whose client goes has been recorded, or has failed, and never both.
func TestReactivateCancelled(t *testing.T) {
	s := open(t, t.TempDir())
	activate(t, s, "a", "1")
	activate(t, s, "a", "2")
	failed := 0
	for i := range 300 {
		all, err := s.Revisions(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		target := all[0]
		if target.Revision.Number == target.App.Active {
			target = all[1]
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*5*time.Microsecond)
		err = s.Reactivate(ctx, target)
		cancel()
		active, listErr := s.Active(t.Context())
		if listErr != nil {
			t.Fatal(listErr)
		}
		if recorded := active[0].Revision.Number == target.Revision.Number; recorded != (err == nil) {
			t.Fatalf("recorded: %v, error: %v", recorded, err)
		}
		if err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("nothing was cancelled")
	}
}

// What a rollback by one revision would run.
func TestSpare(t *testing.T) {
	s := open(t, t.TempDir())
	push := func(name space.AppName, module string) {
		t.Helper()
		d, err := s.Plan(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		d.Revision.Micros = micros("d")
		d.Revision.Micros[0].Module = module
		if _, err := s.Activate(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	want := func(want ...string) {
		t.Helper()
		got, err := s.Spare(t.Context())
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	push("b", "n1")
	want()
	for _, module := range []string{"m1", "", "m3"} { // one of an earlier version has none
		push("a", module)
	}
	want()
	push("a", "m4")
	push("b", "n2")
	want("m3", "n1")
	all, err := s.Revisions(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reactivate(t.Context(), all[1]); err != nil {
		t.Fatal(err)
	}
	want("n1")
}

// T30: when an app was used is recorded, and never set back.
func TestTouch(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, name := range []space.AppName{"a", "b", "c"} {
		activate(t, s, name)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, used := range []map[space.AppName]time.Time{{"a": now, "b": now.Add(-time.Hour), "gone": now}, {"a": now.Add(-time.Minute)}, {}} {
		if err := s.Touch(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	all, err := open(t, dir).Active(t.Context())
	if err != nil || len(all) != 3 || !all[0].Used.Equal(now) || !all[1].Used.Equal(now.Add(-time.Hour)) || !all[2].Used.IsZero() {
		t.Errorf("got %+v, %v", all, err)
	}
}
