package store

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// inherit gives everything below made to the owner of dir, if root has made it for
// another: the server that is to run there is that user's.
func inherit(dir, made string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || (owner.Uid == 0 && owner.Gid == 0) {
		return nil
	}
	err = filepath.WalkDir(made, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
	if err == nil {
		// The lock was made for who was here first.
		err = os.Lchown(filepath.Join(dir, "lock"), int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		return fmt.Errorf("give %s to the owner of %s: %w", made, dir, err)
	}
	return nil
}
