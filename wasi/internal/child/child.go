// Package child runs this executable again, as a bounded child process that works on hostile input: what it does is
// killed on time, whatever the input makes it do, and takes nothing of its parent with it.
//
// The parent's side is [Nursery]: it says how many children there are at once, feeds one its input, watches it, and
// says in an [*EndedError] how it ended. The child's side is [Main], which a program calls before anything else. A child
// has three descriptors (its input, its artefact, and an error output that is kept for the log) and those of the folders
// that it may read, an empty private folder as its working directory, and no environment.
package child

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// Bounds are what a child may use. All of them are to be set.
type Bounds struct {
	// Wall is how long it may take, its start included.
	Wall time.Duration
	// Processor is the processor time that it may use, on all processors together; counted in whole seconds.
	Processor time.Duration
	// Resident is the memory that it may hold, in bytes.
	Resident int64
	// File is the size of each file that it writes, its artefact included, in bytes.
	File int64
	// Workers is the number of processors that it uses at a time.
	Workers int
}

// Job is the work of one child.
type Job struct {
	// Task is the name of what [Main] is to run.
	Task string
	// Options are handed to it; they stand in the list of processes.
	Options string
	// Input is what it reads; nil is nothing.
	Input io.Reader
	// Artefact is the file into which it writes; it stays the caller's.
	Artefact *os.File
	// Folders are those that it may read; they stay the caller's.
	Folders []*os.File
	// Dir is where the child's private folder is made, which is gone afterwards.
	Dir    string
	Bounds Bounds
}

// Nursery bounds how many children there are at once. It is safe for concurrent use.
type Nursery struct{ turns chan struct{} }

// NewNursery returns a nursery for the given number of children at once.
func NewNursery(atOnce int) *Nursery { return &Nursery{turns: make(chan struct{}, atOnce)} }

// Turn is the right to run one child at a time; End gives it back.
type Turn struct{ nursery *Nursery }

// Turn waits until there is room for a child, or until ctx ends.
func (n *Nursery) Turn(ctx context.Context) (*Turn, error) {
	select {
	case n.turns <- struct{}{}:
		return &Turn{nursery: n}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// End lets the next child run. It is to be called once.
func (t *Turn) End() { <-t.nursery.turns }

// Run starts a child and waits for its end, which ctx brings about too. If it did not end well the error is an
// [*EndedError], ctx's, or one of starting it, and the artefact is worth nothing.
func (t *Turn) Run(ctx context.Context, job Job) (err error) {
	dir, err := os.MkdirTemp(job.Dir, "child-")
	if err != nil {
		return fmt.Errorf("make a child's folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	terms, err := json.Marshal(terms{Bounds: job.Bounds, Folders: len(job.Folders)})
	if err != nil {
		return fmt.Errorf("write a child's terms: %w", err)
	}
	exe, err := executable()
	if err != nil {
		return fmt.Errorf("find the program to run as a child: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var said Head
	cmd := exec.CommandContext(ctx, exe, marker, job.Task, string(terms), job.Options)
	cmd.Args[0] = "spacewasm"
	cmd.Dir = dir
	cmd.Env = environment(job.Bounds)
	cmd.ExtraFiles = job.Folders // from firstFolder on
	cmd.Stdin, cmd.Stdout, cmd.Stderr = job.Input, job.Artefact, &said
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = time.Second
	done := make(chan error, 1)
	go func() {
		// The kernel kills the child when the thread that started it ends. So the child has that thread to itself,
		// which ends with this goroutine because it is not unlocked.
		runtime.LockOSThread()
		done <- watched(ctx, cancel, cmd, job.Bounds)
	}()
	err = <-done
	return ended(ctx, cmd.ProcessState, job.Bounds, said.String(), err)
}

// environment is what Go's runtime needs to keep to the bounds by itself: it collects garbage more often before it
// goes beyond them.
func environment(b Bounds) []string {
	return []string{
		"GOMAXPROCS=" + strconv.Itoa(max(b.Workers, 1)),
		"GOMEMLIMIT=" + strconv.FormatInt(b.Resident/4*3, 10),
	}
}

// watched runs the command on a thread of its own, and kills it when it goes beyond its bounds.
func watched(ctx context.Context, kill context.CancelCauseFunc, cmd *exec.Cmd, bounds Bounds) error {
	if err := forbid(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start a child: %w", err)
	}
	over := time.AfterFunc(bounds.Wall, func() { kill(&EndedError{Reason: TooLong}) })
	defer over.Stop()
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchResident(watching, cmd.Process.Pid, bounds.Resident, func() { kill(&EndedError{Reason: TooMuchMemory}) })
	}()
	err := cmd.Wait()
	stop()
	<-done
	return err
}

// Head keeps the beginning of what is written to it, 8 KiB, where a crash of Go's says what it is. The zero value is
// empty.
type Head struct{ kept []byte }

const headBytes = 8 << 10

// Write implements [io.Writer].
func (h *Head) Write(p []byte) (int, error) {
	room := max(headBytes-len(h.kept), 0)
	h.kept = append(h.kept, p[:min(room, len(p))]...)
	return len(p), nil
}

// String is what it has kept, without blanks around it.
func (h *Head) String() string { return string(bytes.TrimSpace(h.kept)) }
