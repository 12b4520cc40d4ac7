package memory

import "errors"

// ErrGrown says that a memory cannot go back to its image as it is, because the
// guest has grown it: what is new would stay.
var ErrGrown = errors.New("the memory has grown")

// Reset puts the memory back to its image. It must have been loaded with one, and
// no guest may run. After an error the memory is not to be used again.
//
// Only pages that were written to are copied; the tracker finds them.
func (r *Reservation) Reset(t *Tracker) error {
	if r.image == nil || uint64(len(r.bytes)) != r.image.Size() {
		return ErrGrown
	}
	return r.restore(t)
}

// keptGrowth is how much of what a memory has grown by stays for the next
// instance, in bytes: enough for the runtime of a language, which grows by the
// same every time.
const keptGrowth = 16 << 20

// Renew is Reset for a memory that may have grown: it ends as [Reservation.Load]
// leaves it, so that another instance can be made in it. Of what it has grown by
// it keeps some, and what it has taken from the budget for that.
func (r *Reservation) Renew(t *Tracker) error {
	if r.image == nil {
		return errors.New("the memory has no image to go back to")
	}
	size := r.image.Size()
	if grown := r.bytes[min(size, uint64(len(r.bytes))):]; len(grown) > keptGrowth {
		if err := forget(grown); err != nil {
			return err
		}
		if r.budget != nil {
			r.budget.Give(int64(r.charged - size))
			r.charged = size
		}
		r.bytes = r.bytes[:size]
	}
	if err := r.restore(t); err != nil {
		return err
	}
	r.bytes = r.bytes[:0]
	return nil
}

func (r *Reservation) restore(t *Tracker) error {
	r.denied, r.starved, r.peak = false, false, r.image.Size()
	return t.reset(r)
}
