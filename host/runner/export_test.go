package runner

// Reclaim is what a node does that needs memory.
func (s *Sleeper) Reclaim() bool { return s.reclaim(anything) }

// Profiling tells whether a Micro is profiled.
func Profiling(m *Micro) bool { return m.profile.Load() != nil }
