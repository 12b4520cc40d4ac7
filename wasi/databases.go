package wasi

import (
	"os"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// Databases has what instances of one bundle share of its SQLite files: a descriptor for
// each that is in use, and the connections that nobody uses at the time. Nothing is open
// before somebody asks for it. It is safe for concurrent use, and is to be closed after the
// instances.
type Databases struct{ pool *sqlite.Pool }

// NewDatabases returns the databases of a bundle, which stays the caller's. The values that
// guests read and write have at most so many bytes. What the connections take of memory, and
// the files of descriptors, they take from the budgets.
func NewDatabases(bundle *os.Root, maxValue int64, budgets Budgets) *Databases {
	return databasesOf(fs.ReadOnly(bundle, fs.Shared{Descriptors: budgets.Descriptors}), maxValue, budgets)
}

// databasesOf returns the databases of a folder, or none of nil.
func databasesOf(dir *fs.Dir, maxValue int64, budgets Budgets) *Databases {
	return &Databases{pool: sqlite.NewPool(sqlite.Config{Bundle: dir, MaxValue: maxValue, Budget: budgets.Memory})}
}

// session returns what an instance has of them that begins with a snapshot, or with nil.
func (d *Databases) session(begin *Snapshot, meter *meter) *sqlite.Session {
	var state sqlite.State
	if begin != nil {
		state = begin.databases
	}
	return sqlite.NewSession(d.pool, state, meter)
}

// Reclaim closes the connections that nobody uses, and tells whether there were any. It
// waits for nobody, so that a [Budget] may call it, and may be called of nil.
func (d *Databases) Reclaim() bool { return d != nil && d.pool.Reclaim() }

// Close frees what they hold. It is idempotent, and may be called of nil.
func (d *Databases) Close() {
	if d != nil {
		d.pool.Close()
	}
}
