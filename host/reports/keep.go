package reports

import (
	"errors"
	"fmt"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// The methods below are called with mu held.

// keep stores the report of a failure, and makes room for it.
func (s *Store) keep(f *Failure) error {
	if !validName(string(f.App)) || !validName(string(f.ID)) {
		return fmt.Errorf("keep report %q of %q: no names of files", f.ID, f.App)
	}
	r := f.Report()
	h := s.shelf(f.App)
	size, err := h.write(r.ID+suffix, r, s.config.Room)
	if err != nil {
		return err
	}
	h.reports[r.ID] = &filed{r.Summary, size}
	return s.shrink(h)
}

// count writes down how many failures there were like one, or without a report.
func (s *Store) count(t tally) error {
	if at, ok := s.removed[t.app]; (ok && !t.latest.After(at)) || !validName(string(t.app)) {
		return nil
	}
	h := s.shelf(t.app)
	filed := h.reports[t.id]
	if filed == nil { // it is counted only, was dropped, or had no place in the queue
		c := h.counts[t.code]
		c.Code, c.Count, c.Latest = t.code, c.Count+t.count, t.latest.UTC()
		h.counts[t.code] = c
		_, err := h.write(countsName, h.counts, s.config.Room)
		return err
	}
	r, err := h.read(t.id)
	if err != nil {
		return errors.Join(err, h.drop(t.id))
	}
	r.Similar += t.count
	r.Latest = t.latest.UTC()
	size, err := h.write(t.id+suffix, r, s.config.Room)
	if err != nil {
		return err
	}
	filed.Summary, filed.size = r.Summary, size
	return nil
}

// shrink drops reports until an app, and all of them, have no more than they may.
func (s *Store) shrink(h *shelf) error {
	var errs []error
	for size := h.size(); len(h.reports) > s.config.MaxReports || size > s.config.MaxBytes; size = h.size() {
		errs = append(errs, h.drop(h.crowd()))
	}
	var total int64
	for _, h := range s.shelves {
		total += h.size()
	}
	for total > s.config.MaxTotal {
		app, id := s.oldest()
		total -= s.shelves[app].reports[id].size
		errs = append(errs, s.shelves[app].drop(id))
	}
	return errors.Join(errs...)
}

// oldest is the oldest report of all apps, of which there has to be one.
func (s *Store) oldest() (app space.AppName, id string) {
	var at time.Time
	for name, h := range s.shelves {
		for _, r := range h.reports {
			if id == "" || r.At.Before(at) {
				app, id, at = name, r.ID, r.At
			}
		}
	}
	return app, id
}

// prune drops what is old.
func (s *Store) prune() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	oldest := time.Now().Add(-s.config.MaxAge)
	for _, h := range s.shelves {
		for id, r := range h.reports {
			if r.At.Before(oldest) {
				s.tell(h.drop(id))
			}
		}
	}
}
