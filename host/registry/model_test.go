package registry_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// user is somebody who has an app in use.
type user struct {
	app     *registry.App
	release func()
}

// timeless is a test without a deadline, which may not be asked for in a bubble.
type timeless struct{ rapid.TB }

// model says which app is to be found under each name, and who uses which.
type model struct {
	registry *registry.Registry
	live     map[space.AppName]*registry.App
	doors    map[*registry.App]*door
	users    []user
}

func TestModel(t *testing.T) {
	// In a bubble, as what drains does so in goroutines of the registry.
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(timeless{t}, func(t *rapid.T) {
			m := &model{registry: registry.New(), live: map[space.AppName]*registry.App{}, doors: map[*registry.App]*door{}}
			t.Repeat(map[string]func(*rapid.T){
				"": m.check, "publish": m.publish, "remove": m.remove, "acquire": m.acquire, "release": m.release,
			})
			for len(m.users) > 0 {
				m.letGo(0)
			}
			if err := m.registry.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func drawName(t *rapid.T) space.AppName {
	return rapid.SampledFrom([]space.AppName{"a", "b"}).Draw(t, "name")
}

func (m *model) publish(t *rapid.T) {
	name := drawName(t)
	a, doors := app(name, len(m.doors)+1, 1)
	m.doors[a] = doors[0]
	m.live[name] = a
	m.registry.Publish(a)
}

func (m *model) remove(t *rapid.T) {
	name := drawName(t)
	delete(m.live, name)
	m.registry.Remove(name)
}

func (m *model) acquire(t *rapid.T) {
	name := drawName(t)
	got, release, ok := m.registry.Acquire(name)
	if got != m.live[name] || ok != (got != nil) {
		t.Fatalf("acquired %v, %v", got, ok)
	}
	if ok {
		m.users = append(m.users, user{got, release})
	}
}

func (m *model) release(t *rapid.T) {
	if len(m.users) == 0 {
		t.Skip("nothing is in use")
	}
	m.letGo(rapid.IntRange(0, len(m.users)-1).Draw(t, "who"))
}

func (m *model) letGo(i int) {
	m.users[i].release()
	m.users = slices.Delete(m.users, i, i+1)
}

// check holds that exactly those apps are closed that nobody finds or uses.
func (m *model) check(t *rapid.T) {
	synctest.Wait()
	open := map[*registry.App]bool{}
	for a := range maps.Values(m.live) {
		open[a] = true
	}
	for _, u := range m.users {
		open[u.app] = true
	}
	for a, d := range m.doors {
		if closed := d.closed.Load(); (closed == 0) != open[a] || closed > 1 {
			t.Fatalf("revision %d of %s: closed %d times, open %v", a.Revision.Number, a.App.Name, closed, open[a])
		}
	}
	if len(m.registry.Apps()) != len(m.live) {
		t.Fatalf("%d apps, want %d", len(m.registry.Apps()), len(m.live))
	}
}
