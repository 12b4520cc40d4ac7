//go:build linux || darwin

package door

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// narrow has the kernel take little more of a response than the client can have
// at once. It would otherwise take megabytes, say that it can take more only when
// half of them are gone, and so make a client that is merely slow look as one
// that takes nothing.
func narrow(c net.Conn) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return fmt.Errorf("look at a connection: %w", err)
	}
	set := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 4*Least)
	})
	if set != nil {
		return fmt.Errorf("look at a connection: %w", set)
	}
	return err
}
