package preview1

import (
	"path"

	"golang.org/x/sys/unix"
)

// follow is the only flag of a lookup: a link at the end of a path is followed.
const follow = 1

// lookup reads the flags of a lookup, which are parameter 1 wherever there are
// any.
func (c call) lookup() (follows bool, err error) {
	if c.u32(1) > follow {
		return false, errnoInval
	}
	return c.u32(1) == follow, nil
}

// at returns the directory that parameter i means, which must have a right, and
// the path that the parameters j and j+1 mean in it.
func (c call) at(i int, right uint64, j int) (*directory, string, error) {
	_, dir, err := c.directory(i, right)
	if err != nil {
		return nil, "", err
	}
	name, err := c.text(j)
	return dir, name, err
}

// isNull tells whether a path is /dev/null, which a bundle cannot hold and
// programs rely on. What is lent has its own.
func (d *directory) isNull(name string) bool {
	return d.top == "/" && d.dir.ReadOnly() && path.Clean(name) == "dev/null"
}

func pathCreateDirectory(c call) error {
	dir, name, err := c.at(0, rightPathCreateDirectory, 1)
	if err != nil {
		return err
	}
	return dir.dir.Mkdir(name, 0o777)
}

func pathRemoveDirectory(c call) error {
	dir, name, err := c.at(0, rightPathRemoveDirectory, 1)
	if err != nil {
		return err
	}
	return dir.dir.Rmdir(name)
}

func pathUnlinkFile(c call) error {
	dir, name, err := c.at(0, rightPathUnlinkFile, 1)
	if err != nil {
		return err
	}
	return dir.dir.Unlink(name)
}

func pathFilestatGet(c call) error {
	follows, err := c.lookup()
	if err != nil {
		return err
	}
	dir, name, err := c.at(0, rightPathFilestatGet, 2)
	if err != nil {
		return err
	}
	if dir.isNull(name) {
		return c.putStat(c.u32(4), filestat{device: dir.device, inode: 1, kind: typeCharDevice, links: 1})
	}
	look := dir.dir.Lstat
	if follows {
		look = dir.dir.Stat
	}
	info, err := look(name)
	if err != nil {
		return err
	}
	return c.putStat(c.u32(4), c.p.describe(info, dir.dir, dir.device))
}

func pathFilestatSetTimes(c call) error {
	follows, err := c.lookup()
	if err != nil {
		return err
	}
	access, modify, err := c.times(4)
	if err != nil {
		return err
	}
	dir, name, err := c.at(0, rightPathFilestatSetTimes, 2)
	if err != nil {
		return err
	}
	return dir.dir.Chtimes(name, access, modify, follows)
}

// pathLink makes a hard link. A link to what a symbolic link points to is
// nothing that Linux offers without a race, so it is refused.
func pathLink(c call) error {
	follows, err := c.lookup()
	if err != nil {
		return err
	}
	if follows {
		return errnoInval
	}
	from, old, err := c.at(0, rightPathLinkSource, 2)
	if err != nil {
		return err
	}
	to, name, err := c.at(4, rightPathLinkTarget, 5)
	if err != nil {
		return err
	}
	return from.dir.Link(old, to.dir, name)
}

func pathRename(c call) error {
	from, old, err := c.at(0, rightPathRenameSource, 1)
	if err != nil {
		return err
	}
	to, name, err := c.at(3, rightPathRenameTarget, 4)
	if err != nil {
		return err
	}
	return from.dir.Rename(old, to.dir, name)
}

func pathSymlink(c call) error {
	dir, name, err := c.at(2, rightPathSymlink, 3)
	if err != nil {
		return err
	}
	target, err := c.text(0)
	if err != nil {
		return err
	}
	return dir.dir.Symlink(target, name)
}

// pathReadlink writes as much of a link's target as fits.
func pathReadlink(c call) error {
	dir, name, err := c.at(0, rightPathReadlink, 1)
	if err != nil {
		return err
	}
	target, err := dir.dir.Readlink(name)
	if err != nil {
		return err
	}
	buffer, err := c.bytes(c.u32(3), c.u32(4))
	if err != nil {
		return err
	}
	return c.putU32(c.u32(5), uint32(copy(buffer, target)))
}

// The flags of path_open.
const (
	openCreate uint32 = 1 << iota
	openDirectory
	openExclusive
	openTruncate

	allOpen = openCreate | openDirectory | openExclusive | openTruncate
)

// opening is a call of path_open.
type opening struct {
	dir     *directory
	name    string
	follows bool
	how     uint32 // open…
	parent  rights // of the descriptor of dir
	rights  rights // that the descriptor will have at most
	flags   uint16
}

