package registry_test

import (
	"testing"

	"github.com/spacewasm/spacewasm/host/registry"
)

// Who watches learns of each change once, and of none that was before.
func TestWatch(t *testing.T) {
	g := registry.New()
	changed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	one, doors := app("a", 1, 1)
	_ = doors
	g.Publish(one)
	first := g.Watch()
	if changed(first) || g.Watch() != first {
		t.Error("what was before is told")
	}
	two, _ := app("a", 2, 1)
	g.Publish(two)
	if !changed(first) {
		t.Error("a publication is not told")
	}
	second := g.Watch()
	if changed(second) {
		t.Error("one change is told twice")
	}
	g.Remove("a")
	if !changed(second) {
		t.Error("a removal is not told")
	}
	if err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
