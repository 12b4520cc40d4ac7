//go:build !linux

package memory_test

import (
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// trackers returns one for each way that this machine has.
func trackers(testing.TB) map[string]*memory.Tracker {
	return map[string]*memory.Tracker{"copy": memory.NewTracker()}
}
