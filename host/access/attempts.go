package access

import (
	"net/netip"
	"sync"
	"time"
)

// In attemptWindow there may be maxAttempts wrong guesses of one client, and maxAll of
// all clients together.
const (
	attemptWindow = time.Minute
	maxAttempts   = 10
	maxAll        = 3000
)

// Attempts counts wrong guesses at a secret. It is safe for concurrent use.
type Attempts struct {
	now func() time.Time

	mu    sync.Mutex
	ends  time.Time // of the window
	all   int
	wrong map[netip.Prefix]int
}

// NewAttempts returns a counter that reads the clock now.
func NewAttempts(now func() time.Time) *Attempts {
	return &Attempts{now: now, wrong: map[netip.Prefix]int{}}
}

// May tells whether a client may guess. If not, it may after the time that it returns.
func (a *Attempts) May(client netip.Addr) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn()
	if a.all < maxAll && a.wrong[network(client)] < maxAttempts {
		return 0, true
	}
	return a.ends.Sub(a.now()), false
}

// Failed counts a wrong guess.
func (a *Attempts) Failed(client netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn()
	a.all++
	a.wrong[network(client)]++ // of which there are at most maxAll
}

// turn begins a new window after the old one.
func (a *Attempts) turn() {
	if now := a.now(); !now.Before(a.ends) {
		a.ends, a.all = now.Add(attemptWindow), 0
		clear(a.wrong)
	}
}

// network is what one client may have of addresses: one of IPv4, 64 bits of IPv6.
func network(client netip.Addr) netip.Prefix {
	client = client.Unmap().WithZone("")
	bits := 32
	if client.Is6() {
		bits = 64
	}
	prefix, err := client.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // clients without an address are one
	}
	return prefix
}
