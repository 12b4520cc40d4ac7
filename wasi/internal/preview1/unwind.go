package preview1

import (
	"context"
	"time"
)

// interruption is what unwinds a guest whose context is over.
type interruption struct{ error }

// Unwrap is for errors.Is.
func (i interruption) Unwrap() error { return i.error }

// Alive unwinds the guest that has called the host, by a panic, if its context is
// over. The error of its call is then that of the context.
func Alive(ctx context.Context) {
	if err := ctx.Err(); err != nil {
		panic(interruption{err})
	}
}

// Forever is as long as the context lasts.
const Forever = time.Duration(-1)

// Sleep waits for a time, or [Forever]. When the context ends it unwinds the guest
// as [Alive] does.
func Sleep(ctx context.Context, d time.Duration) {
	var over <-chan time.Time
	if d != Forever {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-ctx.Done():
		Alive(ctx)
	}
}
