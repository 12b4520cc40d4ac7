package preview1_test

import (
	"io"
	"net"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

func TestSockets(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := preview1.New(preview1.Config{Listeners: []*net.TCPListener{l}})
	t.Cleanup(func() { _ = p.Close() })
	g := runGuest(t, p, options{})
	const listening = 3
	out := g.room(8)
	if kind, _, _, _ := g.fdstat(listening); kind != socket {
		t.Errorf("type %d", kind)
	}
	g.want(again, "sock_accept", g.nonblocking(listening), 0, out)
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if events, err := g.poll(sub{kind: onRead, fd: listening}); err != nil || len(events) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	g.want(success, "sock_accept", listening, nonblock, out)
	conn := uint64(g.u32(out))
	if kind, flags, _, _ := g.fdstat(conn); kind != socket || flags != nonblock {
		t.Errorf("type %d, flags %#x", kind, flags)
	}
	at := g.put([]byte("......"))
	list, n := g.list2(at, 6)
	g.want(again, "sock_recv", conn, list, n, 0, out, out+4)
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := g.poll(sub{kind: onRead, fd: uint32(conn)}); err != nil {
		t.Fatal(err)
	}
	for _, flags := range []uint64{1, 0} { // peek, then take
		g.want(success, "sock_recv", conn, list, n, flags, out, out+4)
		if got := string(g.get(at, 6)); g.u32(out) != 5 || got != "hello." {
			t.Errorf("received %d bytes, %q", g.u32(out), got)
		}
	}
	answer, m := g.vectors("good", "bye")
	g.want(success, "sock_send", conn, answer, m, 0, out)
	g.want(inval, "sock_shutdown", conn, 0)
	g.want(success, "sock_shutdown", conn, 2)
	if got, err := io.ReadAll(client); err != nil || string(got) != "goodbye" {
		t.Errorf("the client got %q, %v", got, err)
	}
	g.want(success, "fd_close", conn)
	// The socket stays its owner's.
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err != nil {
		t.Error(err)
	}
}

// nonblocking sets that flag of a descriptor, which it returns.
func (g *guest) nonblocking(fd uint64) uint64 {
	g.t.Helper()
	g.want(success, "fd_fdstat_set_flags", fd, nonblock)
	return fd
}

// list2 lists one piece of memory.
func (g *guest) list2(at uint64, n int) (ptr, count uint64) {
	b := g.get(g.room(8), 8)
	b[0], b[1], b[2], b[3] = byte(at), byte(at>>8), byte(at>>16), byte(at>>24)
	b[4] = byte(n)
	return g.put(b), 1
}

func TestNoSocket(t *testing.T) {
	g := newGuest(t, options{})
	f := g.open(tmp, "f", create)
	for _, fd := range []uint64{0, root, f} {
		g.want(notsock, "sock_shutdown", fd, 3)
		g.want(notsock, "sock_accept", fd, 0, g.room(4))
		g.want(notsock, "sock_recv", fd, 0, 0, 0, 0, 0)
		g.want(notsock, "sock_send", fd, 0, 0, 0, 0)
	}
	g.want(badf, "sock_shutdown", 99, 3)
}
