package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Reason is why a child ended without an artefact.
type Reason string

// The reasons. The first four are bounds.
const (
	// TooLong is a child that took more than its time.
	TooLong Reason = "it took too long"
	// TooMuchProcessor is one that used more than its processor time.
	TooMuchProcessor Reason = "it used too much processor time"
	// TooMuchMemory is one that wanted more than its memory.
	TooMuchMemory Reason = "it used too much memory"
	// TooLarge is one that wrote more than it may into a file.
	TooLarge Reason = "it wrote too large a file"
	// Crashed is a panic or a fatal error of the program itself.
	Crashed Reason = "it crashed"
	// Failed is a task that returned an error.
	Failed Reason = "it failed"
	// Killed is a child that something else has ended: the system when memory is short, or a person.
	Killed Reason = "it was killed from outside"
)

// EndedError is how a child ended that did not end well.
type EndedError struct {
	Reason Reason
	// Said is the beginning of its error output, for the log.
	Said string
}

func (e *EndedError) Error() string {
	if e.Said == "" {
		return "child process: " + string(e.Reason)
	}
	return fmt.Sprintf("child process: %s: %s", e.Reason, e.Said)
}

// The exit statuses of a child, beside 0 and those of Go's runtime.
const (
	statusFailed    = 1
	statusGo        = 2 // panics and fatal errors
	statusTooLarge  = 3
	statusProcessor = 4
)

// ended says how a child ended. err is what waiting for it returned, and the cause of ctx whoever killed it.
func ended(ctx context.Context, state *os.ProcessState, bounds Bounds, said string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		e, ok := errors.AsType[*EndedError](context.Cause(ctx))
		if !ok {
			return context.Cause(ctx)
		}
		e.Said = said
		return e
	case state == nil: // it did not start
		return err
	}
	return &EndedError{Reason: reason(state, bounds, said), Said: said}
}

// reason tells why a child ended that its parent did not kill.
func reason(state *os.ProcessState, bounds Bounds, said string) Reason {
	switch state.ExitCode() {
	case statusTooLarge:
		return TooLarge
	case statusProcessor:
		return TooMuchProcessor
	case statusFailed:
		return Failed
	case statusGo:
		for _, words := range []string{"out of memory", "cannot allocate memory"} {
			if strings.Contains(said, words) {
				return TooMuchMemory
			}
		}
		return Crashed
	case -1: // a signal
		if state.UserTime()+state.SystemTime() >= bounds.Processor {
			return TooMuchProcessor
		}
		return Killed
	}
	return Crashed
}
