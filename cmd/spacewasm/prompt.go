package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxLine bounds a line that is read of standard input, in bytes.
const maxLine = 4 << 10

// confirm asks on a terminal. Elsewhere nobody could answer, and whoever wrote
// the script has decided.
func (c *cli) confirm(ctx context.Context, question string) (bool, error) {
	if !c.inTerminal {
		return true, nil
	}
	fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, err := wait(ctx, func() (string, error) { return readLine(c.in) })
	if err != nil {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	default:
		return false, nil
	}
}

// readSecret asks on a terminal, without echo; elsewhere it reads a line.
func (c *cli) readSecret(ctx context.Context, prompt string) (string, error) {
	file, ok := c.in.(*os.File)
	if !ok || !c.inTerminal {
		return wait(ctx, func() (string, error) { return readLine(c.in) })
	}
	fd := int(file.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("prepare the terminal: %w", err)
	}
	fmt.Fprint(c.err, prompt)
	defer fmt.Fprintln(c.err)
	text, err := wait(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if err != nil {
		// An interrupt leaves ReadPassword waiting, and with it the echo off.
		err = errors.Join(err, term.Restore(fd, state))
	}
	return string(text), err
}

// wait returns what read returns, or the context's error if that comes first. A
// read of a terminal or a pipe cannot be interrupted: it is left behind then, and
// ends with the process.
func wait[T any](ctx context.Context, read func() (T, error)) (T, error) {
	var value T
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		value, err = read()
	}()
	select {
	case <-done:
		return value, err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// readLine reads one line. The end of the input ends the line too.
func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxLine)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return line, err
}
