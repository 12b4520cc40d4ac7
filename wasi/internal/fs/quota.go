package fs

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Quota is how much a [Tmp] may hold. The zero Quota has room for nothing.
type Quota struct {
	// Bytes is the sum of the logical sizes of regular files; holes count.
	Bytes int64
	// Inodes is the number of files, directories and symbolic links, unlinked
	// ones that are still open included. It bounds the number of names as
	// well, as further hard links cost the host directory entries.
	Inodes int
}

// A ledger counts what a Tmp holds. Its mutex is held across each change of
// the tree that counts, so that book and disk agree. A nil ledger counts
// nothing and allows everything.
type ledger struct {
	limit Quota

	mu     sync.Mutex // guards what follows, and Tmp's root and path
	closed bool
	used   Quota
	names  int
	inodes map[id]*inode
	files  map[*File]struct{}
}

// An id is what the host knows an inode by.
type id struct{ dev, ino uint64 }

func idOf(st unix.Stat_t) id { return id{st.Dev, st.Ino} }

// lookup returns the inode of st. One that is unknown was not made through the
// ledger, so the host meddles with a directory that is ours alone.
func (l *ledger) lookup(st unix.Stat_t, err error) (*inode, error) {
	if err != nil {
		return nil, err
	}
	n := l.inodes[idOf(st)]
	if n == nil {
		return nil, syscall.EIO
	}
	return n, nil
}

// begin says whether the tree may still be changed, and returns the directory
// in which e stands.
func (l *ledger) begin(e entry) (*inode, error) {
	if l.closed {
		return nil, os.ErrClosed
	}
	return l.lookup(e.fstat())
}

// refuse returns why, unless e exists: that is the better reason not to make
// it ("mkdir -p" relies on it).
func refuse(e entry, why error) error {
	if _, err := e.lstat(); err == nil {
		return syscall.EEXIST
	}
	return why
}

func (l *ledger) full() bool {
	return l.used.Inodes >= l.limit.Inodes || l.names >= l.limit.Inodes
}

// add enters a new inode with one name, in parent if it is a directory.
func (l *ledger) add(st unix.Stat_t, parent *inode) *inode {
	n := &inode{id: idOf(st), links: 1}
	if parent != nil {
		n.moveTo(parent)
	}
	l.inodes[n.id] = n
	l.used.Inodes++
	l.names++
	return n
}

// drop takes away one name of n.
func (l *ledger) drop(n *inode) {
	l.names--
	n.links--
	n.detach()
	l.free(n)
}

// free forgets n, and what it occupies, if nothing holds it any longer.
func (l *ledger) free(n *inode) {
	if n.links > 0 || n.handles > 0 {
		return
	}
	delete(l.inodes, n.id)
	l.used.Inodes--
	l.used.Bytes -= n.size
}

// open opens a file through open, and enters it if that made it.
func (l *ledger) open(flag int, open func(flag int) (*File, error)) (*File, error) {
	if l == nil {
		return open(flag)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, os.ErrClosed
	}
	creating := flag&unix.O_CREAT != 0
	if creating && l.full() {
		if flag&unix.O_EXCL != 0 {
			return nil, syscall.ENOSPC
		}
		flag &^= unix.O_CREAT // what exists can still be opened
	}
	f, err := open(flag)
	if err != nil {
		if creating && flag&unix.O_CREAT == 0 && errors.Is(reason(err), syscall.ENOENT) {
			return nil, syscall.ENOSPC
		}
		return nil, err
	}
	if err := l.hold(f); err != nil {
		_ = f.host.Close()
		return nil, err
	}
	return f, nil
}

// hold counts f as a handle of its inode.
func (l *ledger) hold(f *File) error {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(f.host.Fd()), &st) }); err != nil {
		return err
	}
	n := l.inodes[idOf(st)]
	if n == nil {
		n = l.add(st, nil)
	}
	n.handles++
	f.inode = n
	l.files[f] = struct{}{}
	return nil
}

// release ends what hold began.
func (l *ledger) release(f *File) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.files, f)
	f.inode.handles--
	l.free(f.inode)
}

// write writes as much of p at off, or atEnd, as there is room for. Bytes that
// overwrite others cost nothing; those that a hole skips do.
func (l *ledger) write(n *inode, p []byte, off int64, write func([]byte, int64) (int, error)) (k int, end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if off == atEnd {
		off = n.size
	}
	room := n.size + l.limit.Bytes - l.used.Bytes - off
	if room <= 0 {
		return 0, off, syscall.ENOSPC
	}
	short := int64(len(p)) > room
	if short {
		p = p[:room]
	}
	k, err = write(p, off)
	end = off + int64(k)
	if k > 0 {
		l.setSize(n, max(n.size, end))
	}
	if short && err == nil {
		err = syscall.ENOSPC
	}
	return k, end, err
}

// resize lets truncate make n size bytes long, if there is room.
func (l *ledger) resize(n *inode, size int64, truncate func() error) error {
	if l == nil {
		return truncate()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if size-n.size > l.limit.Bytes-l.used.Bytes && size > n.size {
		return syscall.ENOSPC
	}
	if err := truncate(); err != nil {
		return err
	}
	l.setSize(n, size)
	return nil
}

func (l *ledger) setSize(n *inode, size int64) {
	l.used.Bytes += size - n.size
	n.size = size
}
