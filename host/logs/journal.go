package logs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// suffix of a segment's file; before it stands the segment's number in decimal.
const suffix = ".ndjson"

// segment is one file of a journal. Numbers only grow, so that a reader knows which files it has read.
type segment struct {
	number uint64
	size   int64
}

// journal is the logs of one app: its segments, of which the last is appended to.
type journal struct {
	root   *os.Root
	app    string
	config *Config

	mu       sync.Mutex
	loaded   bool
	segments []segment // ascending
	next     uint64    // number of the next segment
	file     *os.File  // of the last segment; nil until it is written to
	torn     bool      // file does not end with a line feed
	ended    bool      // removed, or the store is closed
	changed  chan struct{}
}

// The methods below are called with mu held.

// end makes the journal refuse what comes, and wakes those who wait for more.
func (j *journal) end() {
	j.ended = true
	j.closeFile()
	j.broadcast()
}

// broadcast wakes all who wait. A channel exists only while somebody does.
func (j *journal) broadcast() {
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// load lists the segments that an earlier process left.
func (j *journal) load() error {
	if j.loaded {
		return nil
	}
	files, err := fs.ReadDir(j.root.FS(), j.app)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list logs of %s: %w", j.app, err)
	}
	var segments []segment
	for _, f := range files {
		number, err := strconv.ParseUint(strings.TrimSuffix(f.Name(), suffix), 10, 64)
		if err != nil || segmentName(number) != f.Name() || !f.Type().IsRegular() {
			continue // not ours
		}
		info, err := f.Info()
		if err != nil {
			return fmt.Errorf("list logs of %s: %w", j.app, err)
		}
		segments = append(segments, segment{number, info.Size()})
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.number, b.number) })
	j.segments, j.next, j.loaded = segments, 1, true
	if len(segments) > 0 {
		j.next = j.last().number + 1
	}
	return nil
}

// last is the segment that is appended to. There must be one.
func (j *journal) last() *segment { return &j.segments[len(j.segments)-1] }

func segmentName(number uint64) string { return fmt.Sprintf("%08d%s", number, suffix) }

func (j *journal) path(number uint64) string { return path.Join(j.app, segmentName(number)) }

// rotate begins a new segment, and makes room for it.
func (j *journal) rotate() error {
	j.closeFile()
	if err := j.trim(); err != nil {
		return err
	}
	if err := j.root.Mkdir(j.app, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("begin log segment: %w", err)
	}
	file, err := j.root.OpenFile(j.path(j.next), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("begin log segment: %w", err)
	}
	j.file, j.torn = file, false
	j.segments = append(j.segments, segment{number: j.next})
	j.next++
	return nil
}

// trim drops the oldest segments until a full one more fits.
func (j *journal) trim() error {
	var total int64
	for _, s := range j.segments {
		total += s.size
	}
	for len(j.segments) > 0 && total > j.config.MaxBytes-j.config.SegmentBytes {
		total -= j.segments[0].size
		if err := j.dropOldest(); err != nil {
			return err
		}
	}
	return nil
}

// dropOldest deletes the first segment. Who is reading it reads it to its end.
func (j *journal) dropOldest() error {
	if len(j.segments) == 1 {
		j.closeFile()
	}
	err := j.root.Remove(j.path(j.segments[0].number))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("drop log segment: %w", err)
	}
	j.segments = j.segments[1:]
	return nil
}

// reopen opens the last segment of an earlier process for appending. A crash or a full disk may have cut its last line.
func (j *journal) reopen() error {
	file, err := j.root.OpenFile(j.path(j.last().number), os.O_RDWR|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return j.rotate() // somebody else deleted it
	}
	if err != nil {
		return fmt.Errorf("open log segment: %w", err)
	}
	end := []byte{'\n'}
	if size := j.last().size; size > 0 {
		if _, err := file.ReadAt(end, size-1); err != nil {
			return errors.Join(fmt.Errorf("open log segment: %w", err), file.Close())
		}
	}
	j.file, j.torn = file, !bytes.Equal(end, []byte{'\n'})
	return nil
}

func (j *journal) closeFile() {
	if j.file != nil {
		_ = j.file.Close() // nothing is buffered
		j.file = nil
	}
}
