package preview1

import (
	"encoding/binary"
	"errors"
	"io"
	"syscall"
)

// maxVectors is how many pieces of memory one call reads or writes at most; the
// guest is told how far it came, as by writev(2) on Linux.
const maxVectors = 1024

// vectors are the pieces of memory that the parameters 1 and 2 list.
func (c call) vectors() ([][]byte, error) {
	const size = 8
	count := min(c.u32(2), maxVectors)
	list, err := c.bytes(c.u32(1), count*size)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, count)
	for k := range all {
		at := list[k*size:]
		if all[k], err = c.bytes(binary.LittleEndian.Uint32(at), binary.LittleEndian.Uint32(at[4:])); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// each hands the vectors to do in pieces, until one is not done whole. What has
// been done before an error counts: the guest meets the error at its next call.
func (c call) each(vectors [][]byte, do func(p []byte, done int) (int, error)) (uint32, error) {
	done := 0
	for _, v := range vectors {
		for len(v) > 0 {
			c.alive()
			part := v[:min(len(v), piece)]
			n, err := do(part, done)
			done += n
			if err != nil && done == 0 {
				return 0, err
			}
			if err != nil || n < len(part) {
				return uint32(done), nil //nolint:nilerr // the next call meets it again
			}
			v = v[n:]
		}
	}
	return uint32(done), nil
}

// move hands the vectors that the parameters 1 and 2 list to do, as each does;
// parameter i is where to say how much was read or written.
func (c call) move(i int, do func(p []byte, done int) (int, error)) error {
	vectors, err := c.vectors()
	if err != nil {
		return err
	}
	n, err := c.each(vectors, do)
	if err != nil {
		return err
	}
	return c.putU32(c.u32(i), n)
}

func fdRead(c call) error {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	if isDirectory(d) {
		return errnoIsdir
	}
	if d.rights.base&rightFdRead == 0 {
		return errnoBadf
	}
	return c.move(3, func(p []byte, done int) (int, error) {
		switch res := d.res.(type) {
		case *file:
			return atEOF(res.Read(p))
		case *stream:
			// What has come is not held back for what may come.
			if done > 0 && res.host == nil {
				return 0, nil
			}
			return res.read(c.ctx, p, d.flags&flagNonblock == 0 && done == 0)
		}
		return 0, errnoInval
	})
}

// atEOF makes the end of a file the 0 that guests know it by.
func atEOF(n int, err error) (int, error) {
	if errors.Is(err, io.EOF) {
		return n, nil
	}
	return n, err
}

func fdPread(c call) error {
	f, err := c.file(rightFdRead, errnoSpipe)
	if err != nil {
		return err
	}
	off := c.i64(3)
	return c.move(4, func(p []byte, done int) (int, error) {
		return atEOF(f.ReadAt(p, off+int64(done)))
	})
}

func fdWrite(c call) error {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	if f, ok := d.res.(*file); ok && f.dir.ReadOnly() {
		return errnoRofs
	}
	if d.rights.base&rightFdWrite == 0 {
		return errnoBadf
	}
	return c.move(3, func(p []byte, _ int) (int, error) {
		switch res := d.res.(type) {
		case *file:
			return res.Write(p)
		case *stream:
			return res.write(c.ctx, p, d.flags&flagNonblock == 0)
		}
		return 0, errnoInval
	})
}

func fdPwrite(c call) error {
	f, err := c.file(rightFdWrite, errnoSpipe)
	if err != nil {
		return err
	}
	off := c.i64(3)
	return c.move(4, func(p []byte, done int) (int, error) {
		return f.WriteAt(p, off+int64(done))
	})
}

func fdSeek(c call) error {
	const most = io.SeekEnd
	whence := int(c.u32(2))
	right := rightFdSeek | rightFdTell
	if c.i64(1) == 0 && whence == io.SeekCurrent {
		right = rightFdTell
	}
	f, err := c.file(right, errnoSpipe)
	if err != nil {
		return err
	}
	if whence < 0 || whence > most {
		return errnoInval
	}
	pos, err := f.Seek(c.i64(1), whence)
	if err != nil {
		return err
	}
	return c.putU64(c.u32(3), uint64(pos))
}

func fdTell(c call) error {
	f, err := c.file(rightFdTell, errnoSpipe)
	if err != nil {
		return err
	}
	pos, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	return c.putU64(c.u32(1), uint64(pos))
}

func fdSync(c call) error { return sync(c, rightFdSync) }

func fdDatasync(c call) error { return sync(c, rightFdDatasync) }

// sync makes a file durable, and sends what a standard stream holds back. What
// cannot be synchronised has nothing to lose.
func sync(c call, right uint64) error {
	d, err := c.descriptor(0, right)
	if err != nil {
		return err
	}
	switch res := d.res.(type) {
	case *file:
		return res.Sync()
	case *stream:
		if out, ok := res.w.(interface{ Flush() error }); ok {
			return out.Flush()
		}
	}
	return nil
}

// fdAdvise has no use for advice, but says when it makes no sense.
func fdAdvise(c call) error {
	const most = 5
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	if _, ok := d.res.(*stream); ok {
		return errnoSpipe
	}
	if d.rights.base&rightFdAdvise == 0 {
		return errnoNotcapable
	}
	if c.u32(3) > most || c.i64(1) < 0 || c.i64(2) < 0 {
		return errnoInval
	}
	return nil
}

// fdAllocate makes a file long enough, as posix_fallocate(3) does.
func fdAllocate(c call) error {
	f, err := c.file(rightFdAllocate, errnoSpipe)
	if err != nil {
		return err
	}
	off, n := c.i64(1), c.i64(2)
	if off < 0 || n <= 0 {
		return errnoInval
	}
	if off+n < 0 {
		return errnoFbig
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if f.dir.ReadOnly() {
		return errnoRofs
	}
	if info.Size() >= off+n {
		return nil
	}
	return f.Truncate(off + n)
}

func fdFilestatSetSize(c call) error {
	f, err := c.file(rightFdFilestatSetSize, errnoInval)
	if err != nil {
		return err
	}
	return badSize(f.Truncate(c.i64(1)))
}

// badSize tells a guest that truncates a descriptor it only reads from what
// ftruncate(2) says.
func badSize(err error) error {
	if errors.Is(err, syscall.EBADF) {
		return errnoInval
	}
	return err
}
