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

// Renew is Reset for a memory that may have grown: it ends as [Reservation.Load]
// leaves it, so that another instance can be made in it. What it has taken from
// the budget it keeps, as the pages are still there.
func (r *Reservation) Renew(t *Tracker) error {
	if r.image == nil {
		return errors.New("the memory has no image to go back to")
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
