package preview1

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// accept takes a connection, whose descriptor does not block and is not inherited.
func accept(fd int) (int, error) {
	conn, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	return conn, err
}

// times are those of the last access and change, in nanoseconds.
func times(st *syscall.Stat_t) (access, change uint64) {
	return uint64(st.Atim.Nano()), uint64(st.Ctim.Nano())
}
