package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// current is an app as it is stored.
func current(t *testing.T, s *store.Store, name space.AppName) store.Deployment {
	t.Helper()
	d, err := s.Current(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func variable(micro, name, sealed string) store.Variable {
	return store.Variable{Micro: micro, Name: name, Sealed: []byte(sealed), Changed: time.UnixMilli(1_700_000_000_123).UTC()}
}

// A change is whole, is counted, and is refused of an app that is another by now.
func TestChange(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	activate(t, s, "a")
	activate(t, s, "b")
	was := current(t, s, "a")
	set := store.Change{Set: []store.Variable{variable("", "B", "\x00\xff"), variable("", "A", "1"), variable("m", "A", "2")}}
	change := func(was store.Deployment, c store.Change) {
		t.Helper()
		if err := s.Change(t.Context(), was, c); err != nil {
			t.Fatal(err)
		}
	}
	change(was, set)
	now := current(t, s, "a")
	want := []store.Variable{variable("", "A", "1"), variable("", "B", "\x00\xff"), variable("m", "A", "2")}
	if !reflect.DeepEqual(now.Variables, want) || now.App.Settings != was.App.Settings+1 {
		t.Errorf("got %+v, settings %d", now.Variables, now.App.Settings)
	}
	planned, err := s.Plan(t.Context(), "a")
	if err != nil || !reflect.DeepEqual(planned.Variables, want) || planned.App.Settings != now.App.Settings {
		t.Errorf("planned %+v, %v", planned, err)
	}
	change(now, store.Change{Set: []store.Variable{variable("m", "A", "3")}, Unset: []store.Variable{{Name: "A"}}})
	if got := current(t, s, "a").Variables; !reflect.DeepEqual(got, []store.Variable{variable("", "B", "\x00\xff"), variable("m", "A", "3")}) {
		t.Errorf("got %+v", got)
	}
	planned.Revision.Micros = micros("d")
	if _, err := s.Activate(t.Context(), planned); !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("a push that was planned before: %v", err)
	}
	if err := s.Change(t.Context(), now, set); !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("a change of what it was before: %v", err)
	}
	now = current(t, s, "a")
	activate(t, s, "a", "d")
	if err := s.Change(t.Context(), now, set); !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("a change of another revision: %v", err)
	}
	all, err := s.Active(t.Context())
	if err != nil || len(all) != 2 || len(all[0].Variables) != 2 || len(all[1].Variables) != 0 {
		t.Errorf("got %+v, %v", all, err)
	}
	if err := s.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(t.Context(), now, set); !errors.Is(err, store.ErrOvertaken) {
		t.Errorf("a change of an app that is gone: %v", err)
	}
	if _, err := s.Current(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	activate(t, s, "a")
	if got := current(t, s, "a").Variables; len(got) > 0 {
		t.Errorf("another app of the name has %+v", got)
	}
}
