package door_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/door"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lane is a listener in memory, so that a test's clock is that of its bubble.
type lane struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*lane)(nil)

func newLane() *lane { return &lane{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (l *lane) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *lane) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *lane) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects, once the door has taken the connection from the listener.
func (l *lane) dial() net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours
}

// serve serves a handler behind a door until the test ends.
func serve(t *testing.T, size int, handler http.HandlerFunc) (*lane, *door.Door) {
	t.Helper()
	l := newLane()
	d := door.New(l, size)
	server := &http.Server{Handler: door.Brisk(handler), ConnState: d.State}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(d); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return l, d
}

// answer reads a response, whose body stays to be read.
func answer(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
