package fs

import (
	"errors"
	iofs "io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// An Entry is a name in a directory.
type Entry struct {
	Name string
	// Type is the type as far as the host's directory tells it, a value of DT_ in
	// package unix; DT_UNKNOWN is one.
	Type byte
	// ID identifies the file that a link or file is, as [Identify] does, with the
	// device of the directory.
	ID ID
	// Next is the cookie of the entry after this one.
	Next int64
}

// ReadDir returns entries of the directory from a cookie on, in the order of
// the host: 0 for the first, and then [Entry.Next]; none at the end. The entries
// "." and ".." are among them. It reads about size bytes of the host's own
// records, so that a guest that asks for little makes little work.
//
// Nothing stays open between two calls: a guest may come back with any cookie.
func (d *Dir) ReadDir(cookie int64, size int) ([]Entry, error) {
	entries, err := d.readDir(cookie, size)
	return entries, fault("readdir", d.name, err)
}

func (d *Dir) readDir(cookie int64, size int) (entries []Entry, err error) {
	const least, most = 512, 64 << 10 // one record has at most 280 bytes
	if cookie < 0 {
		return nil, syscall.EINVAL
	}
	root, err := d.root()
	if err != nil {
		return nil, err
	}
	if err := d.tree.shared.reserve(); err != nil {
		return nil, err
	}
	defer d.tree.shared.release()
	dir, err := root.OpenFile(".", unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	info, err := dir.Stat()
	if err != nil {
		return nil, err
	}
	entries, err = list(dir, Identify(info).dev, cookie, min(max(size, least), most))
	if errors.Is(err, syscall.ENOENT) {
		return nil, nil // it has been removed, and so is empty
	}
	return entries, err
}

// Identify returns what the host knows the file by that info describes, which a
// [Dir] or [File] returned.
func Identify(info iofs.FileInfo) ID {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}
	}
	return newID(st.Dev, st.Ino)
}
