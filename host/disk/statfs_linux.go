package disk

import "golang.org/x/sys/unix"

func statfs(dir string) (unix.Statfs_t, error) {
	var st unix.Statfs_t
	for {
		if err := unix.Statfs(dir, &st); err != unix.EINTR {
			return st, err
		}
	}
}

// measure counts what this user may fill: a part of some file systems is root's.
func measure(dir string) (space, error) {
	st, err := statfs(dir)
	if err != nil {
		return space{}, err
	}
	return space{total: int64(st.Blocks) * st.Bsize, free: int64(st.Bavail) * st.Bsize}, nil
}

// kind is the magic number of the file system.
func kind(dir string) (uint32, error) {
	st, err := statfs(dir)
	return uint32(st.Type), err
}
