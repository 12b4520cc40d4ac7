package fs

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"syscall"
)

// fault gives err the shape that guests' callers rely on: the guest's own name
// instead of the host's path, and an errno at the end of the chain. It returns
// nil for nil, and io.EOF as it is.
func fault(op, name string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &iofs.PathError{Op: op, Path: name, Err: reason(err)}
}

// reason strips what os wrapped around an errno. What has no errno is os.Root
// refusing a name ("path escapes from parent", which os does not export), so
// it becomes EPERM, unless it is about a closed file.
func reason(err error) error {
	var host *hostError
	if errors.As(err, &host) {
		return host
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	if errors.Is(err, os.ErrClosed) {
		return syscall.EBADF
	}
	return syscall.EPERM
}

// hostError is a failure of the host that no guest caused. The guest reads
// EIO, as an ENOENT about a directory it has never heard of would mislead it;
// the message, which names host paths, is for the operator.
type hostError struct{ err error }

func (e *hostError) Error() string { return e.err.Error() }

func (e *hostError) Unwrap() error { return syscall.EIO }

// retry repeats a system call that a signal interrupted, as package os does.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
