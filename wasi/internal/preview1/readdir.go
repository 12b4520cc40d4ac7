package preview1

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// direntSize is the length of an entry without its name.
const direntSize = 24

// fdReaddir fills a buffer with entries from a cookie on; the last may be cut
// off. A buffer that is not filled says that there are no more.
func fdReaddir(c call) error {
	_, dir, err := c.directory(0, rightFdReaddir)
	if err != nil {
		return err
	}
	buffer, err := c.bytes(c.u32(1), c.u32(2))
	if err != nil {
		return err
	}
	cookie, left := c.i64(3), buffer
	for len(left) > 0 {
		c.alive()
		entries, err := dir.dir.ReadDir(cookie, len(left))
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			left = left[copy(left, c.p.dirent(e)):]
			cookie = e.Next
		}
	}
	return c.putU32(c.u32(4), uint32(len(buffer)-len(left)))
}

// dirent encodes an entry.
func (p *Process) dirent(e fs.Entry) []byte {
	b := make([]byte, direntSize, direntSize+len(e.Name))
	binary.LittleEndian.PutUint64(b, uint64(e.Next))
	binary.LittleEndian.PutUint64(b[8:], p.inode(e.ID))
	binary.LittleEndian.PutUint32(b[16:], uint32(len(e.Name)))
	b[20] = entryKind(e.Type)
	return append(b, e.Name...)
}

func entryKind(t byte) byte {
	switch t {
	case unix.DT_REG:
		return typeRegular
	case unix.DT_DIR:
		return typeDirectory
	case unix.DT_LNK:
		return typeSymlink
	case unix.DT_CHR:
		return typeCharDevice
	case unix.DT_BLK:
		return typeBlockDevice
	case unix.DT_SOCK:
		return typeSocket
	}
	return typeUnknown
}
