package logs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

var errNoRoom = errors.New("the disk is nearly full: the Micros' words are dropped until there is room")

// append stores encoded lines of an app, unless the disk has no room for them, and
// then makes the logs of all apps fit again.
func (s *Store) append(j *journal, lines [][]byte) error {
	var size int64
	for _, line := range lines {
		size += int64(len(line))
	}
	if s.config.Room != nil && !s.config.Room(size) {
		return errNoRoom
	}
	if err := j.append(lines); err != nil {
		return err
	}
	if s.total.Add(size) > s.config.MaxTotal {
		return s.shrink()
	}
	return nil
}

// Bytes is how much the logs of all apps have on the disk.
func (s *Store) Bytes() (int64, error) {
	_, total, err := s.segments()
	return total, err
}

// aged is a segment with what its place in the order is made of.
type aged struct {
	journal *journal
	segment
	at time.Time // when it was written to last
}

// shrink drops the oldest segments of all apps until a sixteenth of what they may
// have is free, so that it is not needed with each line, and counts anew: what
// other ways of dropping took is not kept book of.
func (s *Store) shrink() error {
	s.shrinking.Lock()
	defer s.shrinking.Unlock()
	if s.total.Load() <= s.config.MaxTotal {
		return nil // another has just done it
	}
	segments, total, err := s.segments()
	if err != nil {
		return err
	}
	slices.SortFunc(segments, func(a, b aged) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.number, b.number)) })
	var errs []error
	for _, old := range segments {
		if total <= s.config.MaxTotal-s.config.MaxTotal/16 {
			break
		}
		dropped, err := old.journal.drop(old.number)
		errs = append(errs, err)
		if dropped {
			total -= old.size
		}
	}
	s.total.Store(total)
	return errors.Join(errs...)
}

// segments lists the segments of all apps, and sums up their bytes.
func (s *Store) segments() (all []aged, total int64, err error) {
	dirs, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil, 0, fmt.Errorf("list logs: %w", err)
	}
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		j, err := s.journal(dir.Name())
		if err != nil {
			return nil, 0, err
		}
		own, err := j.aged()
		if err != nil {
			return nil, 0, err
		}
		for _, a := range own {
			total += a.size
		}
		all = append(all, own...)
	}
	return all, total, nil
}

func (j *journal) aged() ([]aged, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return nil, nil
	}
	if err := j.load(); err != nil {
		return nil, err
	}
	var all []aged
	for _, s := range j.segments {
		info, err := j.root.Stat(j.path(s.number))
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody else deleted it
		}
		if err != nil {
			return nil, fmt.Errorf("list logs of %s: %w", j.app, err)
		}
		all = append(all, aged{journal: j, segment: s, at: info.ModTime()})
	}
	return all, nil
}

// drop deletes the segment with the number, if it is the journal's oldest.
func (j *journal) drop(number uint64) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended || len(j.segments) == 0 || j.segments[0].number != number {
		return false, nil
	}
	err := j.dropOldest()
	return err == nil, err
}
