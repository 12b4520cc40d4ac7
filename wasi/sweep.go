package wasi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// KeepSnapshots removes the snapshots of all owners but these. A cache that is a
// symbolic link may be others' too, and is left alone.
func (e *Engine) KeepSnapshots(owners []string) error {
	if e.config.CacheDir == "" || isLink(e.config.CacheDir) {
		return nil
	}
	keep := map[string]bool{}
	for _, owner := range owners {
		keep[ownerDir(owner)] = true
	}
	err := removeBut(e.checked().snapshots(), func(name string) bool { return keep[name] })
	if err != nil {
		return fmt.Errorf("remove snapshots: %w", err)
	}
	return nil
}

// KeepCode removes the machine code of all modules but those with these digests
// (see [Module.Digest]), and all that other versions of the engine have made. What
// is loaded stays loaded. Nothing may be compiled meanwhile. A cache that is a
// symbolic link is left alone.
func (e *Engine) KeepCode(digests []string) error {
	if !e.config.Isolated || isLink(e.config.CacheDir) {
		return nil
	}
	if err := e.checked().keep(digests); err != nil {
		return fmt.Errorf("remove code: %w", err)
	}
	return nil
}

func (c checkedCache) keep(digests []string) error {
	keep := map[string]bool{}
	for _, digest := range digests {
		keep[digest] = true
	}
	c.vetted.keep(keep)
	all, now := filepath.Split(c.codes())
	err := errors.Join(
		removeBut(all, func(version string) bool { return version == now }),
		removeBut(c.codes(), func(digest string) bool { return keep[digest] }),
	)
	before, globbed := filepath.Glob(filepath.Join(c.dir, "wazero-*")) // of versions up to the first
	err = errors.Join(err, globbed)
	for _, old := range append(before, filepath.Join(c.dir, "checked")) {
		err = errors.Join(err, os.RemoveAll(old))
	}
	return err
}

// removeBut removes what is in a folder, but for the names to keep. The folder may be
// missing.
func removeBut(dir string, keep func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if !keep(entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// isLink tells whether a folder is reached by a symbolic link.
func isLink(dir string) bool {
	info, err := os.Lstat(strings.TrimSuffix(dir, "/"))
	return err == nil && info.Mode()&os.ModeSymlink != 0
}
