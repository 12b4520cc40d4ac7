package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/space"
)

const (
	exitDone  = 0
	exitNo    = 1
	exitUsage = 2
)

// exitStatus is the error of a command that has said everything itself, and
// only wants the process to end with this status.
type exitStatus int //nolint:errname // it is a status, and no message

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a wrong use of the command line that only the command noticed.
type usageError struct{ error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// hinter is an error that knows the next step: ours, or one of a package below.
type hinter interface {
	error
	Hint() string
}

var _ hinter = hinted{}

// hinted is an error with the next step.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hint is the next step.
func (h hinted) Hint() string { return h.hint }

func hint(err error, format string, args ...any) error {
	return hinted{error: err, hint: fmt.Sprintf(format, args...)}
}

// exit prints what went wrong, and returns the status to exit with.
func (c *cli) exit(cmd *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	text := escape(describe(err))
	fmt.Fprintf(c.err, "spacewasm: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
	if _, usage := errors.AsType[usageError](err); usage || !c.running {
		fmt.Fprintf(c.err, "  %s --help says how to use it\n", cmd.CommandPath())
		return exitUsage
	}
	if next := nextStep(err); next != "" {
		fmt.Fprintf(c.err, "  %s\n", strings.ReplaceAll(next, "\n", "\n  "))
	}
	return exitNo
}

// describe words an error for a person.
func describe(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := err.Error()
	if e, ok := errors.AsType[*space.Error](err); ok {
		// Without the code in front, which is for machines.
		text = strings.Replace(text, e.Error(), e.Message, 1)
	}
	return text
}

// nextStep is what to do about an error, "" if nobody knows.
func nextStep(err error) string {
	if h, ok := errors.AsType[hinter](err); ok {
		return h.Hint()
	}
	if _, ok := errors.AsType[*client.UnreachableError](err); ok {
		return "start a server with `spacewasm serve`, or name another with --server URL"
	}
	e, ok := errors.AsType[*space.Error](err)
	if !ok {
		return ""
	}
	switch e.Code {
	case space.CodeNotFound:
		return "`spacewasm ls` lists the apps of the server"
	case space.CodeNodeFull, space.CodeQueueFull, space.CodePreparing:
		return "try again in a moment"
	default:
		return ""
	}
}
