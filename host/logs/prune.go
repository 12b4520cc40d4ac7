package logs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// pruneEvery is how much longer than [Config.MaxAge] an entry may stay on disk.
const pruneEvery = 24 * time.Hour

// Run stores what [Store.Note] takes, and deletes segments that hold only old entries, at once and then daily, until ctx
// ends. It returns nil: trouble goes to [Config.OnError], and is tried again the next day.
func (s *Store) Run(ctx context.Context) error {
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() { s.write(ctx) })
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		if err := s.prune(ctx); err != nil {
			s.config.OnError(fmt.Errorf("prune logs: %w", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// prune goes through the apps on disk, not those in memory: an app that has gone quiet has old logs too.
func (s *Store) prune(ctx context.Context) error {
	dirs, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	cutoff := time.Now().Add(-s.config.MaxAge)
	var errs []error
	for _, dir := range dirs {
		if ctx.Err() != nil {
			break
		}
		if !dir.IsDir() {
			continue
		}
		j, err := s.journal(dir.Name())
		if err == nil {
			err = j.prune(cutoff)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (j *journal) prune(cutoff time.Time) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return nil
	}
	if err := j.load(); err != nil {
		return err
	}
	for len(j.segments) > 0 {
		newest, err := j.newest(j.segments[0].number)
		if err != nil || !newest.Before(cutoff) {
			return err
		}
		if err := j.dropOldest(); err != nil {
			return err
		}
	}
	return nil
}

// newest is the time of a segment's newest entry; of one without entries, when it was written; of one that somebody
// else deleted, long ago.
func (j *journal) newest(number uint64) (time.Time, error) {
	file, err := j.root.Open(j.path(number))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	defer file.Close()
	var newest time.Time
	c := &cursor{journal: j, file: file}
	err = c.read(func(e Entry) error {
		if e.Time.After(newest) {
			newest = e.Time
		}
		return nil
	})
	if err != nil || !newest.IsZero() {
		return newest, err
	}
	return modTime(file)
}

func modTime(file *os.File) (time.Time, error) {
	info, err := file.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
