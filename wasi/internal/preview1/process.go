package preview1

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// maxDescriptors is how many descriptors a guest may have, those of the start
// included (EMFILE).
const maxDescriptors = 256

// Config is what a process is made of. All of it stays the caller's.
type Config struct {
	// Args are the guest's arguments, its own name first.
	Args []string
	// Preopens are the directories that the guest starts with, as descriptors
	// from 3 on.
	Preopens []Preopen
	// Listeners follow them: sockets that accept connections.
	Listeners []*net.TCPListener
	// State is what the process goes on from; nil is a new process.
	State *State
}

// Preopen is a directory, and what the guest calls it.
type Preopen struct {
	Name string
	Dir  *fs.Dir
}

// Stdio is what is behind the descriptors 0, 1 and 2. A reader or writer that has
// a descriptor of the host (a [syscall.Conn]) is waited for when it is not ready;
// all others are taken to be always ready. Nil reads as empty, and drops what is
// written. A writer with a Flush method is flushed by fd_sync.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Process is what one guest sees of the system. It is used by one goroutine at a
// time, and is to be closed.
type Process struct {
	config Config
	env    []string
	table  table
	seed   maphash.Seed // of the inode numbers that the guest sees
	began  time.Time    // when the monotonic clock was 0
	drew   drawn
}

// New returns a process without a request: see [Process.Begin].
func New(config Config) *Process {
	return &Process{config: config, seed: maphash.MakeSeed()}
}

// Begin gives the process a request: KEY=value lines for its environment, and
// its standard streams. The descriptors are those of the start, or of the state,
// and the monotonic clock goes on from there; what an earlier request left open is
// closed.
func (p *Process) Begin(env []string, stdio Stdio) error {
	if err := p.Close(); err != nil {
		return err
	}
	p.env, p.began, p.drew = env, time.Now(), drawn{}
	all := []*descriptor{
		{res: newStream(stdio.In, nil), rights: rights{base: streamRights &^ rightFdWrite}},
		{res: newStream(nil, stdio.Out), rights: rights{base: streamRights &^ rightFdRead}},
		{res: newStream(nil, stdio.Err), rights: rights{base: streamRights &^ rightFdRead}},
	}
	for i, preopen := range p.config.Preopens {
		all = append(all, &descriptor{
			res:     &directory{dir: preopen.Dir, device: device(i), top: preopen.Name},
			rights:  rights{base: dirRights, inheriting: dirRights | fileRights},
			preopen: true,
		})
	}
	for _, l := range p.config.Listeners {
		res, err := newListener(l)
		if err != nil {
			return err
		}
		all = append(all, &descriptor{res: res, rights: rights{base: listenerRights, inheriting: streamRights}})
	}
	for i, d := range all {
		d.start = i + 1
	}
	p.table = table{open: all}
	if p.config.State != nil {
		return p.resume(p.config.State)
	}
	return nil
}

// Close closes what the guest has left open. It is idempotent.
func (p *Process) Close() error {
	var errs []error
	for _, d := range p.table.open {
		if d != nil {
			errs = append(errs, d.res.close())
		}
	}
	p.table = table{}
	return errors.Join(errs...)
}

// device is the number of a preopen's device. Guests learn nothing of the host's.
func device(preopen int) uint64 { return uint64(preopen) + 1 }

// inode is the number of a file that a guest sees. It is the same for the same
// file as long as the process lives, and tells nothing of the host's number.
func (p *Process) inode(id fs.ID) uint64 { return maphash.Comparable(p.seed, id) }

// processContext carries a process to the host functions. It is asked at every
// call, so it does not go through the chain of contexts.
type processContext struct {
	context.Context //nolint:containedctx // it is a context
	process         *Process
}

type processKey struct{}

// Value implements [context.Context].
func (c processContext) Value(key any) any {
	if key == (processKey{}) {
		return c.process
	}
	return c.Context.Value(key)
}

// WithProcess returns the context to call a guest with whose process p is.
func WithProcess(ctx context.Context, p *Process) context.Context {
	return processContext{ctx, p}
}
