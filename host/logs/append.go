package logs

import (
	"bytes"
	"fmt"
)

// append stores encoded lines, in as few writes as the segments allow. After an error some of them may be stored.
func (j *journal) append(lines [][]byte) error {
	if len(lines) == 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return errRemoved
	}
	if err := j.load(); err != nil {
		return err
	}
	defer j.broadcast()
	for len(lines) > 0 {
		n := j.fitting(lines)
		if n == 0 {
			if err := j.rotate(); err != nil {
				return err
			}
			continue
		}
		if err := j.write(lines[:n]); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// fitting is how many of the lines the last segment takes. An empty one takes any line.
func (j *journal) fitting(lines [][]byte) int {
	if len(j.segments) == 0 {
		return 0
	}
	size := j.last().size
	for i, line := range lines {
		if size > 0 && size+int64(len(line)) > j.config.SegmentBytes {
			return i
		}
		size += int64(len(line))
	}
	return len(lines)
}

// write appends to the last segment. What a failed write leaves is never taken back, because readers may have seen the
// whole lines of it; the rest is closed with a line feed by the next write, and skipped by readers.
func (j *journal) write(lines [][]byte) error {
	if j.file == nil {
		if err := j.reopen(); err != nil {
			return err
		}
	}
	data := bytes.Join(lines, nil)
	if j.torn {
		data = append([]byte{'\n'}, data...)
	}
	n, err := j.file.Write(data)
	j.last().size += int64(n)
	if err != nil {
		j.torn = j.torn || n > 0
		return fmt.Errorf("append to log segment: %w", err)
	}
	j.torn = false
	return nil
}
