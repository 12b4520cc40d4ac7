package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// commandGrace is how long a command has to end once it was asked to, and what it
// started to give up its output once it has ended.
const commandGrace = 5 * time.Second

// Commands is how the commands of a project's Micros are run on this machine.
type Commands struct {
	// Out gets what they write, as it comes: with the name of their Micro before each line
	// where there are several.
	Out io.Writer
	// Show writes down a command before it runs. It is not nil.
	Show func(out io.Writer, line string)
	// Env is their environment, to which SPACEWASM_MICRO is added.
	Env []string
	// Instead is what else can be done where one fails, in words.
	Instead string
	// Wanted picks the Micros that are built; nil wants all.
	Wanted func(space.MicroSpec) bool
}

// HasCommands tells whether a project says how it is built.
func (p *Project) HasCommands() bool {
	for _, m := range p.Spec().Micros {
		if len(m.Commands) > 0 {
			return true
		}
	}
	return false
}

// Build runs the commands of each Micro that is wanted in its folder, in their order,
// until one fails or ctx ends: then all that they have started is ended with them.
func (p *Project) Build(ctx context.Context, c Commands) error {
	for _, m := range p.Spec().Micros {
		if c.Wanted != nil && !c.Wanted(m) {
			continue
		}
		for _, line := range m.Commands {
			if err := p.run(ctx, c, m, line); err != nil {
				return err
			}
		}
	}
	p.built = true
	return nil
}

// run runs one command, and shows what it writes as it comes.
func (p *Project) run(ctx context.Context, c Commands, m space.MicroSpec, line string) error {
	out := c.Out
	if len(p.Spec().Micros) > 1 {
		prefixed := &prefixWriter{out: out, prefix: m.Name + " | "}
		defer prefixed.end()
		out = prefixed
	}
	c.Show(out, line)
	cmd := shell(ctx, line)
	cmd.Dir = filepath.Join(p.Dir, filepath.FromSlash(m.Src))
	cmd.Env = append(slices.Clone(c.Env), "SPACEWASM_MICRO="+m.Name, "PWD="+absolute(cmd.Dir))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = commandGrace
	ownGroup(cmd)
	err := cmd.Run()
	endGroup(cmd) // what a build leaves running nobody would ever end
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.New(failed.String())
	}
	return hint(fmt.Errorf("micro %s: `%s` failed: %w; nothing was sent", m.Name, line, err),
		"it ran in %s; %s", cmd.Dir, c.Instead)
}

// absolute is where a folder is; that of the current one may be gone.
func absolute(dir string) string {
	if path, err := filepath.Abs(dir); err == nil {
		return path
	}
	return dir
}

// prefixWriter puts a name before every line. It is safe for concurrent use.
type prefixWriter struct {
	mu     sync.Mutex
	out    io.Writer
	prefix string
	line   bytes.Buffer // what has come of a line that has no end yet
}

func (w *prefixWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line.Write(part)
		// What never ends a line is not kept for ever.
		const most = 8 << 10
		if whole || w.line.Len() > most {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
		rest = after
	}
	return len(p), nil
}

// flush prints a line. What a carriage return has overwritten is left out.
func (w *prefixWriter) flush() error {
	line := strings.TrimSuffix(w.line.String(), "\r")
	w.line.Reset()
	_, err := fmt.Fprintf(w.out, "%s%s\n", w.prefix, line[strings.LastIndexByte(line, '\r')+1:])
	return err
}

// end prints what has come of the last line.
func (w *prefixWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.line.Len() > 0 {
		_ = w.flush()
	}
}