func pathOpen(c call) error {
	o, err := c.opening()
	if err != nil {
		return err
	}
	if c.p.table.full() {
		return errnoMfile
	}
	d, err := o.open()
	if err != nil {
		return err
	}
	fd, err := c.p.table.add(d)
	if err == nil {
		err = c.putU32(c.u32(8), fd)
		if err != nil {
			c.p.table.open[fd] = nil
		}
	}
	if err != nil {
		_ = d.res.close()
	}
	return err
}

// opening reads the parameters.
func (c call) opening() (*opening, error) {
	parent, dir, err := c.directory(0, rightPathOpen)
	if err != nil {
		return nil, err
	}
	o := &opening{dir: dir, parent: parent.rights, how: c.u32(4), flags: uint16(c.u32(7))}
	if o.follows, err = c.lookup(); err != nil {
		return nil, err
	}
	switch {
	case o.how&^allOpen != 0 || c.u32(7)&^uint32(allFlags) != 0:
		return nil, errnoInval
	case o.how&openDirectory != 0 && o.how != openDirectory:
		return nil, errnoInval
	case o.how&openCreate != 0 && parent.rights.base&rightPathCreateFile == 0:
		return nil, errnoNotcapable
	case o.how&openTruncate != 0 && parent.rights.base&rightPathFilestatSetSize == 0:
		return nil, errnoNotcapable
	}
	o.rights = rights{base: c.u64(5) & parent.rights.inheriting, inheriting: c.u64(6) & parent.rights.inheriting}
	o.name, err = c.text(2)
	return o, err
}

func (o *opening) open() (*descriptor, error) {
	if o.dir.isNull(o.name) && o.how&(openDirectory|openExclusive) == 0 {
		return &descriptor{res: null(), flags: o.flags, rights: rights{base: o.rights.base & streamRights}}, nil
	}
	if o.how&openDirectory != 0 {
		return o.openDir()
	}
	f, err := o.dir.dir.OpenFile(o.name, o.hostFlags(), 0o666)
	if errnoOf(err) == errnoIsdir && o.how == 0 && o.rights.base&rightFdWrite == 0 {
		return o.openDir()
	}
	if err != nil {
		return nil, err
	}
	if host, ok := f.Stream(); ok {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		return &descriptor{
			res:   &stream{host: host, kind: kindOf(info.Mode()), closer: f},
			flags: o.flags, rights: rights{base: o.rights.base & streamRights},
		}, nil
	}
	return &descriptor{
		res:   &file{File: f, dir: o.dir.dir, device: o.dir.device, path: path.Join(o.dir.path, o.name)},
		flags: o.flags, rights: rights{base: o.rights.base & fileRights, inheriting: o.rights.inheriting & fileRights},
	}, nil
}

func (o *opening) openDir() (*descriptor, error) {
	nofollow := 0
	if !o.follows {
		nofollow = unix.O_NOFOLLOW
	}
	dir, err := o.dir.dir.OpenDir(o.name, nofollow)
	if err != nil {
		return nil, err
	}
	base := o.rights.base & dirRights
	if base&rightPathOpen != 0 {
		// Go asks for no such right when it opens a directory, as it could only
		// read otherwise; and then truncates files through it.
		base |= o.parent.base & rightPathFilestatSetSize
	}
	return &descriptor{
		res:   &directory{dir: dir, device: o.dir.device, path: path.Join(o.dir.path, o.name)},
		flags: o.flags, rights: rights{base: base, inheriting: o.rights.inheriting},
	}, nil
}

// hostFlags says how the host is to open the file. Truncating needs it open for
// writing, whatever the guest may do with the descriptor then.
func (o *opening) hostFlags() int {
	reads, writes := o.rights.base&rightFdRead != 0, o.rights.base&rightFdWrite != 0 || o.how&openTruncate != 0
	flags := unix.O_RDONLY
	switch {
	case reads && writes:
		flags = unix.O_RDWR
	case writes:
		flags = unix.O_WRONLY
	}
	for _, f := range []struct {
		set  bool
		host int
	}{
		{o.how&openCreate != 0, unix.O_CREAT},
		{o.how&openExclusive != 0, unix.O_EXCL},
		{o.how&openTruncate != 0, unix.O_TRUNC},
		{!o.follows, unix.O_NOFOLLOW},
		{o.flags&flagAppend != 0, unix.O_APPEND},
		{o.flags&syncFlags != 0, unix.O_SYNC},
	} {
		if f.set {
			flags |= f.host
		}
	}
	return flags
}
