package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spacewasm/spacewasm/host/machine"
	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/runner"
)

// Machine is what there is to share out.
type Machine struct {
	// Memory is what the process may have, in bytes; 0 where it is not known.
	Memory int64
	// Free is what the data directory's file system has left, in bytes.
	Free int64
	// Descriptors is how many files may be open.
	Descriptors int64
	// Processors is how many goroutines run at a time.
	Processors int
	// Mappings is how many the process may have.
	Mappings int64
}

// Shares is how a [Machine] is shared out.
type Shares struct {
	// Places is how many executions there may be at a time, and Queue how many
	// requests may wait for one.
	Places, Queue int
	// Fires is how many of the places Scheduled Actions have at most.
	Fires int
	// Memory is for instances, and Bodies for the bodies of requests, in bytes.
	Memory, Bodies int64
	// Code is for the machine code of Micros that are awake, in bytes.
	Code int64
	// Heap is the soft limit for Go's runtime, in bytes. Bodies are in its heap;
	// linear memories and compiled code, which are mapped, are not.
	Heap int64
	// Tmp is for the files of all executions, in bytes.
	Tmp int64
	// Connections is how many clients may be connected, and Descriptors how many
	// files the guests may have open. What is left is the server's own.
	Connections int
	Descriptors int64
	// Mappings is how many the memories of instances may have. The rest is for Go's
	// runtime, which dies when it gets none, and for compiled code.
	Mappings int64
}

const (
	placesPerProcessor = 8
	queuePerNode       = 512
	// What is assumed where the machine does not tell.
	assumedMemory = 4 << 30
	// Less memory for instances than this would let nobody run.
	leastMemory = 32 << 20
	// Code for three Micros in Go.
	leastCode = 64 << 20
	// Less descriptors than these are used up by a handful of Micros.
	leastDescriptors = 256
	// What an instance has beside its memory at the most: tables and buffers.
	besideMemory = 16 << 20
	// What a body takes beside its bytes at the most: the rest of its last chunk.
	besideBody = 512 << 10
)

// Share shares a machine out. Its errors say what to set.
func (c *Config) Share(m Machine) (Shares, error) {
	if m.Memory <= 0 {
		m.Memory = assumedMemory
	}
	total := c.MemoryBudget
	if total == 0 {
		total = m.Memory / 4 * 3
	}
	s := Shares{
		Places: placesPerProcessor * m.Processors, Queue: queuePerNode, Fires: max(1, placesPerProcessor*m.Processors/4),
		Memory: total - total/8, Bodies: total / 8, Code: max(total/12, leastCode),
		Connections: int(min(int64(c.Connections), m.Descriptors/4)), Descriptors: m.Descriptors / 2,
		Tmp: c.TmpBudget, Mappings: m.Mappings / 3,
	}
	// Of what instances do not get, a quarter stays for compiled code, the kernel's
	// buffers and the children.
	s.Heap = s.Bodies + max((m.Memory-total)/4*3, m.Memory/16, 64<<20)
	if s.Tmp == 0 {
		s.Tmp = min(int64(s.Places)*c.Limits.Tmp, m.Free/2)
	}
	switch {
	case s.Memory < leastMemory:
		return s, fmt.Errorf("memory budget: %d bytes are too few: want at least 48MiB; give the process more memory, "+
			"or set --memory-budget", total)
	case s.Bodies < c.Limits.Payload+besideBody:
		return s, fmt.Errorf("payload: a body of %d bytes does not fit into the %d that all requests together have, "+
			"an eighth of the memory budget: lower --payload or raise --memory-budget", c.Limits.Payload, s.Bodies)
	case m.Descriptors < leastDescriptors:
		return s, fmt.Errorf("open files: the limit is %d, want at least %d: raise it (ulimit -n, LimitNOFILE=)",
			m.Descriptors, leastDescriptors)
	}
	return s, nil
}

// share looks at the machine and shares it out. The data directory is there.
func (h *Host) share() error {
	m := Machine{Processors: runtime.GOMAXPROCS(0)}
	var errs [3]error
	m.Memory, errs[0] = machine.Memory(os.DirFS("/"))
	m.Descriptors, errs[1] = machine.Descriptors()
	m.Free, errs[2] = h.reserve.Free()
	m.Mappings = machine.Mappings(os.DirFS("/"))
	if err := errs[0]; err != nil && h.config.MemoryBudget == 0 {
		h.config.Logger.Warn("cannot see how much memory there is: set --memory-budget", "assumed", assumedMemory, "error", err)
	}
	if err := errors.Join(errs[1:]...); err != nil {
		return err
	}
	var err error
	if h.shares, err = h.config.Share(m); err != nil {
		return err
	}
	s := h.shares
	h.config.Logger.Info("shares of the node", "executions", s.Places, "memory", s.Memory, "bodies", s.Bodies, "code", s.Code,
		"tmp", s.Tmp, "connections", s.Connections, "descriptors", s.Descriptors, "mappings", s.Mappings)
	if most := s.Memory - besideMemory; h.config.Limits.Memory > most {
		// Else a guest at this limit would be told for ever to come back later.
		h.config.Logger.Warn("the limit of memory for one execution is lowered to what the node has for all",
			"limit", h.config.Limits.Memory, "node", most)
		h.config.Limits.Memory = most
	}
	h.tmp, h.descriptors, h.mappings = pool.NewBudget(s.Tmp), pool.NewBudget(s.Descriptors), pool.NewBudget(s.Mappings)
	h.node = runner.Node{
		Gate:   pool.NewGate(s.Places, s.Queue),
		Memory: pool.NewBudget(s.Memory), Bodies: pool.NewBudget(s.Bodies), Code: pool.NewBudget(s.Code),
		Tmp: h.reserve.Guard(h.tmp), Descriptors: h.descriptors,
		Mappings: h.mappings,
		Sleeper:  runner.NewSleeper(h.config.Sleep),
	}
	if h.metrics != nil { // who prepares apps alone has none
		h.node.Instances = h.metrics.Instances
	}
	return nil
}

// Shares is what the host's machine was shared out to.
func (h *Host) Shares() Shares { return h.shares }
