package fs

import (
	"io"
	iofs "io/fs"
	"math"
	"os"
	"sync"
	"syscall"
	"time"
)

// atEnd is the offset of a write that goes wherever the file ends.
const atEnd = -1

// A File is an open regular file of a [Dir], or a FIFO or character device of a
// lent one. It keeps its own position, so that reading and writing at an offset
// never moves it.
type File struct {
	name     string
	stream   bool // has no positions
	tree     *tree
	writable bool
	inode    *inode // nil exactly where the tree has no ledger

	mu     sync.Mutex // guards what follows, and that host is open while a call uses it
	host   *os.File
	pos    int64
	append bool
	closed bool
}

// Stream returns the connection to the host's file behind a FIFO or character
// device, whose reads and writes may have to wait; false for a regular file. Its
// descriptor does not block.
func (f *File) Stream() (syscall.RawConn, bool) {
	if !f.stream {
		return nil, false
	}
	conn, err := f.host.SyscallConn()
	return conn, err == nil
}

// Stat describes the file, as [Dir.Stat] does.
func (f *File) Stat() (iofs.FileInfo, error) {
	info, err := f.host.Stat()
	return info, fault("stat", f.name, err)
}

// Read reads from the position on. At the end of the file it returns io.EOF.
func (f *File) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stream {
		n, err := f.host.Read(p)
		return n, fault("read", f.name, err)
	}
	n, err := f.host.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil // the next read says so
	}
	return n, fault("read", f.name, err)
}

// ReadAt implements [io.ReaderAt].
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if err := f.checkOffset(off); err != nil {
		return 0, fault("read", f.name, err)
	}
	n, err := f.host.ReadAt(p, off)
	return n, fault("read", f.name, err)
}

// Write writes at the position, or at the end of a file in append mode, and
// leaves the position behind what was written. When the quota has room for a
// part of p only, that part is written and the error is ENOSPC.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	off := f.pos
	if f.append {
		off = atEnd
	}
	n, end, err := f.write(p, off)
	if n > 0 {
		f.pos = end
	}
	return n, fault("write", f.name, err)
}

// WriteAt implements [io.WriterAt], in append mode too: it never writes at the
// end instead. It runs into the quota as [File.Write] does.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.checkOffset(off); err != nil {
		return 0, fault("write", f.name, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, _, err := f.write(p, off)
	return n, fault("write", f.name, err)
}

func (f *File) checkOffset(off int64) error {
	switch {
	case f.stream:
		return syscall.ESPIPE
	case off < 0:
		return syscall.EINVAL
	}
	return nil
}

// write writes p at off, or atEnd, and says where the written bytes end.
func (f *File) write(p []byte, off int64) (n int, end int64, err error) {
	if err := f.mayWrite(); err != nil || len(p) == 0 {
		return 0, 0, err
	}
	if f.stream {
		n, err = f.host.Write(p)
		return n, f.pos, err
	}
	if f.tree.ledger != nil {
		return f.tree.ledger.write(f.inode, p, off, f.host.WriteAt)
	}
	if off != atEnd {
		n, err = f.host.WriteAt(p, off)
		return n, off + int64(n), err
	}
	return f.writeAtEnd(p)
}

// writeAtEnd appends as the host does, in one step for each call where it can, so
// that processes that append to the same file do not overwrite each other.
func (f *File) writeAtEnd(p []byte) (n int, end int64, err error) {
	fd := int(f.host.Fd())
	for n < len(p) && err == nil {
		var k int
		err = retry(func() (err error) {
			k, err = appendTo(fd, p[n:])
			return err
		})
		if err == nil && k == 0 {
			err = syscall.EIO // rather than to try for ever
		}
		n += max(k, 0)
	}
	if err != nil {
		return n, f.pos, err
	}
	info, err := f.host.Stat()
	if err != nil {
		return n, f.pos, err
	}
	return n, info.Size(), nil
}

// mayWrite refuses changes of the content. A closed file is refused here too:
// its place in the ledger is gone.
func (f *File) mayWrite() error {
	switch {
	case f.tree.readOnly:
		return syscall.EROFS
	case f.closed || !f.writable:
		return syscall.EBADF
	}
	return nil
}

// Truncate makes the file size bytes long; new bytes are zero and count like
// written ones.
func (f *File) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fault("truncate", f.name, f.truncate(size))
}

func (f *File) truncate(size int64) error {
	if err := f.mayWrite(); err != nil {
		return err
	}
	if size < 0 || f.stream {
		return syscall.EINVAL
	}
	return f.tree.ledger.resize(f.inode, size, func() error { return f.host.Truncate(size) })
}

// Seek sets the position (ESPIPE where there is none).
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pos, err := f.seek(offset, whence)
	if err != nil {
		return 0, fault("seek", f.name, err)
	}
	f.pos = pos
	return pos, nil
}

func (f *File) seek(offset int64, whence int) (int64, error) {
	if f.closed {
		return 0, syscall.EBADF
	}
	if f.stream {
		return 0, syscall.ESPIPE
	}
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = f.pos
	case io.SeekEnd:
		info, err := f.host.Stat()
		if err != nil {
			return 0, err
		}
		base = info.Size()
	default:
		return 0, syscall.EINVAL
	}
	if offset > math.MaxInt64-base || offset < -base {
		return 0, syscall.EINVAL
	}
	return base + offset, nil
}

// Sync asks the host to make the content durable. In a [Tmp] there is nothing
// to outlive the execution, and in a read-only tree nothing to write, so that
// a guest cannot keep the host's disk busy for nothing.
func (f *File) Sync() error {
	if f.tree.readOnly || f.tree.ledger != nil {
		return nil
	}
	return fault("sync", f.name, f.host.Sync())
}

// Chtimes sets the times of last access and modification, as [Dir.Chtimes].
func (f *File) Chtimes(atime, mtime time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.tree.readOnly:
		return fault("chtimes", f.name, syscall.EROFS)
	case f.closed:
		return fault("chtimes", f.name, syscall.EBADF)
	}
	return fault("chtimes", f.name, futimens(f.host.Fd(), atime, mtime))
}

// SetAppend turns append mode on or off.
func (f *File) SetAppend(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.append = on
}

// IsAppend reports whether writes go to the end of the file.
func (f *File) IsAppend() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.append
}

// Close closes the file. Closing it again does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	err := f.host.Close()
	f.tree.ledger.release(f, f.inode)
	f.tree.shared.release()
	return fault("close", f.name, err)
}
