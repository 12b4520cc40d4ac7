package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"time"
)

// Read calls fn with the entries of an app that match q, oldest first, one after the other. Entries older than
// [Config.MaxAge] are left out, as are damaged lines. An app without logs has no entries.
//
// With q.Follow it reads on as entries are appended, without polling. A reader may fall behind by what the files hold;
// what is pruned before it gets there is lost to it. It returns nil when the logs are removed or the store is closed
// meanwhile, the error of ctx when that ends, and fn's error when fn returns one.
func (s *Store) Read(ctx context.Context, app string, q Query, fn func(Entry) error) error {
	q = q.settled()
	m := merger{follow: q.Follow}
	defer m.close()
	for _, folder := range q.folders(app) {
		j, err := s.journal(folder)
		if err != nil {
			return err
		}
		m.add(j, func(e Entry) bool {
			return q.matches(e) && !e.Time.Before(time.Now().Add(-s.config.MaxAge))
		})
	}
	out := tail{most: q.Last, fn: fn}
	err := m.run(ctx, out.take, out.caughtUp)
	if err == nil {
		err = out.caughtUp()
	}
	return err
}

// cursor is a reader's place in a journal.
type cursor struct {
	journal *journal
	number  uint64   // of the segment being read; 0 before the first
	file    *os.File // its file, the reader's own; nil before the first
	offset  int64    // behind the last whole line that was read
	buffer  *bufio.Reader
}

// items yields the entries that fit, segment after segment, and a channel instead where there is nothing more to read
// until that is closed. What there is to read is asked before reading to the end of a file, never after: an append that
// the reader missed then shows as a later segment or as a closed channel.
func (c *cursor) items(follow bool, fits func(Entry) bool) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		if err := c.run(follow, fits, func(i item) bool { return yield(i, nil) }); err != nil && !errors.Is(err, errEnough) {
			yield(item{}, err)
		}
	}
}

// errEnough says that nobody wants more.
var errEnough = errors.New("enough was read")

// item is an entry, or what to wait for until there are more.
type item struct {
	entry   Entry
	changed <-chan struct{}
}

func (c *cursor) run(follow bool, fits func(Entry) bool, yield func(item) bool) error {
	until := uint64(math.MaxUint64)
	emit := func(e Entry) error {
		if fits(e) && !yield(item{entry: e}) {
			return errEnough
		}
		return nil
	}
	for {
		now, err := c.journal.watch()
		if err != nil {
			return err
		}
		if !follow { // must not run after those who append
			until = min(until, now.last)
		}
		if err := c.read(emit); err != nil {
			return err
		}
		switch {
		case c.number < min(until, now.last):
			if err := c.advance(); err != nil {
				return err
			}
		case now.ended || !follow:
			return nil
		case !yield(item{changed: now.changed}):
			return errEnough
		}
	}
}

// read calls emit with the whole lines up to the present end of the file.
func (c *cursor) read(emit func(Entry) error) error {
	if c.file == nil {
		return nil
	}
	rest := io.NewSectionReader(c.file, c.offset, math.MaxInt64-c.offset)
	if c.buffer == nil {
		c.buffer = bufio.NewReader(nil)
	}
	c.buffer.Reset(rest)
	for {
		line, err := c.buffer.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // the rest of a line is read again when it is whole
		}
		if err != nil {
			return fmt.Errorf("read logs of %s: %w", c.journal.app, err)
		}
		c.offset += int64(len(line))
		if e, ok := decode(line); ok {
			if err := emit(e); err != nil {
				return err
			}
		}
	}
}

// advance goes to the beginning of the next segment that still exists.
func (c *cursor) advance() error {
	file, number, err := c.journal.openAfter(c.number)
	if err != nil {
		return fmt.Errorf("read logs of %s: %w", c.journal.app, err)
	}
	c.close()
	c.file, c.number, c.offset = file, number, 0
	return nil
}

func (c *cursor) close() {
	if c.file != nil {
		_ = c.file.Close() // was only read
		c.file = nil
	}
}

// watched is a journal's state at one moment.
type watched struct {
	last    uint64          // number of the last segment; 0 when there is none
	changed <-chan struct{} // closed at the first change after that moment
	ended   bool
}

func (j *journal) watch() (watched, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return watched{ended: true}, nil
	}
	if err := j.load(); err != nil {
		return watched{}, err
	}
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	now := watched{changed: j.changed}
	if len(j.segments) > 0 {
		now.last = j.last().number
	}
	return now, nil
}

// openAfter opens the first segment with a larger number, or returns nil and the number of the last when there is none.
// The lock keeps it from being pruned between the two.
func (j *journal) openAfter(number uint64) (*os.File, uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		if s.number <= number || j.ended {
			continue
		}
		number = s.number
		file, err := j.root.Open(j.path(number))
		if !errors.Is(err, fs.ErrNotExist) { // somebody else may have deleted it
			return file, number, err
		}
	}
	return nil, number, nil
}
