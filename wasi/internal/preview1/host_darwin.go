package preview1

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// accept takes a connection, whose descriptor does not block and is not inherited,
// but by what is started in the moment between.
func accept(fd int) (int, error) {
	conn, _, err := unix.Accept(fd)
	if err != nil {
		return 0, err
	}
	unix.CloseOnExec(conn)
	if err := unix.SetNonblock(conn, true); err != nil {
		return 0, errors.Join(err, unix.Close(conn))
	}
	return conn, nil
}

// times are those of the last access and change, in nanoseconds.
func times(st *syscall.Stat_t) (access, change uint64) {
	return uint64(st.Atimespec.Nano()), uint64(st.Ctimespec.Nano())
}
