package runner

import (
	"sync/atomic"

	"github.com/spacewasm/spacewasm/host/space"
)

// State is what the Micro is up to. It does not wait for one that wakes: that one counts
// as awake.
func (m *Micro) State() space.State {
	state := space.State{Awake: true, Memory: m.held.Load()}
	state.Running, state.Waiting = m.instances.Load()
	if !m.waking.TryLock() {
		return state
	}
	defer m.waking.Unlock()
	if m.core == nil {
		state.Awake = false
		return state
	}
	state.Memory += m.core.Module.Bytes()
	if m.core.Snapshot.Taken() {
		state.Memory += int64(m.core.Snapshot.Bytes())
	}
	return state
}

// measure notes what an instance has of memory now.
func (s *sandbox) measure(held *atomic.Int64, now int64) {
	held.Add(now - s.held)
	s.held = now
}

// Described is what a Micro is made of, for who makes another one like it.
type Described struct {
	Micro space.Micro
	// Env are KEY=value lines, secrets among them.
	Env       []string
	Limits    space.Limits
	Isolation space.Isolation
}

// Describe returns what the Micro is made of; its slices are shared.
func (m *Micro) Describe() Described {
	c := &m.config
	return Described{Micro: c.Micro, Env: c.Env, Limits: c.Limits, Isolation: c.Isolation}
}
