package space

import "time"

// Limits are the rules one Micro lives by (the numbers of Deta Space). Sizes
// are in bytes.
type Limits struct {
	// Timeout is the wall time of one execution, from its lease to the last byte
	// of the response.
	Timeout time.Duration
	// Memory bounds the linear memory of one execution.
	Memory int64
	// Tmp and TmpInodes bound what one execution keeps in its /tmp.
	Tmp       int64
	TmpInodes int
	// Payload bounds a request's body and, separately, a response's, inclusively.
	Payload int64
	// Bundle bounds one Micro's files, code included, packed and unpacked.
	Bundle int64
	// BundleEntries bounds the number of files and folders of a bundle.
	BundleEntries int
	// Concurrency is the number of executions of one Micro at a time; Queue is
	// how many more may wait for a place, each for at most QueueWait.
	Concurrency int
	Queue       int
	QueueWait   time.Duration
	// Fuel bounds what one execution computes, in about the number of its
	// instructions; 0 leaves that to the timeout.
	Fuel uint64
	// LogBytes bounds what one execution may write to its log.
	LogBytes int64
}

// MaxMicros is the number of Micros that one app may have, and MaxActions that of
// Scheduled Actions of one Micro.
const (
	MaxMicros  = 5
	MaxActions = 5
)

// OwnLimits are what a Micro's Spacefile asks of its limits; zero leaves one to the
// server.
type OwnLimits struct {
	Timeout     time.Duration `json:"timeout,omitempty"` // in nanoseconds
	Memory      int64         `json:"memory,omitempty"`  // in bytes
	Concurrency int           `json:"concurrency,omitempty"`
}

// Within returns the limits of a Micro: its own where they are lower than the
// server's.
func (l Limits) Within(own OwnLimits) Limits {
	if own.Timeout > 0 {
		l.Timeout = min(l.Timeout, own.Timeout)
	}
	if own.Memory > 0 {
		l.Memory = min(l.Memory, own.Memory)
	}
	if own.Concurrency > 0 {
		l.Concurrency = min(l.Concurrency, own.Concurrency)
	}
	return l
}

// DefaultLimits returns the limits of Deta Space, with a concurrency of 32.
func DefaultLimits() Limits {
	return Limits{
		Timeout:       20 * time.Second,
		Memory:        512 << 20,
		Tmp:           512 << 20,
		TmpInodes:     16_384,
		Payload:       5<<20 + 512<<10, // 5.5 MiB
		Bundle:        250 << 20,
		BundleEntries: 20_000,
		Concurrency:   32,
		Queue:         64,
		QueueWait:     5 * time.Second,
		LogBytes:      1 << 20,
	}
}
