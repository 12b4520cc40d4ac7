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
