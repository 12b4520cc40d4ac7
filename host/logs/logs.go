// Package logs keeps what Micros write to standard error, with what the platform says about their requests, in segment files.
//
// Each app has two directories, one for what is said and one for the requests that were answered, which are many and
// must not push out what was said. A directory has numbered files, one JSON object to a line. The newest file is appended to; when it is
// full the next one is begun, and the oldest ones go when the app has too many bytes or they hold only old entries. They
// are apart from the registry's database, so that a Micro that logs too much cannot harm a deployment.
//
// Messages are kept as they came, control characters included: whoever prints them to a terminal escapes them.
package logs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says where logs are kept and how much of them. Zero numbers mean the values of [DefaultConfig].
type Config struct {
	Dir           string        // made when missing, mode 0700
	MaxAge        time.Duration // older entries are neither returned nor, within a day, kept
	MaxBytes      int64         // of files, for each app; at least two segments
	MaxTotal      int64         // of the files of all apps: the oldest go; at least MaxBytes
	SegmentBytes  int64         // of one file: what is deleted at once
	MaxLine       int           // bytes of a message; longer ones are cut, with a mark that says so
	MaxPerRequest int64         // bytes that one [Writer] may add to the files
	// OnError is told of trouble that has no caller to return to: once when writing begins to fail, and when pruning
	// fails. It may be called by several goroutines at once. Nil ignores it.
	OnError func(error)
	// Room tells whether n more bytes may go to the disk; if not they are dropped, and OnError is told once. Nil always
	// does.
	Room func(n int64) bool
}

// DefaultConfig keeps 14 days or 16 MiB for each app, whichever is less, and 1 GiB for all, in segments of 1 MiB under
// dir, with lines of at most 8 KiB and at most 1 MiB for a request.
func DefaultConfig(dir string) Config {
	return Config{
		Dir:           dir,
		MaxAge:        14 * 24 * time.Hour,
		MaxBytes:      16 << 20,
		MaxTotal:      1 << 30,
		SegmentBytes:  1 << 20,
		MaxLine:       8 << 10,
		MaxPerRequest: 1 << 20,
	}
}

func (c Config) withDefaults() Config {
	d := DefaultConfig(c.Dir)
	c.MaxAge = cmp.Or(c.MaxAge, d.MaxAge)
	c.MaxBytes = cmp.Or(c.MaxBytes, d.MaxBytes)
	c.MaxTotal = cmp.Or(c.MaxTotal, max(d.MaxTotal, c.MaxBytes))
	c.SegmentBytes = cmp.Or(c.SegmentBytes, d.SegmentBytes)
	c.MaxLine = cmp.Or(c.MaxLine, d.MaxLine)
	c.MaxPerRequest = cmp.Or(c.MaxPerRequest, d.MaxPerRequest)
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c
}

// Both are what [os.ErrClosed] finds: the caller came too late.
var (
	errClosed  = fmt.Errorf("log store: %w", os.ErrClosed)
	errRemoved = fmt.Errorf("logs were removed: %w", os.ErrClosed)
)

// Store is the logs of all apps. Its methods may be called by several goroutines at once.
type Store struct {
	config  Config
	root    *os.Root
	failing atomic.Bool // the last write by a Writer failed

	requests requests // that have been answered, and are not stored yet

	total     atomic.Int64 // bytes of all files, or more
	shrinking sync.Mutex   // held while they are made to fit; taken before a journal's

	mu       sync.Mutex
	journals map[string]*journal  // by folder; those touched since Open
	removed  map[string]time.Time // when an app's logs were removed, by app
	closed   bool
}

