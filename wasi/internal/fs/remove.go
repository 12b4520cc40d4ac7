package fs

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// RemoveTree removes the directory at the host's path with everything below
// it. Links are removed, not followed. That there is no such directory is no
// error.
//
// [os.RemoveAll] holds a descriptor for each level, and fails where a tree is
// deeper than descriptors are left; RemoveTree needs two, whatever the depth.
// Nothing may move directories of the tree meanwhile.
func RemoveTree(path string) error {
	top, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := empty(top); err != nil {
		return fmt.Errorf("empty %s: %w", path, err)
	}
	return os.Remove(path)
}

// A level is one step on the way down: the name of the directory, and who its
// parent is, to be sure of coming back to it.
type level struct {
	name   string
	parent ID
}

// empty removes everything in dir, and closes it. It walks down into the first
// directory that still holds something, and up again when that is empty.
func empty(dir *os.File) error {
	defer func() { _ = dir.Close() }()
	var way []level
	for {
		name, err := sweep(dir)
		switch {
		case err != nil:
			return err
		case name != "":
			here, err := identify(dir)
			if err != nil {
				return err
			}
			if dir, err = step(dir, name); err != nil {
				return err
			}
			way = append(way, level{name: name, parent: here})
		case len(way) == 0:
			return nil
		default:
			if dir, err = climb(dir, way[len(way)-1]); err != nil {
				return err
			}
			way = way[:len(way)-1]
		}
	}
}

// climb leaves dir, which is empty, for its parent and removes it there.
func climb(dir *os.File, from level) (*os.File, error) {
	up, err := step(dir, "..")
	if err != nil {
		return up, err
	}
	if here, err := identify(up); err != nil || here != from.parent {
		return up, errors.Join(err, errors.New("a directory was moved while it was removed"))
	}
	return up, entry{dir: up, base: from.name}.unlink(unix.AT_REMOVEDIR)
}

// sweep removes what dir holds until it meets a directory that is not empty,
// whose name it returns, or until nothing is left.
func sweep(dir *os.File) (name string, err error) {
	const batch = 256
	for {
		// From the start again: what was there is gone.
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		names, err := dir.Readdirnames(batch)
		if err == io.EOF {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for _, name := range names {
			full, err := remove(entry{dir: dir, base: name})
			if err != nil || full {
				return name, err
			}
		}
	}
}

// remove removes a file or an empty directory; full says that it is a
// directory and not empty.
func remove(e entry) (full bool, err error) {
	err = e.unlink(0)
	if !errors.Is(err, syscall.EISDIR) {
		return false, err
	}
	err = e.unlink(unix.AT_REMOVEDIR)
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		return true, nil
	}
	return false, err
}

// step opens the directory called name in dir, and closes dir. If it fails, it
// returns dir, still open.
func step(dir *os.File, name string) (*os.File, error) {
	const flags = unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(int(dir.Fd()), name, flags, 0)
		return err
	})
	if err != nil {
		return dir, err
	}
	_ = dir.Close()
	return os.NewFile(uintptr(fd), name), nil
}

func identify(dir *os.File) (ID, error) {
	st, err := entry{dir: dir}.fstat()
	return idOf(st), err
}
