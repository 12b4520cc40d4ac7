package machine

import (
	"fmt"
	"math"
	"syscall"
)

// Descriptors is how many files the process may have open. Go's runtime has
// raised the soft limit to the hard one when the program began.
func Descriptors() (int64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("find out the limit of open files: %w", err)
	}
	return int64(min(limit.Cur, math.MaxInt32)), nil
}
