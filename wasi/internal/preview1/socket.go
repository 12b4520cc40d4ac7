package preview1

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// listener is a socket that accepts connections.
type listener struct {
	file *os.File
	host syscall.RawConn
}

// newListener returns a listener with a descriptor of its own; l stays open.
func newListener(l *net.TCPListener) (*listener, error) {
	f, err := l.File()
	if err != nil {
		return nil, err
	}
	host, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &listener{f, host}, nil
}

func (l *listener) close() error { return l.file.Close() }

func (l *listener) stat(*Process) (filestat, error) {
	return filestat{kind: typeSocket, links: 1}, nil
}

func sockAccept(c call) error {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	l, ok := d.res.(*listener)
	switch {
	case !ok:
		return errnoNotsock
	case d.rights.base&rightSockAccept == 0:
		return errnoNotcapable
	case c.u32(1)&^uint32(flagNonblock) != 0:
		return errnoInval
	case c.p.table.full():
		return errnoMfile
	}
	fd, err := transfer(c.ctx, l.host, unix.POLLIN, d.flags&flagNonblock == 0, func(fd int) (int, error) {
		return accept(fd)
	})
	if err != nil {
		return err
	}
	conn := os.NewFile(uintptr(fd), "connection")
	host, err := conn.SyscallConn()
	if err != nil {
		_ = conn.Close()
		return err
	}
	number, err := c.p.table.add(&descriptor{
		res:    &stream{host: host, kind: typeSocket, closer: conn, socket: true},
		rights: rights{base: d.rights.inheriting & streamRights}, flags: uint16(c.u32(1)),
	})
	if err != nil {
		_ = conn.Close()
		return err
	}
	return c.putU32(c.u32(2), number)
}

// connection returns the connection that parameter 0 means.
func (c call) connection(right uint64) (*descriptor, *stream, error) {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := d.res.(*listener); ok {
		return nil, nil, errnoNotconn
	}
	s, ok := d.res.(*stream)
	if !ok || !s.socket {
		return nil, nil, errnoNotsock
	}
	if d.rights.base&right == 0 {
		return nil, nil, lack(right)
	}
	return d, s, nil
}

// sockRecv receives into the vectors; a call that waits for all of it, or that
// peeks, does so for the first of them.
func sockRecv(c call) error {
	const peek, waitAll = 1, 2
	d, s, err := c.connection(rightFdRead)
	if err != nil {
		return err
	}
	if c.u32(3) > peek|waitAll {
		return errnoInval
	}
	vectors, err := c.vectors()
	if err != nil {
		return err
	}
	host := 0
	if c.u32(3)&peek != 0 {
		host |= unix.MSG_PEEK
		vectors = vectors[:min(1, len(vectors))]
	}
	n, err := c.each(vectors, func(p []byte, done int) (int, error) {
		block := d.flags&flagNonblock == 0 && (done == 0 || c.u32(3)&waitAll != 0)
		return transfer(c.ctx, s.host, unix.POLLIN, block, func(fd int) (int, error) {
			n, _, err := unix.Recvfrom(fd, p, host)
			return n, err
		})
	})
	if err != nil {
		return err
	}
	if err := c.putU32(c.u32(4), n); err != nil {
		return err
	}
	if !c.mem.WriteUint16Le(c.u32(5), 0) {
		return errnoFault
	}
	return nil
}

func sockSend(c call) error {
	d, s, err := c.connection(rightFdWrite)
	if err != nil {
		return err
	}
	if c.u32(3) != 0 {
		return errnoInval
	}
	return c.move(4, func(p []byte, _ int) (int, error) {
		return s.write(c.ctx, p, d.flags&flagNonblock == 0)
	})
}

func sockShutdown(c call) error {
	const read, write = 1, 2
	_, s, err := c.connection(rightSockShutdown)
	if err != nil {
		return err
	}
	how, ok := map[uint32]int{read: unix.SHUT_RD, write: unix.SHUT_WR, read | write: unix.SHUT_RDWR}[c.u32(1)]
	if !ok {
		return errnoInval
	}
	_, err = control(s.host, func(fd int) (int, error) { return 0, unix.Shutdown(fd, how) })
	return err
}
