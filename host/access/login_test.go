package access_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/access"
)

// clock is a clock that a test sets.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func newLogins(key string) (*access.Logins, *clock, map[string]string) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	generations := map[string]string{"admin": "1", "laptop": "7"}
	return access.NewLogins([]byte(key), func(name string) string { return generations[name] }, c.now), c, generations
}

func TestSession(t *testing.T) {
	l, c, generations := newLogins("key")
	value := l.Session("laptop", "app a")
	if name, ok := l.Check(value, "app a"); !ok || name != "laptop" {
		t.Fatalf("got %q, %v", name, ok)
	}
	other, _, _ := newLogins("another key")
	forged := strings.Replace(value, "bGFwdG9w", "YWRtaW4", 1) // base64 of the names
	for name, got := range map[string]func() (string, bool){
		"elsewhere":      func() (string, bool) { return l.Check(value, "app b") },
		"at another":     func() (string, bool) { return other.Check(value, "app a") },
		"cut":            func() (string, bool) { return l.Check(value[:len(value)-1], "app a") },
		"another's name": func() (string, bool) { return l.Check(forged, "app a") },
		"nothing":        func() (string, bool) { return l.Check("", "app a") },
		"dots":           func() (string, bool) { return l.Check("..", "app a") },
	} {
		if name2, ok := got(); ok {
			t.Errorf("%s: it counts as %q's", name, name2)
		}
	}
	if forged == value {
		t.Fatal("nothing was forged")
	}
	generations["laptop"] = "8"
	if _, ok := l.Check(value, "app a"); ok {
		t.Error("it outlives its token")
	}
	generations["laptop"] = "7"
	c.Time = c.Add(l.SessionTime())
	if _, ok := l.Check(value, "app a"); ok {
		t.Error("it never ends")
	}
}

// T14: a ticket is single-use, lives for 60 s, and is bound to its browser and app.
func TestTicket(t *testing.T) {
	l, c, generations := newLogins("key")
	id := l.Ticket("laptop", "app a", "nonce")
	if name, ok := l.Redeem(id, "app a", "nonce"); !ok || name != "laptop" {
		t.Fatalf("got %q, %v", name, ok)
	}
	if _, ok := l.Redeem(id, "app a", "nonce"); ok {
		t.Error("it counts twice")
	}
	for name, c := range map[string][2]string{"another app": {"app b", "nonce"}, "another browser": {"app a", "x"}, "no browser": {"app a", ""}} {
		id := l.Ticket("laptop", "app a", "nonce")
		if _, ok := l.Redeem(id, c[0], c[1]); ok {
			t.Errorf("%s took it", name)
		}
		if _, ok := l.Redeem(id, "app a", "nonce"); ok {
			t.Errorf("it lives on after %s tried it", name)
		}
	}
	if id := l.Ticket("laptop", "app a", ""); id != "" {
		if _, ok := l.Redeem(id, "app a", ""); ok {
			t.Error("a ticket that is bound to no browser counts")
		}
	}
	late, revoked := l.Ticket("laptop", "app a", "nonce"), l.Ticket("admin", "app a", "nonce")
	delete(generations, "admin")
	if _, ok := l.Redeem(revoked, "app a", "nonce"); ok {
		t.Error("it outlives its token")
	}
	c.Time = c.Add(61 * time.Second)
	if _, ok := l.Redeem(late, "app a", "nonce"); ok {
		t.Error("it counts after 61 s")
	}
	first := l.Ticket("laptop", "app a", "nonce")
	for range 1024 {
		c.Time = c.Add(time.Millisecond)
		l.Ticket("laptop", "app a", "nonce")
	}
	if _, ok := l.Redeem(first, "app a", "nonce"); ok {
		t.Error("there is no bound on tickets")
	}
}

func TestAttempts(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	a := access.NewAttempts(c.now)
	one, neighbour, far := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("::ffff:192.0.2.1")
	for range 10 {
		if _, ok := a.May(one); !ok {
			t.Fatal("fewer than ten guesses")
		}
		a.Failed(one)
	}
	if wait, ok := a.May(neighbour); ok || wait <= 0 || wait > time.Minute {
		t.Errorf("a neighbour in the same network may guess on: %v, %v", wait, ok)
	}
	if _, ok := a.May(far); !ok {
		t.Error("one client's guesses keep another out")
	}
	for i := range 3000 {
		a.Failed(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	if _, ok := a.May(far); ok {
		t.Error("there is no bound for all together")
	}
	c.Time = c.Add(time.Minute)
	if _, ok := a.May(one); !ok {
		t.Error("it never ends")
	}
}
