package child

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// executable is this program, also when its file has been replaced by another version meanwhile.
func executable() (string, error) { return "/proc/self/exe", nil }

// attributes make a child that dies with its parent, and that a terminal's Ctrl-C does not reach: pushes that run when
// the server drains are to end well.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// forbid takes from the children of this thread what they could not give up as surely by themselves: descriptors that
// this process was started with, as Go marks only its own (kernels before 5.11 cannot), and programs that run as
// another user. The second cannot be undone, so the thread is to end afterwards.
func forbid() error {
	const firstAfterStandardError = 3
	_ = unix.CloseRange(firstAfterStandardError, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	return nil
}

// watchResident calls exceeded once the process holds more memory than the limit, and returns then or when ctx ends.
// The kernel has no limit for that which works without cgroups.
func watchResident(ctx context.Context, pid int, limit int64, exceeded func()) {
	// A process can take about 1 MiB in a millisecond.
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if resident(pid) > limit {
			exceeded()
			return
		}
	}
}

// resident returns how much memory a process holds, in bytes; 0 if it has ended (proc(5), statm).
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
