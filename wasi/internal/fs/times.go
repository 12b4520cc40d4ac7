package fs

import (
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// isDots reports whether the last element of name is "." or "..".
func isDots(name string) bool {
	_, base := path.Split(name)
	return base == "." || base == ".."
}

// chtimes sets the times of the entry itself.
func (e entry) chtimes(atime, mtime time.Time) error {
	times, err := timespecs(atime, mtime)
	if err != nil {
		return err
	}
	return retry(func() error {
		return unix.UtimesNanoAt(e.fd(), e.base, times[:], unix.AT_SYMLINK_NOFOLLOW)
	})
}

// timespecs translates both times for utimensat. The zero Time means to leave
// that time as it is.
func timespecs(atime, mtime time.Time) (both [2]unix.Timespec, err error) {
	for i, t := range [2]time.Time{atime, mtime} {
		if t.IsZero() {
			both[i].Nsec = utimeOmit
		} else if both[i], err = unix.TimeToTimespec(t); err != nil {
			return both, err
		}
	}
	return both, nil
}
