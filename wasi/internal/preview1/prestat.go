package preview1

import "encoding/binary"

// preopen returns the preopened directory that parameter 0 means; everything
// else is EBADF, by which guests know that they have found all.
func (c call) preopen() (*directory, error) {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return nil, err
	}
	dir, ok := d.res.(*directory)
	if !ok || !d.preopen {
		return nil, errnoBadf
	}
	return dir, nil
}

func fdPrestatGet(c call) error {
	const size = 8
	dir, err := c.preopen()
	if err != nil {
		return err
	}
	b, err := c.bytes(c.u32(1), size)
	if err != nil {
		return err
	}
	clear(b)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(dir.top)))
	return nil
}

func fdPrestatDirName(c call) error {
	dir, err := c.preopen()
	if err != nil {
		return err
	}
	if int64(c.u32(2)) < int64(len(dir.top)) {
		return errnoNametoolong
	}
	b, err := c.bytes(c.u32(1), c.u32(2))
	if err != nil {
		return err
	}
	copy(b, dir.top)
	return nil
}
