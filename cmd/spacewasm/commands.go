package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// commandGrace is how long a command has to end once it was asked to, and what it
// started to give up its output once it has ended.
const commandGrace = 5 * time.Second

// commands builds the Micros of a project on this machine.
type commands struct {
	dir string
	out io.Writer
	// prefixed marks the lines of each Micro, where there are several.
	prefixed bool
}

// hasCommands tells whether a project says how it is built.
func (p *project) hasCommands() bool {
	for _, m := range p.spec().Micros {
		if len(m.Commands) > 0 {
			return true
		}
	}
	return false
}

// build runs the commands of each Micro that is wanted in its folder, in their order,
// until one fails.
func (p *project) build(ctx context.Context, out io.Writer, wanted func(space.MicroSpec) bool) error {
	micros := p.spec().Micros
	c := &commands{dir: p.dir, out: out, prefixed: len(micros) > 1}
	for _, m := range micros {
		if !wanted(m) {
			continue
		}
		for _, line := range m.Commands {
			if err := c.run(ctx, m, line); err != nil {
				return err
			}
		}
	}
	p.built = true
	return nil
}

// all wants every Micro.
func all(space.MicroSpec) bool { return true }

// run runs one command, and shows what it writes as it comes.
func (c *commands) run(ctx context.Context, m space.MicroSpec, line string) error {
	out := c.out
	if c.prefixed {
		prefixed := &prefixWriter{out: out, prefix: m.Name + " | "}
		defer prefixed.end()
		out = prefixed
	}
	fmt.Fprintf(out, "$ %s\n", escape(line))
	cmd := shell(ctx, line)
	cmd.Dir = filepath.Join(c.dir, filepath.FromSlash(m.Src))
	// Not with our token: what a build fetches from elsewhere has no business with it.
	cmd.Env = append(guestEnv(), "SPACEWASM_MICRO="+m.Name, "PWD="+absolute(cmd.Dir))
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
		"it ran in %s; --skip-commands pushes what is there", cmd.Dir)
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
