package space

// State is what a live Micro is up to now.
type State struct {
	// Awake says that it has code in memory, or files open: the next request need not
	// wait for that.
	Awake bool
	// Running is how many requests it serves, Waiting how many wait for a place.
	Running, Waiting int
	// Memory is what it takes of the node's budgets, in bytes: code, snapshot and
	// instances, those that run with what they had before.
	Memory int64
}
