package wasi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
)

// The tasks of children. The one that compiles runs no guest code, and the one that
// initialises a guest makes no machine code; the one that looks at databases does neither.
const (
	taskCompile    = "compile"
	taskInitialise = "initialise"
	taskCheck      = "check"
)

// Child does the work of a child process if the process is one of an isolated
// [Engine], and returns the exit status; else it returns false at once. A program
// that isolates calls it with its arguments before anything else.
func Child(args []string) (status int, isChild bool) {
	return child.Main(args, map[string]child.Task{taskCompile: compileTask, taskInitialise: initialiseTask, taskCheck: checkTask})
}

// ErrInterrupted is a compilation, or an initialisation, that something outside has
// ended, such as the system for want of memory. The module may be a good one:
// prepare it again.
var ErrInterrupted = errors.New("preparing the module was ended from outside before it was done, " +
	"by the system for want of memory or by a person; try again")

// compileBounds are what compiling a module of the given size may use. Honest
// modules need 0.7 s of processor time and 25 MB of memory for each MiB, those
// below half a MiB next to nothing. A small module that stalls the compiler is
// refused within 10 s, and a large one has ten times what an honest one needs,
// because machines are slow and busy.
func compileBounds(size, workers int) child.Bounds {
	const small = 512 << 10
	more := time.Duration(max(size-small, 0))
	perMiB := func(d time.Duration) time.Duration { return more * d >> 20 }
	return child.Bounds{
		Wall:      8*time.Second + perMiB(8*time.Second),
		Processor: 7*time.Second + perMiB(4*time.Second),
		Resident:  512<<20 + 40*int64(size),
		// Machine code has about four times the size of its module.
		File:    64<<20 + 16*int64(size),
		Workers: workers,
	}
}

// compileApart compiles a module in a child process and puts it into the cache.
func (e *Engine) compileApart(ctx context.Context, key digest, code []byte) error {
	turn, err := e.children.Turn(ctx)
	if err != nil {
		return err
	}
	defer turn.End()
	cache := e.checked()
	artefact, err := cache.create()
	if err != nil {
		return err
	}
	defer func() { _ = artefact.Close() }()
	defer func() { _ = os.Remove(artefact.Name()) }() // if it was not published
	options, err := json.Marshal(compileOptions{Workers: e.config.Workers})
	if err != nil {
		return fmt.Errorf("write options: %w", err)
	}
	bounds := compileBounds(len(code), e.config.Workers)
	err = turn.Run(ctx, child.Job{
		Task: taskCompile, Options: string(options), Input: bytes.NewReader(code), Artefact: artefact, Dir: cache.incoming(), Bounds: bounds,
	})
	if ended, ok := errors.AsType[*child.EndedError](err); ok {
		return verdict(ended, bounds)
	}
	if err != nil {
		return fmt.Errorf("compile in a child process: %w", err)
	}
	return cache.publish(key, artefact)
}

// verdict says whether a child that did not end well was the module's fault, and
// then what to change.
func verdict(ended *child.EndedError, bounds child.Bounds) error {
	var fault string
	switch ended.Reason {
	case child.TooLong:
		fault = fmt.Sprintf("compiling the module takes more than %v, the limit for its size", bounds.Wall.Round(time.Second))
	case child.TooMuchProcessor:
		fault = fmt.Sprintf("compiling the module takes more than %v of processor time, the limit for its size", bounds.Processor.Round(time.Second))
	case child.TooMuchMemory:
		fault = fmt.Sprintf("compiling the module takes more than %d MiB of memory, the limit for its size", bounds.Resident>>20)
	case child.TooLarge:
		fault = fmt.Sprintf("the module's machine code is larger than %d MiB, the limit for its size", bounds.File>>20)
	case child.Crashed:
		return &RefusedError{Err: ended, Faults: []string{
			"the compiler crashed over this module: that is a fault of ours, which the server's log describes; " +
				"until it is mended, build the module with another toolchain or other optimisations",
		}}
	case child.Killed:
		return fmt.Errorf("%w: %w", ErrInterrupted, ended)
	case child.Failed:
		return fmt.Errorf("compile in a child process: %w", ended)
	}
	return &RefusedError{Err: ended, Faults: []string{
		fault + ": split the functions that have thousands of branches, and leave out code that is not needed",
	}}
}

// Turn waits until the engine may run another child, and takes the place of one until end
// is called: for who prepares modules by other means.
func (e *Engine) Turn(ctx context.Context) (end func(), err error) {
	turn, err := e.children.Turn(ctx)
	if err != nil {
		return nil, err
	}
	return turn.End, nil
}
