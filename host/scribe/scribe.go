// Package scribe writes the server's own log behind those who log: a line waits a moment
// for others, and goes to the log with them in one write.
package scribe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// maxWaiting bounds the lines that are to be written, in number.
	maxWaiting = 8192
	// gather is how long a line waits for others.
	gather = 20 * time.Millisecond
)

// Handler hands lines to another handler, a moment later. A warning or an error is written
// at once, with what waits before it, and so is all of it while nobody runs it. What comes
// faster than it can be written is dropped, and the log says how much was. It is safe for
// concurrent use.
type Handler struct {
	inner slog.Handler
	log   *log
}

var _ slog.Handler = (*Handler)(nil)

// log is what a handler has in common with those that are made of it.
type log struct {
	to   io.Writer
	root slog.Handler
	wake chan struct{} // of one place: something waits

	writing sync.Mutex // held while lines are written; taken before mu
	text    bytes.Buffer
	spare   []line // room for lines that wait

	mu      sync.Mutex
	running bool
	waiting []line
	dropped int
}

type line struct {
	handler slog.Handler
	record  slog.Record
}

// New returns a handler that writes to a log what the given handler, which writes to what
// it is given, makes of each line.
func New(to io.Writer, handler func(io.Writer) slog.Handler) *Handler {
	l := &log{to: to, wake: make(chan struct{}, 1)}
	l.root = handler(&l.text)
	return &Handler{inner: l.root, log: l}
}

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle implements [slog.Handler]. It returns the error of a write that it waits for.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	if h.log.put(line{h.inner, r}) && r.Level < slog.LevelWarn {
		return nil
	}
	return h.log.flush()
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{inner: h.inner.WithAttrs(attrs), log: h.log}
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{inner: h.inner.WithGroup(name), log: h.log}
}

// Run writes what waits until ctx ends; what comes later is written at once. It returns
// nil: whom should it tell that there is no log.
func (h *Handler) Run(ctx context.Context) error {
	l := h.log
	l.run(true)
	for {
		select {
		case <-ctx.Done():
			l.run(false)
			_ = l.flush()
			return nil
		case <-l.wake:
		}
		select {
		case <-ctx.Done():
		case <-time.After(gather):
		}
		_ = l.flush()
	}
}

func (l *log) run(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = on
}

// put has a line wait, and tells whether somebody will write it.
func (l *log) put(n line) bool {
	l.mu.Lock()
	running := l.running
	if running && len(l.waiting) >= maxWaiting && n.record.Level < slog.LevelWarn {
		l.dropped++
	} else {
		l.waiting = append(l.waiting, n)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
	return running
}

// take empties the queue. l.writing is held.
func (l *log) take() (waiting []line, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, dropped = l.waiting, l.dropped
	l.waiting, l.dropped, l.spare = l.spare, 0, nil
	return waiting, dropped
}

// reuse takes the room of lines that have been written, unless it is that of a flood.
// l.writing is held.
func (l *log) reuse(waiting []line) {
	clear(waiting)
	if cap(waiting) <= maxWaiting/8 {
		l.spare = waiting[:0]
	}
	l.text.Reset()
}

// flush writes what waits.
func (l *log) flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	waiting, dropped := l.take()
	defer l.reuse(waiting)
	for _, n := range waiting {
		if err := n.handler.Handle(context.Background(), n.record); err != nil {
			return err
		}
	}
	if dropped > 0 {
		r := slog.NewRecord(time.Now(), slog.LevelWarn, "lines of this log are missing: they came faster than they could be written", 0)
		r.AddAttrs(slog.Int("lines", dropped))
		if err := l.root.Handle(context.Background(), r); err != nil {
			return err
		}
	}
	if l.text.Len() == 0 { // another has written it
		return nil
	}
	_, err := l.to.Write(l.text.Bytes())
	return err
}
