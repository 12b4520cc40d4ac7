package runner

// Reclaim is what a node does that needs memory.
func (s *Sleeper) Reclaim() bool { return s.reclaim(anything) }
