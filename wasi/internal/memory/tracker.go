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
	if r.written.complete() {
		r.written.seen = unseen
		r.Forget()
		for _, run := range r.written.runs {
			r.image.restore(r.bytes, run.first, run.end)
		}
		return nil
	}
	return r.restore(t)
}

// written is which pages of a memory are no longer the image's: all that have ever been
// written to since it was loaded, as a page that is copied back stays the process's own.
type written struct {
	runs []pages
	// known says that runs are all there were at the last reset.
	known bool
	seen  seen
}

// seen is what is known of the time since the last reset.
type seen int

const (
	unseen  seen = iota // nobody has looked
	quiet               // no page was written to first
	faulted             // some may have been
)

// pages are those from first up to end.
type pages struct{ first, end int }

func (w *written) complete() bool { return w.known && w.seen == quiet }

// maxRuns is how many runs of pages are remembered.
const maxRuns = 256

// begin has the runs listed anew.
func (w *written) begin() { *w = written{runs: w.runs[:0], known: true} }

// add lists a run.
func (w *written) add(first, end int) {
	w.known = w.known && len(w.runs) < maxRuns
	if w.known {
		w.runs = append(w.runs, pages{first, end})
	}
}

// Watch is called before a guest runs, and what it returns after it, by the same
// goroutine, which runs on one thread of the system in between; nobody else may write to
// the memory. A page that is written
// to first costs its thread a page fault: where there was none, a reset need not look
// for others than it knows. Without a tracker, or where faults are not counted, nothing
// is known.
func (r *Reservation) Watch(t *Tracker) (end func()) {
	if t == nil || !t.counts {
		r.written.seen = faulted
		return func() {}
	}
	r.stop = countFaults()
	return func() {
		if r.stop == nil {
			return
		}
		faults := r.stop()
		r.stop = nil
		switch {
		case faults > 0:
			r.written.seen = faulted
		case r.written.seen == unseen:
			r.written.seen = quiet
		}
	}
}

// Unwatch frees the goroutine from its thread: a reset looks for all pages that have
// been written to then. Who runs for long loses more by giving up his thread, and getting
// it back, each time that others are let in.
func (r *Reservation) Unwatch() {
	if r.stop != nil {
		r.stop()
		r.stop, r.written.seen = nil, faulted
	}
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
	r.written.known = false // some may be beyond what the next instance begins with
	r.bytes = r.bytes[:0]
	return nil
}

func (r *Reservation) restore(t *Tracker) error {
	r.Forget()
	return t.reset(r)
}

// Forget forgets what the guest has asked for, as a reset does.
func (r *Reservation) Forget() { r.denied, r.starved, r.peak = false, false, uint64(len(r.bytes)) }
