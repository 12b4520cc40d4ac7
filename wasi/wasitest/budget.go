package wasitest

// Budget is what a node shares among instances, for tests of one goroutine: Limit
// units, of which Used are taken and Most were at the most.
type Budget struct{ Limit, Used, Most int64 }

// Take takes n units, or none and returns false if fewer are left.
func (b *Budget) Take(n int64) bool {
	if n > b.Limit-b.Used {
		return false
	}
	b.Used += n
	b.Most = max(b.Most, b.Used)
	return true
}

// Give gives n units back.
func (b *Budget) Give(n int64) { b.Used -= n }
