package wasi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// EmptyTmp makes the host's folder for the executions' /tmp, where it is missing,
// and removes what executions have left in it that a crash has ended, however
// deep. The folder itself stays, as it may be a link or a mount of its own.
// Nothing may run in it.
func EmptyTmp(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("empty %s: %w", dir, err)
	}
	var errs []error
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			errs = append(errs, fs.RemoveTree(path))
		} else {
			errs = append(errs, os.Remove(path))
		}
	}
	return errors.Join(errs...)
}
