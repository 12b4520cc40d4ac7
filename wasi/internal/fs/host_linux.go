package fs

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// utimeOmit leaves a time as it is.
const utimeOmit = unix.UTIME_OMIT

// appendTo writes at the end of a file, wherever that is by then. The flag of one
// call is used instead of O_APPEND because with the latter Linux writes at the end
// even when told an offset.
func appendTo(fd int, p []byte) (int, error) {
	return unix.Pwritev2(fd, [][]byte{p}, 0, unix.RWF_APPEND)
}

// direntHeader is the length of a linux_dirent64 before its name.
const direntHeader = 19

// list reads entries of a directory from a cookie on, as many as there are in size
// bytes of the host's records.
func list(dir *os.File, dev uint64, cookie int64, size int) ([]Entry, error) {
	if _, err := dir.Seek(cookie, io.SeekStart); err != nil {
		return nil, err
	}
	records := make([]byte, size)
	n := 0
	err := retry(func() (err error) {
		n, err = unix.Getdents(int(dir.Fd()), records)
		return err
	})
	if err != nil {
		return nil, err
	}
	return parseEntries(records[:n], dev), nil
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

// futimens sets the times of an open file. The system call with a null path is
// not in package unix, its flag AT_EMPTY_PATH needs Linux 5.8, and the way by
// /proc/self/fd needs a mounted /proc.
func futimens(fd uintptr, atime, mtime time.Time) error {
	times, err := timespecs(atime, mtime)
	if err != nil {
		return err
	}
	return retry(func() error {
		_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, fd, 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}
