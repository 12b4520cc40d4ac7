package preview1

import (
	"crypto/rand"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero/sys"
)

func argsGet(c call) error { return c.list(0, c.p.config.Args) }

func argsSizesGet(c call) error { return c.putSizes(0, c.p.config.Args) }

func environGet(c call) error { return c.list(0, c.p.env) }

func environSizesGet(c call) error { return c.putSizes(0, c.p.env) }

// The clocks there are. A guest that could read the time of the host's processor
// would learn what others do.
const (
	clockRealtime  = 0
	clockMonotonic = 1
	clockCPU       = 2 // of the process
	clockThread    = 3
)

// now is the time of a clock in nanoseconds. The monotonic one counts from the
// start of the process's request, or goes on from its state: no guest learns for
// how long the host has been up, or when others were served.
func (p *Process) now(clock uint32) (uint64, error) {
	switch clock {
	case clockRealtime:
		p.drew.time = true
		return uint64(time.Now().UnixNano()), nil
	case clockMonotonic:
		return uint64(time.Since(p.began)) + 1, nil
	case clockCPU, clockThread:
		return 0, errnoNotsup
	}
	return 0, errnoInval
}

func clockResGet(c call) error {
	if _, err := c.p.now(c.u32(0)); err != nil {
		return err
	}
	return c.putU64(c.u32(1), 1)
}

func clockTimeGet(c call) error {
	now, err := c.p.now(c.u32(0))
	if err != nil {
		return err
	}
	return c.putU64(c.u32(2), now)
}

// procExit unwinds the guest with its exit status; the module stays open.
func procExit(c call) error { panic(sys.NewExitError(c.u32(0))) }

// procRaise has no signal to raise, as a guest cannot handle one.
func procRaise(call) error { return errnoNotsup }

// schedYield lets others run.
func schedYield(call) error {
	runtime.Gosched()
	return nil
}

// randomGet fills a buffer, however large, from the system's generator.
func randomGet(c call) error {
	buffer, err := c.bytes(c.u32(0), c.u32(1))
	if err != nil {
		return err
	}
	c.p.drew.randomness = true
	for len(buffer) > 0 {
		c.alive()
		n := min(len(buffer), piece)
		_, _ = rand.Read(buffer[:n]) // never fails, it says
		buffer = buffer[n:]
	}
	return nil
}
