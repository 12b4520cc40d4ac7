//go:build unix && !linux

package fs

import (
	iofs "io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// utimeOmit leaves a time as it is. It is no constant of package unix here.
const utimeOmit = -2

// appendTo writes at the end of a file. Where there is no call for that, another
// process may write there as well.
func appendTo(fd int, p []byte) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	return unix.Pwrite(fd, p, st.Size)
}

// list reads entries of a directory from a cookie on: their numbers, in the order of
// their names. It is for development, and reads the whole directory each time.
func list(dir *os.File, dev uint64, cookie int64, size int) ([]Entry, error) {
	files, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	entries := []Entry{{Name: ".", Type: unix.DT_DIR}, {Name: "..", Type: unix.DT_DIR}}
	for _, f := range files {
		e := Entry{Name: f.Name(), Type: typeOf(f.Type())}
		if info, err := f.Info(); err == nil {
			e.ID = ID{dev, Identify(info).ino}
		}
		entries = append(entries, e)
	}
	const record = 32 // of a short name, on average
	first := min(cookie, int64(len(entries)))
	last := min(first+int64(size/record)+1, int64(len(entries)))
	for i := range entries {
		entries[i].Next = int64(i) + 1
	}
	return entries[first:last], nil
}

// typeOf translates a type of Go's.
func typeOf(mode iofs.FileMode) byte {
	switch mode.Type() {
	case 0:
		return unix.DT_REG
	case iofs.ModeDir:
		return unix.DT_DIR
	case iofs.ModeSymlink:
		return unix.DT_LNK
	}
	return unix.DT_UNKNOWN
}

// futimens sets the times of an open file, to microseconds.
func futimens(fd uintptr, atime, mtime time.Time) error {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(int(fd), &st) }); err != nil {
		return err
	}
	both := []unix.Timeval{
		unix.NsecToTimeval(unix.TimespecToNsec(st.Atim)), unix.NsecToTimeval(unix.TimespecToNsec(st.Mtim)),
	}
	for i, t := range []time.Time{atime, mtime} {
		if !t.IsZero() {
			both[i] = unix.NsecToTimeval(t.UnixNano())
		}
	}
	return retry(func() error { return unix.Futimes(int(fd), both) })
}
