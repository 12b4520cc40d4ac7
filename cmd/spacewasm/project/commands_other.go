//go:build !unix

package project

import (
	"context"
	"os/exec"
)

// shell makes a command of a line.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", line)
}

// ownGroup does nothing here: the console tells all of a command's processes of Ctrl-C.
func ownGroup(*exec.Cmd) {}

// endGroup does nothing here.
func endGroup(*exec.Cmd) {}
