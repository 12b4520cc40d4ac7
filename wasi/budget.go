package wasi

// Budget is an amount that many instances share, such as the memory of a
// machine. Take takes n units, or returns false and takes none; Give gives them
// back. It is safe for concurrent use and never waits.
type Budget interface {
	Take(n int64) bool
	Give(n int64)
}

// Budgets are what all instances of a node share. A nil Budget has no end.
type Budgets struct {
	// Memory is counted in bytes: linear memories, as the guests have grown them,
	// with their tables and buffers.
	Memory Budget
	// Tmp is counted in bytes of files in /tmp.
	Tmp Budget
	// Descriptors is counted in open files of the host.
	Descriptors Budget
	// Mappings is counted in mappings of the process, of which the kernel allows a
	// number; past it Go's own runtime fails.
	Mappings Budget
}
