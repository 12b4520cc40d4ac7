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
	// Of one request only: how its instance came to be, the largest size of its memory in
	// bytes, and the limits that it ran under, nil where nothing ran.
	Start  Start
	Memory uint64
	Limits *Limits
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
