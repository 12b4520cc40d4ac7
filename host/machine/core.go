package machine

import (
	"fmt"
	"syscall"
)

// NoCoreDumps keeps the process, and its children, from writing its memory to a
// file when it crashes: keys and visitors' requests are in there.
func NoCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	return nil
}
