package space

import "context"

// Start is how the instance came to be that served a request.
type Start string

// The starts there are, from the quickest.
const (
	// StartReset is an instance that has served before, and was put back to its
	// beginning.
	StartReset Start = "reset"
	// StartClone is a new instance of a Micro that was awake.
	StartClone Start = "clone"
	// StartLoad is one of a Micro that was asleep: its code came from the disk.
	StartLoad Start = "load"
)

type timingKey struct{}

// WithTiming returns a context that says that the client may know where the time of
// its request goes. To others, how much a Micro computes would tell of its secrets.
func WithTiming(ctx context.Context) context.Context {
	return context.WithValue(ctx, timingKey{}, true)
}

// TimingWanted tells whether [WithTiming] made the context.
func TimingWanted(ctx context.Context) bool {
	wanted, _ := ctx.Value(timingKey{}).(bool)
	return wanted
}
