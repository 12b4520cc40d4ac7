package fs

import (
	"errors"
	"io"
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
	limit  Quota
	shared Shared

	mu     sync.Mutex // guards what follows, and Tmp's root and path
	closed bool
	used   Quota
	names  int
	inodes map[ID]*inode
	open   map[io.Closer]struct{} // files and directories
}

// An ID is what the host knows an inode by, on one machine at one time.
type ID struct{ dev, ino uint64 }

func idOf(st unix.Stat_t) ID { return newID(st.Dev, st.Ino) }

// newID makes an ID of numbers whose types differ between systems.
func newID[D ~int32 | ~uint64](dev D, ino uint64) ID { return ID{uint64(dev), ino} }

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
	l.shared.giveBytes(n.size)
}

// openFile opens a file through open, and enters it if that made it.
func (l *ledger) openFile(flag int, open func(flag int) (*File, error)) (*File, error) {
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
	l.open[f] = struct{}{}
	return nil
}

// holdDir counts d as a handle of its inode.
func (l *ledger) holdDir(d *Dir) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return os.ErrClosed
	}
	n, err := l.lookup(statOf(d.own))
	if err != nil {
		return err
	}
	n.handles++
	d.inode = n
	l.open[d] = struct{}{}
	return nil
}

// release ends what hold or holdDir began.
func (l *ledger) release(handle io.Closer, n *inode) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, handle)
	n.handles--
	l.free(n)
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
	ahead := max(0, off+int64(len(p))-n.size)
	if !l.shared.takeBytes(ahead) {
		return 0, off, syscall.ENOSPC
	}
	k, err = write(p, off)
	end = off + int64(k)
	grown := int64(0)
	if k > 0 {
		grown = max(0, end-n.size)
	}
	l.shared.giveBytes(ahead - grown)
	n.size += grown
	l.used.Bytes += grown
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
	grown := size - n.size
	if grown > l.limit.Bytes-l.used.Bytes && grown > 0 {
		return syscall.ENOSPC
	}
	if !l.shared.takeBytes(grown) {
		return syscall.ENOSPC
	}
	if err := truncate(); err != nil {
		l.shared.giveBytes(grown)
		return err
	}
	l.shared.giveBytes(-grown)
	l.used.Bytes += grown
	n.size = size
	return nil
}
