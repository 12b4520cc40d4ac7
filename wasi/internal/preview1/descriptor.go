package preview1

import "github.com/spacewasm/spacewasm/wasi/internal/fs"

// The flags of a descriptor.
const (
	flagAppend uint16 = 1 << iota
	flagDsync
	flagNonblock
	flagRsync
	flagSync

	syncFlags = flagDsync | flagRsync | flagSync
	allFlags  = flagAppend | flagNonblock | syncFlags
)

// The types of files.
const (
	typeUnknown     byte = 0
	typeBlockDevice byte = 1
	typeCharDevice  byte = 2
	typeDirectory   byte = 3
	typeRegular     byte = 4
	typeSocket      byte = 6
	typeSymlink     byte = 7
)

// resource is what is behind a descriptor: a [*file], a [*directory], a
// [*stream] or a [*listener].
type resource interface {
	stat(p *Process) (filestat, error)
	close() error
}

// descriptor is an entry of the table.
type descriptor struct {
	res     resource
	rights  rights
	flags   uint16
	preopen bool
	// start is the number that it had when the process began, plus one; 0 is what
	// the guest has opened.
	start int
}

// file is a regular file.
type file struct {
	*fs.File
	device uint64
	dir    *fs.Dir // of the tree that it is in
	path   string  // from the top of the tree, as it was opened
}

func (f *file) close() error { return f.Close() }

// directory is a preopen, or a directory that was opened through one.
type directory struct {
	dir    *fs.Dir
	device uint64
	top    string // what a preopen is called
	path   string // from the top of the tree, as it was opened
}

func (d *directory) close() error { return d.dir.Close() }

// table is the descriptors of a process, by number; nil is a free one.
type table struct{ open []*descriptor }

// add gives d the lowest free number.
func (t *table) add(d *descriptor) (uint32, error) {
	for i, taken := range t.open {
		if taken == nil {
			t.open[i] = d
			return uint32(i), nil
		}
	}
	if len(t.open) >= maxDescriptors {
		return 0, errnoMfile
	}
	t.open = append(t.open, d)
	return uint32(len(t.open) - 1), nil
}

// full tells whether add would fail.
func (t *table) full() bool {
	if len(t.open) < maxDescriptors {
		return false
	}
	for _, d := range t.open {
		if d == nil {
			return false
		}
	}
	return true
}

func (t *table) get(fd uint32) (*descriptor, error) {
	if uint64(fd) >= uint64(len(t.open)) || t.open[fd] == nil {
		return nil, errnoBadf
	}
	return t.open[fd], nil
}

// descriptor returns the descriptor that parameter i means, which must have a
// right.
func (c call) descriptor(i int, right uint64) (*descriptor, error) {
	d, err := c.p.table.get(c.u32(i))
	if err != nil {
		return nil, err
	}
	if d.rights.base&right != right {
		return nil, lack(right)
	}
	return d, nil
}

// directory returns the directory that parameter i means.
func (c call) directory(i int, right uint64) (*descriptor, *directory, error) {
	d, err := c.p.table.get(c.u32(i))
	if err != nil {
		return nil, nil, err
	}
	dir, ok := d.res.(*directory)
	if !ok {
		return nil, nil, errnoNotdir
	}
	if d.rights.base&right != right {
		return nil, nil, lack(right)
	}
	return d, dir, nil
}

// file returns the regular file that parameter 0 means, which must have a right;
// other is the error of what is neither file nor directory.
func (c call) file(right uint64, other Errno) (*file, error) {
	d, err := c.p.table.get(c.u32(0))
	if err != nil {
		return nil, err
	}
	f, ok := d.res.(*file)
	switch {
	case !ok && isDirectory(d):
		return nil, errnoIsdir
	case !ok:
		return nil, other
	case d.rights.base&right != right && changes&right != 0 && f.dir.ReadOnly():
		return nil, errnoRofs
	case d.rights.base&right != right:
		return nil, lack(right)
	}
	return f, nil
}

// changes are the rights that no file of a read-only tree has any use for.
const changes = rightFdWrite | rightFdAllocate | rightFdFilestatSetSize | rightFdFilestatSetTimes

func isDirectory(d *descriptor) bool {
	_, ok := d.res.(*directory)
	return ok
}

func fdClose(c call) error {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	c.p.table.open[c.u32(0)] = nil
	return d.res.close()
}

// fdRenumber moves a descriptor onto another, which is closed.
func fdRenumber(c call) error {
	from, to := c.u32(0), c.u32(1)
	moved, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	over, err := c.descriptor(1, 0)
	if err != nil || from == to {
		return err
	}
	c.p.table.open[to], c.p.table.open[from] = moved, nil
	return over.res.close()
}
