package wasi

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// FaultKind tells the ways apart in which a guest fails a request.
type FaultKind int

// The kinds of faults.
const (
	// FaultTrap is a trap of the module: unreachable, a bad memory access, too
	// deep a recursion.
	FaultTrap FaultKind = iota + 1
	// FaultExit is an exit status other than 0.
	FaultExit
	// FaultOutOfMemory is a trap or exit after the guest was refused memory.
	FaultOutOfMemory
	// FaultNoRoom is a trap or exit after the guest was refused memory that its own
	// limit allows, because the instances together had none left.
	FaultNoRoom
	// FaultDeadline is a guest that ran out of time.
	FaultDeadline
	// FaultBadResponse is output that is not a response.
	FaultBadResponse
	// FaultResponseTooLarge is a response beyond its limit.
	FaultResponseTooLarge
	// FaultClientGone is a client that left before its response was whole.
	FaultClientGone
	// FaultHost is a failure of the host's, such as a full disk.
	FaultHost
)

// Fault is how a guest failed a request.
type Fault struct {
	Kind FaultKind
	// Message describes the fault and holds nothing that the guest has written.
	Message string
	// Stack is the guest's stack trace after a trap, and where it was when its time or its
	// fuel was over.
	Stack string
	// OutOfFuel says that it was the fuel that was over, not the time.
	OutOfFuel bool
	// Committed says that part of the response has been sent.
	Committed bool
	// Err is the cause, if there is one beside the guest.
	Err error
}

func (f *Fault) Error() string { return f.Message }

func (f *Fault) Unwrap() error { return f.Err }

// diagnose turns the end of an execution into a fault, or nil when it ended
// well. err is what the guest's call returned.
func (i *Instance) diagnose(ctx context.Context, err error) *Fault {
	exit, exited := errors.AsType[*sys.ExitError](err)
	if ctx.Err() != nil {
		// Also when it ended well: a sleep that was cut short proves nothing.
		return i.interruption(ctx, err)
	}
	if err == nil || (exited && exit.ExitCode() == 0) {
		return nil
	}
	if errors.Is(err, errFuel) {
		return &Fault{Kind: FaultDeadline, OutOfFuel: true, Message: fmt.Sprintf("the program used more than %d fuel", i.limits.Fuel), Stack: i.stackOf(err), Err: err}
	}
	if i.memory.Starved() {
		return &Fault{
			Kind:    FaultNoRoom,
			Message: fmt.Sprintf("the program had %d MiB of memory and was refused more, as others use it", i.memory.Peak()>>20),
		}
	}
	if i.memory.Denied() {
		return i.outOfMemory()
	}
	if exited {
		return &Fault{Kind: FaultExit, Message: fmt.Sprintf("the program exited with status %d", exit.ExitCode())}
	}
	message, _, _ := strings.Cut(err.Error(), stackTitle)
	message = strings.TrimSuffix(strings.TrimPrefix(message, "wasm error: "), " (recovered by wazero)")
	return &Fault{
		Kind:    FaultTrap,
		Message: "the program crashed: " + message,
		Stack:   i.stackOf(err),
		Err:     err,
	}
}

// ended tells whether a guest came to an end of its own: it returned or exited,
// with whatever status.
func ended(err error) bool {
	_, exited := errors.AsType[*sys.ExitError](err)
	return err == nil || exited
}

// outputFault is the fault behind an error of the response.
func outputFault(err error) *Fault {
	if err == nil {
		return nil
	}
	fault := &Fault{Kind: FaultHost, Message: err.Error(), Err: err}
	if _, ok := errors.AsType[*answer.BadError](err); ok {
		fault.Kind = FaultBadResponse
	}
	if _, ok := errors.AsType[*answer.TooLargeError](err); ok {
		fault.Kind = FaultResponseTooLarge
	}
	if errors.Is(err, answer.ErrClientGone) {
		fault.Kind = FaultClientGone
	}
	return fault
}

// stackTitle is what wazero puts before the stack of a guest.
const stackTitle = "\nwasm stack trace:"

// stackOf is the stack at which a guest's call has ended, "" where it has none.
func (i *Instance) stackOf(err error) string {
	if err == nil {
		return ""
	}
	_, stack, _ := strings.Cut(err.Error(), stackTitle)
	stack = strings.Trim(stack, "\n")
	for _, ours := range []string{instrument.Yield, instrument.Exhausted} { // which the program has no calls of
		if first, rest, _ := strings.Cut(stack, "\n"); strings.HasPrefix(strings.TrimSpace(first), instrument.HostModule+"."+ours+"(") {
			stack = rest
		}
	}
	return i.guest.compiled.explain(stack)
}

// interruption is the fault of a guest whose context ended before it did; err is what its
// call returned.
func (i *Instance) interruption(ctx context.Context, err error) *Fault {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Fault{Kind: FaultDeadline, Message: "the program ran out of time", Stack: i.stackOf(err), Err: ctx.Err()}
	}
	return &Fault{Kind: FaultClientGone, Message: "the client left before the response was whole", Err: ctx.Err()}
}

func (i *Instance) outOfMemory() *Fault {
	return &Fault{
		Kind: FaultOutOfMemory,
		Message: fmt.Sprintf("the program ran out of memory: its limit is %d MiB, and it had %d MiB when it asked for more",
			i.limits.Memory>>20, i.memory.Peak()>>20),
	}
}
