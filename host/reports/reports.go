// Package reports keeps why requests to Micros failed: for each a file with the error, the program's stack and last
// words, what it used, and what it was asked, without secrets.
//
// An app has a folder of files. Of the failures that are alike one in a second is kept and the others are counted, so
// that a program that crashes at each request slows nobody and pushes out no other report but its own kind's.
package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Config says where reports are kept and how many of them. Zero numbers mean the values of [DefaultConfig].
type Config struct {
	Dir        string        // made when missing, mode 0700
	MaxAge     time.Duration // older ones go
	MaxReports int           // of an app
	MaxBytes   int64         // of an app's files
	MaxTotal   int64         // of the files of all apps
	// Every is how long failures that are alike share one report.
	Every time.Duration
	// Room tells whether n more bytes may go to the disk. Nil always does.
	Room func(n int64) bool
	// OnError is told of trouble that has no caller to return to. Nil ignores it.
	OnError func(error)
}

// DefaultConfig keeps 14 days, 100 reports or 4 MiB for each app, whichever is least, and 128 MiB for all.
func DefaultConfig(dir string) Config {
	return Config{
		Dir: dir, MaxAge: 14 * 24 * time.Hour, MaxReports: 100, MaxBytes: 4 << 20, MaxTotal: 128 << 20, Every: time.Second,
	}
}

func (c Config) withDefaults() Config {
	d := DefaultConfig(c.Dir)
	c.MaxAge = cmp.Or(c.MaxAge, d.MaxAge)
	c.MaxReports = cmp.Or(c.MaxReports, d.MaxReports)
	c.MaxBytes = cmp.Or(c.MaxBytes, d.MaxBytes)
	c.MaxTotal = cmp.Or(c.MaxTotal, d.MaxTotal)
	c.Every = cmp.Or(c.Every, d.Every)
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	if c.Room == nil {
		c.Room = func(int64) bool { return true }
	}
	return c
}

// ErrNotFound is the error of a report that is not kept, or not any more.
var ErrNotFound = errors.New("there is no such report")

// Store is the reports of all apps. Its methods may be called by several goroutines at once.
type Store struct {
	config Config
	root   *os.Root
	inbox  inbox

	mu      sync.Mutex // over the files, too
	shelves map[space.AppName]*shelf
	removed map[space.AppName]time.Time
	closed  bool
}

// Open opens the reports in c.Dir, and makes that directory when it is missing. It starts nothing: see [Store.Run].
func Open(c Config) (*Store, error) {
	c = c.withDefaults()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open reports: %w", err)
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("open reports: %w", err)
	}
	s := &Store{config: c, root: root, shelves: map[space.AppName]*shelf{}, removed: map[space.AppName]time.Time{}}
	s.inbox = inbox{wake: make(chan struct{}, 1), windows: map[kind]*window{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// List returns an app's reports, the newest first, and what is only counted.
func (s *Store) List(app space.AppName) ([]Summary, []Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shelf, ok := s.shelves[app]
	if !ok {
		return nil, nil
	}
	return shelf.list(time.Now().Add(-s.config.MaxAge)), shelf.counted()
}

// Get returns one report of an app, or [ErrNotFound].
func (s *Store) Get(app space.AppName, id string) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shelf, ok := s.shelves[app]
	if !ok || !shelf.has(id) {
		return Report{}, ErrNotFound
	}
	r, err := shelf.read(id)
	if errors.Is(err, fs.ErrNotExist) { // somebody else deleted it
		return Report{}, ErrNotFound
	}
	return r, err
}

// Remove deletes an app's reports. Those of requests that have begun before are not kept any more: they are not for the
// next app of the name.
func (s *Store) Remove(app space.AppName) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed[app] = time.Now()
	return s.remove(app)
}

func (s *Store) remove(app space.AppName) error {
	delete(s.shelves, app)
	if err := s.root.RemoveAll(string(app)); err != nil {
		return fmt.Errorf("remove the reports of %s: %w", app, err)
	}
	return nil
}

// Sweep removes the reports of the apps that keep does not name: a crash can come between an app's removal and that of
// its reports.
func (s *Store) Sweep(keep map[string]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for app := range s.shelves {
		if !keep[string(app)] {
			errs = append(errs, s.remove(app))
		}
	}
	return errors.Join(errs...)
}

// Close stores what waits. What comes later is dropped. It is idempotent.
func (s *Store) Close() error {
	s.flush(time.Now().Add(s.config.Every)) // all windows are over then
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.root.Close()
}

// validName keeps an app to one folder of its own.
func validName(app string) bool {
	return app != "" && app != "." && app != ".." && !strings.ContainsAny(app, "/\\\x00")
}
