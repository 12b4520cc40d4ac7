package pool_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/pool"
)

// model is a pool without a queue as a list of what is leased and a stack of what is idle.
type model struct {
	pool   *pool.Pool[int]
	things *factory

	size   int
	leased []int
	idle   []int
	freed  []int
	made   int
	closed bool
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{size: rapid.IntRange(1, 4).Draw(t, "size")}
		m.pool, m.things = newPool(m.size, 0, 0)
		t.Repeat(map[string]func(*rapid.T){
			"":      m.check,
			"lease": m.lease,
			"fail":  m.fail,
			"keep":  m.keep,
			"drop":  m.drop,
			"close": m.close,
		})
	})
}

func (m *model) lease(t *rapid.T) {
	got, err := m.pool.Lease(context.Background())
	switch {
	case m.closed:
		if !errors.Is(err, pool.ErrClosed) {
			t.Fatalf("closed: got %d, %v", got, err)
		}
		return
	case len(m.leased) == m.size:
		if !errors.Is(err, pool.ErrFull) {
			t.Fatalf("full: got %d, %v", got, err)
		}
		return
	}
	want := m.made + 1
	if n := len(m.idle); n > 0 {
		want = m.idle[n-1]
		m.idle = m.idle[:n-1]
	} else {
		m.made++
	}
	if got != want || err != nil {
		t.Fatalf("leased %d, %v; want %d", got, err, want)
	}
	m.leased = append(m.leased, got)
}

// fail leases where a new thing would have to be made and cannot.
func (m *model) fail(t *rapid.T) {
	if m.closed || len(m.leased) == m.size || len(m.idle) > 0 {
		t.Skip("nothing would be made")
	}
	m.things.broken = errors.New("broken")
	defer func() { m.things.broken = nil }()
	if _, err := m.pool.Lease(context.Background()); !errors.Is(err, m.things.broken) {
		t.Fatalf("got %v", err)
	}
}

// take takes one of the leased things.
func (m *model) take(t *rapid.T) int {
	if len(m.leased) == 0 {
		t.Skip("nothing is leased")
	}
	i := rapid.IntRange(0, len(m.leased)-1).Draw(t, "which")
	thing := m.leased[i]
	m.leased = slices.Delete(m.leased, i, i+1)
	return thing
}

func (m *model) keep(t *rapid.T) {
	thing := m.take(t)
	m.pool.Keep(thing)
	if m.closed {
		m.freed = append(m.freed, thing)
	} else {
		m.idle = append(m.idle, thing)
	}
}

func (m *model) drop(t *rapid.T) {
	thing := m.take(t)
	m.pool.Drop(thing)
	m.freed = append(m.freed, thing)
}

func (m *model) close(t *rapid.T) {
	ctx, cancel := context.WithCancel(context.Background())
	if len(m.leased) > 0 {
		cancel()
	}
	defer cancel()
	err := m.pool.Close(ctx)
	if (err != nil) != (len(m.leased) > 0) {
		t.Fatalf("close with %d leased: %v", len(m.leased), err)
	}
	m.closed = true
	m.freed = append(m.freed, m.idle...)
	m.idle = nil
}

func (m *model) check(t *rapid.T) {
	if m.things.made != m.made || !slices.Equal(m.things.freed, m.freed) {
		t.Fatalf("made %d, freed %v; want %d, %v", m.things.made, m.things.freed, m.made, m.freed)
	}
}
