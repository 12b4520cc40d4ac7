package pool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/host/pool"
)

// gateModel is some pools behind a gate, and what each of their callers has.
type gateModel struct {
	gate  *pool.Gate
	size  int
	pools []*pool.Pool[int]
	asked [][]*caller
}

// caller is one call of Lease.
type caller struct {
	cancel context.CancelFunc
	done   chan error
	leased bool
}

// bubbled is a test in a bubble: rapid would ask it for its deadline otherwise,
// which it does not have.
type bubbled struct{ *testing.T }

// However callers come, go and give up, there are never more leases than places,
// nobody waits for a place that is its pool's to have, and all is given back.
func TestGateModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(t *rapid.T) {
			m := &gateModel{size: rapid.IntRange(1, 9).Draw(t, "size")}
			m.gate = pool.NewGate(m.size, 1000)
			for range rapid.IntRange(1, 4).Draw(t, "pools") {
				m.pools = append(m.pools, behind(m.gate))
			}
			m.asked = make([][]*caller, len(m.pools))
			t.Repeat(map[string]func(*rapid.T){
				"":       m.check,
				"ask":    m.ask,
				"leave":  m.leave,
				"tick":   func(*rapid.T) { time.Sleep(time.Second) },
				"giveUp": m.giveUp,
			})
			m.end(t)
		})
	})
}

func (m *gateModel) ask(t *rapid.T) {
	i := rapid.IntRange(0, len(m.pools)-1).Draw(t, "pool")
	ctx, cancel := context.WithCancel(context.Background())
	c := &caller{cancel: cancel, done: make(chan error, 1)}
	go func() {
		_, err := m.pools[i].Lease(ctx)
		c.done <- err
	}()
	m.asked[i] = append(m.asked[i], c)
}

// settle takes in how the calls ended, and counts who has and who waits.
func (m *gateModel) settle() (have, wait []int) {
	synctest.Wait()
	have, wait = make([]int, len(m.pools)), make([]int, len(m.pools))
	for i, callers := range m.asked {
		m.asked[i] = nil
		for _, c := range callers {
			if !c.leased {
				select {
				case err := <-c.done:
					c.leased = err == nil
					if err != nil {
						c.cancel()
						continue
					}
				default:
					wait[i]++
				}
			}
			if c.leased {
				have[i]++
			}
			m.asked[i] = append(m.asked[i], c)
		}
	}
	return have, wait
}

func (m *gateModel) check(t *rapid.T) {
	have, wait := m.settle()
	free, waiting := m.size, 0
	for i := range have {
		free -= have[i]
		waiting += wait[i]
	}
	if free < 0 {
		t.Fatalf("%v leases of %d places", have, m.size)
	}
	if taken, queued := m.gate.Load(); taken != m.size-free || queued > waiting {
		t.Fatalf("the gate counts %d places taken and %d that wait; %v have one, %v wait", taken, queued, have, wait)
	}
	for i := range have {
		if wait[i] > 0 && have[i] < 32 && have[i] < 3*free {
			t.Fatalf("pool %d waits, of %v, with %d places free", i, have, free)
		}
	}
}

// pick takes out one of the callers that have a lease, or of those that wait.
func (m *gateModel) pick(t *rapid.T, leased bool) (int, *caller) {
	m.settle()
	i := rapid.IntRange(0, len(m.pools)-1).Draw(t, "pool")
	for j, c := range m.asked[i] {
		if c.leased == leased {
			m.asked[i] = append(m.asked[i][:j:j], m.asked[i][j+1:]...)
			return i, c
		}
	}
	t.Skip("there is none")
	return 0, nil
}

func (m *gateModel) leave(t *rapid.T) {
	i, c := m.pick(t, true)
	c.cancel()
	m.pools[i].Keep(0)
}

func (m *gateModel) giveUp(t *rapid.T) {
	_, c := m.pick(t, false)
	c.cancel()
	if err := <-c.done; err == nil {
		t.Fatal("leased to who gave up, while nothing was given back")
	}
}

func (m *gateModel) end(t *rapid.T) {
	m.gate.Close()
	m.settle()
	for i, callers := range m.asked {
		for _, c := range callers {
			c.cancel()
			m.pools[i].Drop(0)
		}
	}
	if taken, waiting := m.gate.Load(); taken != 0 || waiting != 0 {
		t.Fatalf("at the end %d places are taken, %d wait", taken, waiting)
	}
}