// Open opens the logs in c.Dir, and makes that directory when it is missing. It starts nothing: see [Store.Run].
func Open(c Config) (*Store, error) {
	c = c.withDefaults()
	if c.MaxBytes < 2*c.SegmentBytes {
		return nil, fmt.Errorf("open logs: %d bytes for an app cannot hold two segments of %d", c.MaxBytes, c.SegmentBytes)
	}
	if c.MaxTotal < c.MaxBytes {
		return nil, fmt.Errorf("open logs: %d bytes for all apps are less than the %d of one", c.MaxTotal, c.MaxBytes)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open logs: %w", err)
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open logs: %w", err)
	}
	s := &Store{config: c, root: root, journals: map[string]*journal{}, removed: map[string]time.Time{}}
	s.requests.wake = make(chan struct{}, 1)
	_, total, err := s.segments()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open logs: %w", err), root.Close())
	}
	s.total.Store(total)
	return s, nil
}

// Append stores entries, in their order, as the newest of an app. A zero Time becomes the present. After an error the
// first of them may be stored.
func (s *Store) Append(app string, entries ...Entry) error {
	lines := make([][]byte, 0, len(entries))
	for _, e := range entries {
		line, err := e.encode(s.config.MaxLine)
		if err != nil {
			return fmt.Errorf("append to logs of %s: %w", app, err)
		}
		lines = append(lines, line)
	}
	for {
		j, err := s.journal(app)
		if err != nil {
			return err
		}
		err = s.append(j, lines)
		if errors.Is(err, errRemoved) {
			continue // it was removed between the two calls; the next one is new, or the store is closed
		}
		return err
	}
}

// Remove deletes an app's logs, ends those who follow them, and makes its open [Writer]s drop what they get, and
// [Store.Note] the requests that have begun before. A later [Store.Append] starts anew. Logs that do not exist are no
// error.
func (s *Store) Remove(app string) error {
	s.mu.Lock()
	s.removed[app] = time.Now()
	s.mu.Unlock()
	return errors.Join(s.removeFolder(app), s.removeFolder(app+requestsSuffix))
}

func (s *Store) removeFolder(app string) error {
	for {
		j, err := s.journal(app)
		if err != nil {
			return err
		}
		if ended, err := s.remove(j); !ended {
			return err
		}
	}
}

// remove reports true when the journal had ended before: then it is not what the store has under that name now.
func (s *Store) remove(j *journal) (ended bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return true, nil
	}
	j.end()
	defer s.forget(j) // while j is locked: a new journal must not begin in the old directory
	if err := s.root.RemoveAll(j.app); err != nil {
		return false, fmt.Errorf("remove logs of %s: %w", j.app, err)
	}
	return false, nil
}

// Sweep removes the logs of the apps that keep does not name: a crash can come between an app's removal and that of its
// logs, which are not for the next app of the name.
func (s *Store) Sweep(keep map[string]bool) error {
	dirs, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("sweep logs: %w", err)
	}
	var errs []error
	for _, dir := range dirs {
		if app := strings.TrimSuffix(dir.Name(), requestsSuffix); dir.IsDir() && !keep[app] {
			errs = append(errs, s.Remove(app))
		}
	}
	return errors.Join(errs...)
}

// Close ends those who follow and closes the files. What is appended later is refused. Closing again does nothing.
func (s *Store) Close() error {
	s.flush()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	journals := slices.Collect(maps.Values(s.journals))
	s.mu.Unlock() // remove locks a journal first and the store second
	for _, j := range journals {
		j.mu.Lock()
		j.end()
		j.mu.Unlock()
	}
	return s.root.Close()
}

// journal returns the logs of an app, which may have none yet.
func (s *Store) journal(app string) (*journal, error) {
	if !validName(app) {
		return nil, fmt.Errorf("logs of app %q: %w", app, fs.ErrInvalid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	j, ok := s.journals[app]
	if !ok {
		j = &journal{root: s.root, app: app, config: &s.config}
		s.journals[app] = j
	}
	return j, nil
}

// forget makes the next journal of the app a new one.
func (s *Store) forget(j *journal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.journals, j.app)
}

// validName keeps an app to one directory of its own. The root holds back the rest, but would let "." name all apps.
func validName(app string) bool {
	return app != "" && app != "." && app != ".." && !strings.ContainsAny(app, "/\\\x00")
}
