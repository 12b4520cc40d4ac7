package fs

import (
	"syscall"
)

// Budget is an amount that many trees share. Take takes n units, or returns
// false and takes none; Give gives them back. It is safe for concurrent use and
// never waits.
type Budget interface {
	Take(n int64) bool
	Give(n int64)
}

// Shared are the budgets of which trees take their parts. A nil one has no end.
type Shared struct {
	// Bytes is of the files of each [Tmp], as its [Quota] counts them (ENOSPC).
	Bytes Budget
	// Descriptors is of what is open on the host: one for each [File], and for
	// each [Dir] that [Dir.OpenDir] returned (ENFILE).
	Descriptors Budget
}

// reserve takes a descriptor for what is about to be opened.
func (s Shared) reserve() error {
	if s.Descriptors != nil && !s.Descriptors.Take(1) {
		return syscall.ENFILE
	}
	return nil
}

// release gives back what reserve took.
func (s Shared) release() {
	if s.Descriptors != nil {
		s.Descriptors.Give(1)
	}
}

func (s Shared) takeBytes(n int64) bool {
	return n <= 0 || s.Bytes == nil || s.Bytes.Take(n)
}

func (s Shared) giveBytes(n int64) {
	if n > 0 && s.Bytes != nil {
		s.Bytes.Give(n)
	}
}
