package preview1

import (
	"encoding/binary"
	iofs "io/fs"
	"syscall"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// filestat describes a file to a guest.
type filestat struct {
	device, inode          uint64
	kind                   byte
	links, size            uint64
	access, modify, change uint64 // in nanoseconds
}

// describe translates what the host says of a file. The device, the inode, and
// in a bundle the links and times that others may have caused, are not the
// host's.
func (p *Process) describe(info iofs.FileInfo, dir *fs.Dir, device uint64) filestat {
	modify := uint64(info.ModTime().UnixNano())
	st := filestat{
		device: device, inode: p.inode(fs.Identify(info)), kind: kindOf(info.Mode()), links: 1,
		size: uint64(info.Size()), access: modify, modify: modify, change: modify,
	}
	if host, ok := info.Sys().(*syscall.Stat_t); ok && !dir.ReadOnly() {
		st.links = uint64(host.Nlink) //nolint:unconvert // it is smaller on other machines
		st.access, st.change = times(host)
	}
	return st
}

func kindOf(mode iofs.FileMode) byte {
	switch {
	case mode.IsRegular():
		return typeRegular
	case mode.IsDir():
		return typeDirectory
	case mode&iofs.ModeSymlink != 0:
		return typeSymlink
	case mode&iofs.ModeCharDevice != 0:
		return typeCharDevice
	case mode&iofs.ModeDevice != 0:
		return typeBlockDevice
	case mode&iofs.ModeSocket != 0:
		return typeSocket
	}
	return typeUnknown
}

func (f *file) stat(p *Process) (filestat, error) {
	info, err := f.Stat()
	if err != nil {
		return filestat{}, err
	}
	return p.describe(info, f.dir, f.device), nil
}

func (d *directory) stat(p *Process) (filestat, error) {
	info, err := d.dir.Stat(".")
	if err != nil {
		return filestat{}, err
	}
	return p.describe(info, d.dir, d.device), nil
}

func (s *stream) stat(*Process) (filestat, error) { return filestat{kind: s.kind, links: 1}, nil }

// putStat writes a filestat.
func (c call) putStat(ptr uint32, st filestat) error {
	const size = 64
	b, err := c.bytes(ptr, size)
	if err != nil {
		return err
	}
	clear(b)
	b[16] = st.kind
	for at, v := range map[int]uint64{
		0: st.device, 8: st.inode, 24: st.links, 32: st.size, 40: st.access, 48: st.modify, 56: st.change,
	} {
		binary.LittleEndian.PutUint64(b[at:], v)
	}
	return nil
}

func fdFilestatGet(c call) error {
	d, err := c.descriptor(0, rightFdFilestatGet)
	if err != nil {
		return err
	}
	st, err := d.res.stat(c.p)
	if err != nil {
		return err
	}
	return c.putStat(c.u32(1), st)
}

func fdFdstatGet(c call) error {
	const size = 24
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	st := filestat{kind: typeDirectory}
	if !isDirectory(d) {
		if st, err = d.res.stat(c.p); err != nil {
			return err
		}
	}
	b, err := c.bytes(c.u32(1), size)
	if err != nil {
		return err
	}
	clear(b)
	b[0] = st.kind
	binary.LittleEndian.PutUint16(b[2:], d.flags)
	binary.LittleEndian.PutUint64(b[8:], d.rights.base)
	binary.LittleEndian.PutUint64(b[16:], d.rights.inheriting)
	return nil
}

// fdFdstatSetFlags sets the flags that can be set: the others say how a file was
// opened.
func fdFdstatSetFlags(c call) error {
	d, err := c.descriptor(0, rightFdFdstatSetFlags)
	if err != nil {
		return err
	}
	flags := uint16(c.u32(1))
	switch {
	case c.u32(1)&^uint32(allFlags) != 0:
		return errnoInval
	case flags&syncFlags != d.flags&syncFlags:
		return errnoNotsup
	}
	d.flags = flags
	if f, ok := d.res.(*file); ok {
		f.SetAppend(flags&flagAppend != 0)
	}
	return nil
}

// fdFdstatSetRights gives rights up.
func fdFdstatSetRights(c call) error {
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	wanted := rights{base: c.u64(1), inheriting: c.u64(2)}
	if wanted.base&^d.rights.base != 0 || wanted.inheriting&^d.rights.inheriting != 0 {
		return errnoNotcapable
	}
	d.rights = wanted
	return nil
}

// The flags of a call that sets times.
const (
	setAccess uint32 = 1 << iota
	setAccessNow
	setModify
	setModifyNow
)

// times are those that the parameters i, i+1 and, for the flags, i+2 ask for.
// The zero Time leaves one as it is.
func (c call) times(i int) (access, modify time.Time, err error) {
	flags := c.u32(i + 2)
	if flags > setAccess|setAccessNow|setModify|setModifyNow ||
		flags&(setAccess|setAccessNow) == setAccess|setAccessNow ||
		flags&(setModify|setModifyNow) == setModify|setModifyNow {
		return access, modify, errnoInval
	}
	now := time.Now()
	pick := func(given, present uint32, nanos int64) time.Time {
		switch {
		case flags&given != 0:
			return time.Unix(0, nanos)
		case flags&present != 0:
			return now
		}
		return time.Time{}
	}
	return pick(setAccess, setAccessNow, c.i64(i)), pick(setModify, setModifyNow, c.i64(i+1)), nil
}

func fdFilestatSetTimes(c call) error {
	access, modify, err := c.times(1)
	if err != nil {
		return err
	}
	d, err := c.descriptor(0, 0)
	if err != nil {
		return err
	}
	if dir, ok := d.res.(*directory); ok {
		if d.rights.base&rightFdFilestatSetTimes == 0 {
			return errnoNotcapable
		}
		return dir.dir.Chtimes(".", access, modify, true)
	}
	f, err := c.file(rightFdFilestatSetTimes, errnoNotcapable)
	if err != nil {
		return err
	}
	return f.Chtimes(access, modify)
}
