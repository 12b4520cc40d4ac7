package space

import (
	"context"
	"time"
)

// Usage is what requests to a Micro have taken of the machine.
type Usage struct {
	// Requests is how many have run.
	Requests int64
	// Fuel is what their guests have computed, in about the number of instructions.
	// It is the same for the same request, clock and randomness.
	Fuel uint64
	// Run is the time for which their guests have run, waits included.
	Run time.Duration
	// Last is when one has last run, of a Micro that answers; zero if none has.
	Last time.Time
	// Visit is of one request; there is none in totals.
	Visit
}

// Visit is the way of one request to its guest, and what it asked of the host there.
type Visit struct {
	// Start is how the instance came to be; "" has none, as files do.
	Start Start
	// Queue is how long the request waited for a place, and Made how long its instance
	// was being made.
	Queue, Made time.Duration
	// Timed asks whoever serves the request to measure its calls of databases, which costs
	// more than to count them.
	Timed bool
	// Calls is how often the guest has asked a database, and CallTime for how long if that
	// was Timed.
	Calls    int64
	CallTime time.Duration
	// Asked are the first of those calls, if that was Timed.
	Asked []Asked
	// Words returns the last lines that the guest wrote, for a report; nil where none ran.
	Words func() []string
	// Memory is the largest size that its instance's memory had, in bytes, and Limits what
	// it ran under, nil where nothing ran.
	Memory uint64
	Limits *Limits
}

// Asked is one call of a database: of which kind, of a query how its statement begins, and
// when.
type Asked struct {
	Call, Kind string
	Began      time.Time
	Took       time.Duration
}

type usageKey struct{}

// WithUsage returns a context that carries where the usage of its request is to
// be written, by whoever serves it.
func WithUsage(ctx context.Context, u *Usage) context.Context {
	return context.WithValue(ctx, usageKey{}, u)
}

// UsageOf returns where to write the usage of the request that ctx belongs to; it
// is nowhere to be read where nobody asked.
func UsageOf(ctx context.Context) *Usage {
	if u, ok := ctx.Value(usageKey{}).(*Usage); ok {
		return u
	}
	return &Usage{}
}
