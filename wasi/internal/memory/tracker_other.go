//go:build !linux

package memory

// Tracker would find the pages of a memory that a guest has written to; here a
// reset copies all of it.
type Tracker struct{ counts bool }

// NewTracker returns a tracker.
func NewTracker() *Tracker { return &Tracker{} }

// Close does nothing.
func (*Tracker) Close() error { return nil }

// String names the way it goes, for operators.
func (*Tracker) String() string { return "copy" }

func (*Tracker) reset(r *Reservation) error {
	clear(r.bytes[copy(r.bytes, r.image.content):])
	return nil
}

// forget makes what a memory has grown by zero.
func forget(b []byte) error {
	clear(b)
	return nil
}

// scratch is nothing that a copy needs.
type scratch struct{}
