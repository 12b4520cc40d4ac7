package fs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
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

// direntHeader is the length of a linux_dirent64 before its name.
const direntHeader = 19

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
	if _, err := dir.Seek(cookie, io.SeekStart); err != nil {
		return nil, err
	}
	records := make([]byte, min(max(size, least), most))
	n := 0
	err = retry(func() (err error) {
		n, err = unix.Getdents(int(dir.Fd()), records)
		return err
	})
	if errors.Is(err, syscall.ENOENT) {
		return nil, nil // it has been removed, and so is empty
	}
	if err != nil {
		return nil, err
	}
	return parseEntries(records[:n], Identify(info).dev), nil
}

// parseEntries reads linux_dirent64 records (getdents64(2)), in the byte order
// of the machine.
func parseEntries(records []byte, dev uint64) []Entry {
	var entries []Entry
	for len(records) >= direntHeader {
		size := int(binary.NativeEndian.Uint16(records[16:]))
		if size < direntHeader || size > len(records) {
			break
		}
		name, _, _ := bytes.Cut(records[direntHeader:size], []byte{0})
		entries = append(entries, Entry{
			Name: string(name),
			Type: records[18],
			ID:   ID{dev, binary.NativeEndian.Uint64(records)},
			Next: int64(binary.NativeEndian.Uint64(records[8:])),
		})
		records = records[size:]
	}
	return entries
}

// Identify returns what the host knows the file by that info describes, which a
// [Dir] or [File] returned.
func Identify(info iofs.FileInfo) ID {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ID{}
	}
	return ID{st.Dev, st.Ino}
}
