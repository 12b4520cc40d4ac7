package store

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncTree brings everything below dir to the disk. One syncfs is much faster
// than an fsync for each of thousands of files.
func syncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
