package logs

import (
	"context"
	"iter"
)

// merger reads several journals as one, by time.
type merger struct {
	follow  bool
	streams []*stream
}

// stream is one of them, with the entry that it has read ahead.
type stream struct {
	cursor *cursor
	next   func() (item, error, bool)
	stop   func()

	head    item
	has     bool            // head is an entry
	changed <-chan struct{} // there is nothing more until it is closed; nil is not known
	ended   bool
}

func (m *merger) add(j *journal, fits func(Entry) bool) {
	s := &stream{cursor: &cursor{journal: j}}
	s.next, s.stop = iter.Pull2(s.cursor.items(m.follow, fits))
	m.streams = append(m.streams, s)
}

func (m *merger) close() {
	for _, s := range m.streams {
		s.stop()
		s.cursor.close()
	}
}

// run calls emit with the entries of all streams, and caughtUp whenever there are no more for now.
func (m *merger) run(ctx context.Context, emit func(Entry) error, caughtUp func() error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		first, err := m.first()
		if err != nil {
			return err
		}
		if first != nil {
			first.has = false
			if err := emit(first.head.entry); err != nil {
				return err
			}
			continue
		}
		if m.ended() {
			return nil
		}
		if err := caughtUp(); err != nil {
			return err
		}
		if err := m.wait(ctx); err != nil {
			return err
		}
	}
}

// first is the stream with the oldest entry, nil if none has one now.
func (m *merger) first() (*stream, error) {
	var first *stream
	for _, s := range m.streams {
		if err := s.fill(); err != nil {
			return nil, err
		}
		if s.has && (first == nil || s.head.entry.Time.Before(first.head.entry.Time)) {
			first = s
		}
	}
	return first, nil
}

// fill reads ahead, unless there is nothing to read.
func (s *stream) fill() error {
	if s.has || s.ended || s.changed != nil {
		return nil
	}
	next, err, ok := s.next()
	if err != nil {
		return err
	}
	s.head, s.ended, s.changed = next, !ok, next.changed
	s.has = ok && next.changed == nil
	return nil
}

func (m *merger) ended() bool {
	for _, s := range m.streams {
		if !s.ended {
			return false
		}
	}
	return true
}

// wait waits until one of the streams has more; there are two at most.
func (m *merger) wait(ctx context.Context) error {
	var changed [2]<-chan struct{} // nil is never ready
	for i, s := range m.streams {
		changed[i] = s.changed
	}
	select {
	case <-changed[0]:
		m.streams[0].changed = nil
	case <-changed[1]:
		m.streams[1].changed = nil
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// tail passes entries on, but of those there are at first the newest only.
type tail struct {
	most int // 0 is all
	fn   func(Entry) error
	held []Entry
	live bool
}

func (t *tail) take(e Entry) error {
	if t.live || t.most == 0 {
		return t.fn(e)
	}
	if len(t.held) >= 2*t.most { // so that moving them costs little
		t.held = append(t.held[:0], t.held[len(t.held)-t.most:]...)
	}
	t.held = append(t.held, e)
	return nil
}

// caughtUp passes on what is held.
func (t *tail) caughtUp() error {
	t.live = true
	held := t.held[max(0, len(t.held)-t.most):]
	t.held = nil
	for _, e := range held {
		if err := t.fn(e); err != nil {
			return err
		}
	}
	return nil
}
