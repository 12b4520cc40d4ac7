package memory

import "errors"

// ErrGrown says that a memory cannot go back to its image, because the guest has
// grown it: what is new would stay.
var ErrGrown = errors.New("the memory has grown")

// Reset puts the memory back to its image. It must have been loaded with one, and
// no guest may run. After an error the memory is not to be used again.
//
// Only pages that were written to are copied; the tracker finds them.
func (r *Reservation) Reset(t *Tracker) error {
	if r.image == nil || uint64(len(r.bytes)) != r.image.Size() {
		return ErrGrown
	}
	r.denied, r.starved, r.peak = false, false, uint64(len(r.bytes))
	return t.reset(r)
}
