// Package door is where clients come in: how many at a time, and how slow they
// may be.
package door

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A client brings and takes at least Least bytes in each Window while it is
// waited for, or what it has left.
const (
	Window = 10 * time.Second
	Least  = 16 << 10
)

// Door is a listener that has a bound on its connections. When all are taken, a
// client that comes takes the place of the one that has been idle longest; if
// none is idle, it waits until one leaves. Set State as the server's ConnState.
type Door struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	idle []net.Conn // between two requests; the first has been so for longest
}

var _ net.Listener = (*Door)(nil)

// New returns a door of size connections, at least 1, in front of a listener that
// becomes the door's.
func New(listener net.Listener, size int) *Door {
	return &Door{Listener: listener, places: make(chan struct{}, size), closed: make(chan struct{})}
}

// Accept implements [net.Listener].
func (d *Door) Accept() (net.Conn, error) {
	inner, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := d.enter(); err != nil {
		_ = inner.Close()
		return nil, err
	}
	// Where it cannot, the connection works, and it takes longer to notice that its
	// client does not.
	_ = narrow(inner)
	return &conn{Conn: inner, leave: sync.OnceFunc(func() { <-d.places })}, nil
}

// enter takes a place.
func (d *Door) enter() error {
	select {
	case d.places <- struct{}{}:
		return nil
	default:
	}
	if idle := d.longestIdle(); idle != nil {
		_ = idle.Close() // which leaves
	}
	select {
	case d.places <- struct{}{}:
		return nil
	case <-d.closed:
		return net.ErrClosed
	}
}

func (d *Door) longestIdle() net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.idle) == 0 {
		return nil
	}
	c := d.idle[0]
	d.idle = slices.Delete(d.idle, 0, 1)
	return c
}

// State keeps the list of connections that are idle; see
// [http.Server.ConnState].
func (d *Door) State(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if state == http.StateIdle {
		d.idle = append(d.idle, c)
	} else if i := slices.Index(d.idle, c); i >= 0 {
		d.idle = slices.Delete(d.idle, i, i+1)
	}
}

// Load is how many connections there are.
func (d *Door) Load() int { return len(d.places) }

// Close implements [net.Listener]. It is idempotent.
func (d *Door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return d.Listener.Close()
}
