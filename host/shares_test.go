package host_test

import (
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// T19, T22: of the machine's memory three quarters are for guests and their
// requests, of its descriptors a half is for guests and a quarter for clients.
func TestShare(t *testing.T) {
	large := host.Machine{Memory: 32 * gib, Free: 100 * gib, Descriptors: 1 << 20, Processors: 8}
	small := host.Machine{Memory: 512 * mib, Free: 2 * gib, Descriptors: 1024, Processors: 1}
	for name, c := range map[string]struct {
		machine host.Machine
		change  func(*host.Config)
		want    host.Shares
	}{
		"large": {large, nil, host.Shares{
			Places: 64, Queue: 512, Fires: 16, Memory: 21 * gib, Bodies: 3 * gib, Code: 2 * gib, Heap: 9 * gib,
			Tmp: 32 * gib, Connections: 4096, Descriptors: 1 << 19,
		}},
		"small": {small, nil, host.Shares{
			Places: 8, Queue: 512, Fires: 2, Memory: 336 * mib, Bodies: 48 * mib, Code: 64 * mib, Heap: 144 * mib,
			Tmp: gib, Connections: 256, Descriptors: 512,
		}},
		"flags": {small, func(c *host.Config) { c.MemoryBudget, c.TmpBudget, c.Connections = 128*mib, mib, 10 }, host.Shares{
			Places: 8, Queue: 512, Fires: 2, Memory: 112 * mib, Bodies: 16 * mib, Code: 64 * mib, Heap: 304 * mib,
			Tmp: mib, Connections: 10, Descriptors: 512,
		}},
		"more than there is": {small, func(c *host.Config) { c.MemoryBudget = gib }, host.Shares{
			Places: 8, Queue: 512, Fires: 2, Memory: 896 * mib, Bodies: 128 * mib, Code: gib / 12, Heap: 192 * mib,
			Tmp: gib, Connections: 256, Descriptors: 512,
		}},
		"unknown": {host.Machine{Free: gib, Descriptors: 1024, Processors: 1}, nil, host.Shares{
			Places: 8, Queue: 512, Fires: 2, Memory: 2688 * mib, Bodies: 384 * mib, Code: 256 * mib, Heap: 1152 * mib,
			Tmp: 512 * mib, Connections: 256, Descriptors: 512,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			config := host.DefaultConfig()
			if c.change != nil {
				c.change(&config)
			}
			got, err := config.Share(c.machine)
			if err != nil || got != c.want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

// What cannot work is refused with what to set.
func TestShareRefuses(t *testing.T) {
	good := host.Machine{Memory: gib, Free: gib, Descriptors: 1024, Processors: 1}
	for name, c := range map[string]struct {
		change func(*host.Config, *host.Machine)
		want   string
	}{
		"budget":      {func(c *host.Config, _ *host.Machine) { c.MemoryBudget = 32 * mib }, "set --memory-budget"},
		"machine":     {func(_ *host.Config, m *host.Machine) { m.Memory = 16 * mib }, "set --memory-budget"},
		"payload":     {func(c *host.Config, _ *host.Machine) { c.Limits.Payload = 200 * mib }, "lower --payload or raise --memory-budget"},
		"descriptors": {func(_ *host.Config, m *host.Machine) { m.Descriptors = 255 }, "ulimit -n"},
	} {
		config, machine := host.DefaultConfig(), good
		c.change(&config, &machine)
		if _, err := config.Share(machine); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*host.Config){
		"memory-budget": func(c *host.Config) { c.MemoryBudget = -1 },
		"tmp-budget":    func(c *host.Config) { c.TmpBudget = -1 },
		"connections":   func(c *host.Config) { c.Connections = 0 },
	} {
		config := host.DefaultConfig()
		change(&config)
		if err := config.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
