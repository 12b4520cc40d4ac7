//go:build !linux

package child

import (
	"context"
	"os"
	"syscall"
)

func executable() (string, error) { return os.Executable() }

// attributes are the system's defaults: where no server is meant to run, a child may outlive its parent by its time.
func attributes() *syscall.SysProcAttr { return nil }

func forbid() error { return nil }

// watchResident does nothing where the system does not tell; Go's own limit of memory and the time remain.
func watchResident(ctx context.Context, _ int, _ int64, _ func()) { <-ctx.Done() }

// confine leaves the time, which the parent holds, and Go's own limit of memory.
func confine(Bounds, []*os.File) error { return nil }
