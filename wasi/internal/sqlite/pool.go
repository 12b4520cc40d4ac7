package sqlite

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"strings"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// Config is what a [Pool] is made of.
type Config struct {
	// Bundle has the database files; nil has none. It stays the caller's.
	Bundle *fs.Dir
	// MaxValue bounds a text or blob, in bytes.
	MaxValue int64
	// Budget is of memory, in bytes; nil has no end.
	Budget Budget
}

// Pool has the connections to the databases of one bundle, which does not change: one
// descriptor for each file, opened when it is first used, and the connections that nobody
// uses. It is safe for concurrent use, and is to be closed after all sessions.
type Pool struct {
	config Config
	mu     sync.Mutex
	files  map[string]*file
	closed bool
}

// NewPool returns a pool, in which nothing is open yet.
func NewPool(config Config) *Pool { return &Pool{config: config, files: map[string]*file{}} }

// file is a database file.
type file struct {
	pool *Pool
	name string
	open *fs.File
	size int64

	// Of the pool's lock:
	idle []*connection // the latest used last
	uses int           // connections that there are
}

const (
	maxFiles = 32 // that are open, and that nobody uses
	maxIdle  = 8  // connections to one file
	// maxIdleBytes bounds what an idle connection keeps.
	maxIdleBytes = 4 << 20
)

// lease returns a connection to a file, whose name is relative to the bundle. Opening one
// ends with the context.
func (p *Pool) lease(ctx context.Context, name string) (*connection, error) {
	f, c, err := p.find(name)
	if err != nil || c != nil {
		return c, err
	}
	c, err = f.connect(ctx)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.leave(f)
		return nil, err
	}
	return c, nil
}

// find returns an idle connection, or else the file, for which one is counted.
func (p *Pool) find(name string) (*file, *connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errors.New("the databases are closed")
	}
	f := p.files[name]
	if f == nil {
		var err error
		if f, err = p.open(name); err != nil {
			return nil, nil, err
		}
		p.files[name] = f
	}
	if n := len(f.idle); n > 0 {
		c := f.idle[n-1]
		f.idle = f.idle[:n-1]
		return f, c, nil
	}
	f.uses++
	return f, nil, nil
}

// open opens a file. The caller has the lock.
func (p *Pool) open(name string) (*file, error) {
	cannot := func(message string) error {
		return &Error{Code: sqlite3.SQLITE_CANTOPEN, Message: "unable to open database file: " + message, Offset: -1}
	}
	if p.config.Bundle == nil {
		return nil, cannot("the program has no files")
	}
	p.spare()
	open, err := p.config.Bundle.OpenFile(name, 0, 0)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, cannot("there is no such file in the bundle")
	}
	if err != nil {
		return nil, cannot(err.Error())
	}
	info, err := open.Stat()
	if err != nil {
		return nil, errors.Join(err, open.Close())
	}
	return &file{pool: p, name: name, open: open, size: info.Size()}, nil
}

// spare closes a file that nobody uses, if there are many. The caller has the lock.
func (p *Pool) spare() {
	if len(p.files) < maxFiles {
		return
	}
	for _, f := range p.files {
		if f.uses == len(f.idle) {
			p.shut(f)
			return
		}
	}
}

// shut closes a file that nobody uses. The caller has the lock.
func (p *Pool) shut(f *file) {
	for _, c := range f.idle {
		c.close()
	}
	f.idle = nil
	_ = f.open.Close() // of what is read only
	delete(p.files, f.name)
}

// give takes a connection back.
func (p *Pool) give(c *connection) {
	c.heap.settle()
	p.mu.Lock()
	defer p.mu.Unlock()
	f := c.file
	if c.broken || p.closed || len(f.idle) >= maxIdle || c.heap.used.Load() > maxIdleBytes {
		c.close()
		p.leave(f)
		return
	}
	f.idle = append(f.idle, c)
}

// Reclaim closes the connections that nobody uses, and tells whether there were any. It may
// be called by who takes of the budget, in the middle of whatever that is: so it waits for
// nobody, and leaves the pool alone where somebody else has it.
func (p *Pool) Reclaim() bool {
	if !p.mu.TryLock() {
		return false
	}
	defer p.mu.Unlock()
	closed := false
	for _, f := range p.files {
		for _, c := range f.idle {
			c.close()
			f.uses--
			closed = true
		}
		f.idle = nil
	}
	return closed
}

// leave counts a connection out. The caller has the lock.
func (p *Pool) leave(f *file) {
	f.uses--
	if p.closed && f.uses == 0 {
		_ = f.open.Close() // of what is read only
		delete(p.files, f.name)
	}
}

// Close closes what nobody uses; what is in use is closed when it is given back. It is
// idempotent.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, f := range p.files {
		for _, c := range f.idle {
			c.close()
			f.uses--
		}
		f.idle = nil
		if f.uses == 0 {
			_ = f.open.Close() // of what is read only
			delete(p.files, f.name)
		}
	}
}

// read fills b from offset on, and returns how much there was.
func (f *file) read(b []byte, offset int64) (int, error) {
	n, err := f.open.ReadAt(b, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// clean makes the path that a guest has named one that is relative to the bundle.
func clean(name string) (string, error) {
	switch {
	case name == "" || strings.Contains(name, "\x00"):
		return "", misuse("the path of a database is empty, or has a NUL in it")
	case len(name) > maxPath:
		return "", misuse("the path of a database has more than %d bytes", maxPath)
	}
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	if clean == "" || clean == "tmp" || strings.HasPrefix(clean, "tmp/") {
		return "", &Error{Code: sqlite3.SQLITE_CANTOPEN, Message: "unable to open database file: only files of the bundle can be opened", Offset: -1}
	}
	return clean, nil
}

// maxPath is that of preview 1.
const maxPath = 4096
