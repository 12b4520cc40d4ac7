package child

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// marker is the first argument of a child. Nobody types it, so it is no command.
const marker = "-spacewasm-child"

// Task is what a child does: it reads its input, and writes its artefact. Its working directory is its own; the
// folders it may read. An error goes to the log of the parent.
type Task func(options string, in io.Reader, out io.Writer, folders []*os.File) error

// terms are what a child is told of its life.
type terms struct {
	Bounds  Bounds
	Folders int // how many it may read
}

// firstFolder is the descriptor of the first of them.
const firstFolder = 3

// Main runs a task if the arguments of the process are those of a child, and returns the exit status; else it returns
// false at once. A program calls it before anything else: what runs earlier runs without bounds.
func Main(args []string, tasks map[string]Task) (status int, isChild bool) {
	if len(args) != 5 || args[1] != marker {
		return 0, false
	}
	err := work(args[2], args[3], args[4], tasks)
	switch {
	case err == nil:
		return 0, true
	case errors.Is(err, syscall.EFBIG):
		status = statusTooLarge
	default:
		status = statusFailed
	}
	fmt.Fprintln(os.Stderr, err)
	return status, true
}

func work(name, text, options string, tasks map[string]Task) error {
	task := tasks[name]
	if task == nil {
		return fmt.Errorf("there is no task %q", name)
	}
	var t terms
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return fmt.Errorf("read the terms: %w", err)
	}
	var folders []*os.File
	for i := range t.Folders {
		folders = append(folders, os.NewFile(uintptr(firstFolder+i), fmt.Sprintf("folder %d", i)))
	}
	if err := confine(t.Bounds, folders); err != nil {
		return err
	}
	return task(options, os.Stdin, os.Stdout, folders)
}
