package registry_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// door is a Micro that knows whether it is in use.
type door struct {
	inside atomic.Int32
	closed atomic.Int32
	wrong  atomic.Bool // asked after its end, or ended while asked
	err    error
}

var _ registry.Server = (*door)(nil)

func (d *door) Serve(http.ResponseWriter, *http.Request) error {
	d.inside.Add(1)
	if d.closed.Load() > 0 {
		d.wrong.Store(true)
	}
	d.inside.Add(-1)
	return nil
}

func (d *door) Close(context.Context) error {
	d.closed.Add(1)
	if d.inside.Load() > 0 {
		d.wrong.Store(true)
	}
	return d.err
}

// app is a live app with as many doors as asked for.
func app(name space.AppName, number, doors int) (*registry.App, []*door) {
	a := &registry.App{App: space.App{Name: name, Active: number}, Revision: space.Revision{App: name, Number: number}}
	var all []*door
	for range doors {
		d := &door{}
		all = append(all, d)
		a.Routes = append(a.Routes, registry.Route{Server: d})
	}
	return a, all
}

func closings(doors []*door) int {
	n := 0
	for _, d := range doors {
		n += int(d.closed.Load())
	}
	return n
}

func TestAcquire(t *testing.T) {
	g := registry.New()
	if _, _, ok := g.Acquire("a"); ok {
		t.Error("found an app in an empty registry")
	}
	first, _ := app("a", 1, 1)
	g.Publish(first)
	got, release, ok := g.Acquire("a")
	if !ok || got != first {
		t.Fatalf("got %v, %v", got, ok)
	}
	release()
	if _, _, ok := g.Acquire("b"); ok {
		t.Error("found another app")
	}
	if err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestApps(t *testing.T) {
	g := registry.New()
	for _, name := range []space.AppName{"b", "a-b", "c", "a"} {
		a, _ := app(name, 1, 0)
		g.Publish(a)
	}
	<-g.Remove("c").Done
	var names []string
	for _, a := range g.Apps() {
		names = append(names, string(a.App.Name))
	}
	if !slices.Equal(names, []string{"a", "a-b", "b"}) {
		t.Errorf("got %v", names)
	}
}

// The new one answers at once; the old one is closed when its last user has gone.
func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := registry.New()
		first, doors := app("a", 1, 2)
		doors[0].err = errors.New("cannot close") // does not keep the other from it
		g.Publish(first)
		_, release1, _ := g.Acquire("a")
		_, release2, _ := g.Acquire("a")
		second, next := app("a", 2, 1)
		g.Publish(second)
		got, release3, ok := g.Acquire("a")
		if !ok || got != second {
			t.Errorf("got revision %d", got.Revision.Number)
		}
		release1()
		synctest.Wait()
		if n := closings(doors); n != 0 {
			t.Errorf("%d doors were closed while one is in use", n)
		}
		release2()
		synctest.Wait()
		if n := closings(doors); n != 2 {
			t.Errorf("%d doors of 2 were closed", n)
		}
		release3()
		if n := closings(next); n != 0 {
			t.Error("the new one was closed")
		}
	})
}

func TestRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := registry.New()
		<-g.Remove("a").Done // nothing to wait for
		a, doors := app("a", 1, 1)
		g.Publish(a)
		_, release, _ := g.Acquire("a")
		gone := g.Remove("a").Done
		if _, _, ok := g.Acquire("a"); ok || len(g.Apps()) != 0 {
			t.Error("a removed app is still found")
		}
		synctest.Wait()
		select {
		case <-gone:
			t.Error("removed while in use")
		default:
		}
		release()
		<-gone
		if closings(doors) != 1 {
			t.Error("not closed")
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := registry.New()
		a, doors := app("a", 1, 1)
		b, more := app("b", 1, 1)
		g.Publish(a)
		g.Publish(b)
		_, release, _ := g.Acquire("a")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("closed with an app in use: %v", err)
		}
		synctest.Wait()
		if closings(doors) != 0 || closings(more) != 1 || len(g.Apps()) != 0 {
			t.Errorf("closed %d and %d, %d apps are left", closings(doors), closings(more), len(g.Apps()))
		}
		release()
		for range 2 {
			if err := g.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if closings(doors) != 1 {
			t.Error("not closed")
		}
	})
}

// While apps are replaced and removed, nobody meets a closed one, and all are closed once in the end.
func TestStress(t *testing.T) {
	const rounds, users = 500, 4
	names := []space.AppName{"a", "b"}
	g := registry.New()
	var all []*door
	var over atomic.Bool
	var wg sync.WaitGroup
	for range users {
		wg.Go(func() {
			for !over.Load() {
				for _, name := range names {
					use(t, g, name)
				}
			}
		})
	}
	for i := range rounds {
		for _, name := range names {
			a, doors := app(name, i+1, 1)
			all = append(all, doors...)
			g.Publish(a)
		}
		if i%7 == 0 {
			<-g.Remove(names[0]).Done
		}
	}
	over.Store(true)
	wg.Wait()
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, d := range all {
		if d.wrong.Load() || d.closed.Load() != 1 {
			t.Fatalf("door %d: closed %d times, used when it must not: %v", i, d.closed.Load(), d.wrong.Load())
		}
	}
}

// use asks an app something, if it is there.
func use(t *testing.T, g *registry.Registry, name space.AppName) {
	a, release, ok := g.Acquire(name)
	if !ok {
		return
	}
	defer release()
	if a.App.Name != name {
		t.Errorf("asked for %s and got %s", name, a.App.Name)
	}
	for _, route := range a.Routes {
		_ = route.Server.Serve(nil, nil)
	}
}

// Each app that was replaced or removed says when it has been closed itself: a sweep
// after it takes its files, whatever the others do.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := registry.New()
		first, firstDoors := app("a", 1, 1)
		if drain := table.Publish(first); drain.App != nil || !over(drain) {
			t.Errorf("nothing was replaced, and it is %v", drain.App)
		}
		_, release, _ := table.Acquire("a")
		second, _ := app("a", 2, 1)
		one := table.Publish(second)
		third, _ := app("a", 3, 1)
		two := table.Publish(third)
		three := table.Remove("a")
		synctest.Wait()
		if one.App != first || two.App != second || three.App != third {
			t.Errorf("replaced: %v, %v and %v", one.App, two.App, three.App)
		}
		if over(one) || !over(two) || !over(three) {
			t.Errorf("while the first is in use: over %v, %v and %v", over(one), over(two), over(three))
		}
		release()
		<-one.Done
		if closings(firstDoors) != 1 {
			t.Error("the first revision is open")
		}
	})
}

func over(drain registry.Drain) bool {
	select {
	case <-drain.Done:
		return true
	default:
		return false
	}
}

func (*door) Usage() space.Usage { return space.Usage{} }
