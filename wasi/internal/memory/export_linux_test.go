package memory

// Ways returns a tracker for each way that there is, by name.
func Ways() map[string]*Tracker {
	best := NewTracker()
	ways := map[string]*Tracker{"madvise": {}}
	if best.pagemap != nil {
		ways["pagemap"] = &Tracker{pagemap: best.pagemap}
	}
	if best.scans {
		ways["pagemap scan"] = best
	}
	return ways
}

// Known tells whether the next reset need not look for pages.
func Known(r *Reservation) bool { return r.written.complete() }

// Counts tells whether a tracker counts page faults.
func Counts(t *Tracker) bool { return t.counts }
