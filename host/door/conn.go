package door

import (
	"errors"
	"net"
	"sync"
	"time"
)

// conn is a connection whose client has to take what is written to it.
type conn struct {
	net.Conn
	leave func()

	mu    sync.Mutex
	until time.Time // the deadline of writes that was set; zero for none
}

// Write writes piece by piece, each of which the client has to take in time.
func (c *conn) Write(p []byte) (int, error) {
	written := 0
	for {
		piece := p[written:min(len(p), written+Least)]
		if err := c.hurry(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}

// hurry gives the next piece its time, or less if there is less.
func (c *conn) hurry() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(Window)
	if !c.until.IsZero() && c.until.Before(until) {
		until = c.until
	}
	return c.Conn.SetWriteDeadline(until)
}

// SetWriteDeadline implements [net.Conn]: t is when all has to be written.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	if t.IsZero() || time.Until(t) > Window {
		return nil // a piece that is being written has its own
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

// CloseWrite says that nothing more will be written. Go's server does so before it
// closes a connection of which it has not read all, or the reset could overtake
// what it has answered.
func (c *conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
