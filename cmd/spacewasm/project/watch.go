package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a project has to be quiet after a change: editors and compilers
// write in several steps.
const settle = 60 * time.Millisecond

// Watcher tells when the files of a project have changed, as seen from when it was
// last asked to look. It is for one goroutine.
type Watcher struct {
	dir  string
	skip func(path string, dir bool) bool // slash-separated, within dir
	on   *fsnotify.Watcher
	seen map[string]state
}

// state is what of a file tells that it has changed.
type state struct {
	size    int64
	changed time.Time
}

// Watch begins to watch the project in a folder, but for what skip names. The caller
// closes it.
func Watch(dir string, skip func(path string, dir bool) bool) (*Watcher, error) {
	on, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, hint(fmt.Errorf("watch %s: %w", dir, err), "too many files may be watched already: raise fs.inotify.max_user_instances")
	}
	w := &Watcher{dir: dir, skip: skip, on: on}
	if w.seen, err = w.look(); err != nil {
		return nil, errors.Join(err, on.Close())
	}
	return w, nil
}

// Close ends the watching.
func (w *Watcher) Close() error { return w.on.Close() }

// look walks over the project, and watches its folders, new ones among them.
func (w *Watcher) look() (map[string]state, error) {
	found := map[string]state{}
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went while we looked
		}
		if err != nil {
			return fmt.Errorf("watch the project: %w", err)
		}
		name, err := filepath.Rel(w.dir, path)
		if err != nil {
			return err
		}
		if name != "." && w.skip(filepath.ToSlash(name), entry.IsDir()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			if err := w.on.Add(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return hint(fmt.Errorf("watch %s: %w", path, err), "too many folders may be watched already: raise fs.inotify.max_user_watches, or name folders in .spaceignore")
			}
			return nil
		}
		if info, err := os.Stat(path); err == nil {
			found[name] = state{info.Size(), info.ModTime()}
		}
		return nil
	})
	return found, err
}

// Next waits for a change and returns the files that have changed, by their paths within
// the project, or the context's error.
func (w *Watcher) Next(ctx context.Context) ([]string, error) {
	quiet := time.NewTimer(settle) // something may have changed since the last look
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case _, ok := <-w.on.Events:
			if !ok {
				return nil, fsnotify.ErrClosed
			}
			quiet.Reset(settle)
		case err := <-w.on.Errors:
			if err != nil && !errors.Is(err, fsnotify.ErrEventOverflow) {
				return nil, fmt.Errorf("watch the project: %w", err)
			}
			quiet.Reset(settle)
		case <-quiet.C:
			changed, err := w.Changed()
			if err != nil || len(changed) > 0 {
				return changed, err
			}
		}
	}
}

// Changed looks, and lists what is not as it was.
func (w *Watcher) Changed() ([]string, error) {
	now, err := w.look()
	if err != nil {
		return nil, err
	}
	var changed []string
	for name, state := range now {
		if w.seen[name] != state {
			changed = append(changed, name)
		}
	}
	for name := range w.seen {
		if _, there := now[name]; !there {
			changed = append(changed, name)
		}
	}
	w.seen = now
	return changed, nil
}
