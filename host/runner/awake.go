package runner

import (
	"context"
	"errors"
	"os"
	"sync/atomic"

	"github.com/spacewasm/spacewasm/wasi"
)

// Awake is what a Micro has in memory while it is awake: what its instances are made
// of.
type Awake struct {
	Module   *wasi.Module
	Snapshot *wasi.Snapshot // nil is none
	Bundle   *os.Root
	// Databases are those of Bundle; they are made with the Micro.
	Databases *wasi.Databases
}

// Close frees it, after all instances.
func (a *Awake) Close(ctx context.Context) error {
	a.Databases.Close()
	return errors.Join(a.Snapshot.Close(), a.Module.Close(ctx), a.Bundle.Close())
}

// core is an Awake with the count of those that use it: the Micro, and its instances.
// The last of them frees it.
type core struct {
	*Awake
	node    *Node
	charged int64 // of the node's budget for code
	users   atomic.Int64
}

// newCore takes what the code has of memory off the node's budget for code. Others
// have to sleep for it; if all of them are busy, it is more than the budget.
func newCore(awake *Awake, config *Config) *core {
	node := &config.Node
	awake.Databases = wasi.NewDatabases(awake.Bundle, config.Limits.Payload, node.budgets())
	c := &core{Awake: awake, node: node}
	c.users.Store(1)
	n := awake.Module.Bytes()
	if node.Code == nil {
		return c
	}
	for !node.Code.Take(n) {
		if !node.Sleeper.reclaim(anything) {
			return c
		}
	}
	c.charged = n
	return c
}

// release counts a user out, and tells whether it was the last.
func (c *core) release(ctx context.Context) (last bool, err error) {
	if c.users.Add(-1) > 0 {
		return false, nil
	}
	err = c.Close(ctx)
	if c.node.Code != nil {
		c.node.Code.Give(c.charged)
	}
	return true, err
}

// hold returns what instances are made of, with one more user, and whether the Micro
// had to be woken for it.
func (m *Micro) hold(ctx context.Context) (c *core, woken bool, err error) {
	m.waking.Lock()
	defer m.waking.Unlock()
	if m.core == nil {
		awake, err := m.config.Wake(ctx)
		if err != nil {
			return nil, false, err
		}
		m.core = newCore(awake, &m.config)
		m.awake.Store(true)
		m.config.Node.Sleeper.add(m)
		woken = true
	}
	m.core.users.Add(1)
	return m.core, woken, nil
}

// Sleep frees all that the Micro has in memory, unless it is busy, and tells whether
// there was anything. Who asks for it next wakes it.
func (m *Micro) Sleep() bool {
	// Who wakes another Micro, and puts this one to sleep for it, must not wait for one
	// that does the same the other way round.
	if !m.waking.TryLock() {
		return false
	}
	defer m.waking.Unlock()
	if m.core == nil || m.instances.Busy() {
		return false
	}
	last, _ := m.letGo(context.Background()) // what does not close is lost to this process only
	return last
}

// letGo frees what the Micro has in memory but for what others use, and tells whether
// that was all. The caller holds waking.
func (m *Micro) letGo(ctx context.Context) (all bool, err error) {
	c := m.core
	m.core = nil
	m.awake.Store(false)
	m.config.Node.Sleeper.remove(m)
	m.instances.Shrink()
	return c.release(ctx)
}

// forget has the Micro sleep, if instances are still made of c.
func (m *Micro) forget(c *core) {
	m.waking.Lock()
	defer m.waking.Unlock()
	if m.core == c {
		_, _ = m.letGo(context.Background())
	}
}

// anything lets any Micro sleep.
func anything(*Micro) bool { return true }

// hasSnapshot tells whether the Micro holds memory of the budget of instances.
func hasSnapshot(m *Micro) bool {
	if !m.waking.TryLock() {
		return false
	}
	defer m.waking.Unlock()
	return m.core != nil && m.core.Snapshot.Taken()
}

// isCurrent tells whether instances are still made of c.
func (m *Micro) isCurrent(c *core) bool {
	m.waking.Lock()
	defer m.waking.Unlock()
	return m.core == c
}

// disconnect closes the connections to databases that nobody uses, and tells whether there
// were any. It waits for nobody, as who needs their memory may be waking a Micro.
func (m *Micro) disconnect() bool {
	if !m.waking.TryLock() {
		return false
	}
	defer m.waking.Unlock()
	return m.core != nil && m.core.Databases.Reclaim()
}

// Doze frees the Micro's idle instances, and tells whether there were any.
func (m *Micro) Doze() bool { return m.instances.Shrink() }
