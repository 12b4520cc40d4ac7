// Package scribe writes the server's own log behind those who log: a line waits a moment
// for others, and goes to the log with them in one write.
package scribe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/spacewasm/spacewasm/host/behind"
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
	to      io.Writer
	root    slog.Handler
	lines   *behind.Queue[line]
	dropped atomic.Int64
	text    bytes.Buffer // of the lines that are being written
}

type line struct {
	handler slog.Handler
	record  slog.Record
}

// New returns a handler that writes to a log what the given handler, which writes to what
// it is given, makes of each line.
func New(to io.Writer, handler func(io.Writer) slog.Handler) *Handler {
	l := &log{to: to}
	l.root, l.lines = handler(&l.text), behind.New(gather, l.write)
	return &Handler{inner: l.root, log: l}
}

// Enabled implements [slog.Handler].
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// Handle implements [slog.Handler]. It returns the error of a write that it waits for.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	urgent, most := r.Level >= slog.LevelWarn, maxWaiting
	if urgent {
		most = math.MaxInt
	}
	room, running := h.log.lines.Put(line{h.inner, r}, most)
	if !room {
		h.log.dropped.Add(1)
	}
	if running && !urgent {
		return nil
	}
	return h.log.lines.Flush()
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
func (h *Handler) Run(ctx context.Context) error { return h.log.lines.Run(ctx) }

// write writes lines, and how many there were no room for.
func (l *log) write(lines []line) error {
	defer l.text.Reset()
	for _, n := range lines {
		if err := n.handler.Handle(context.Background(), n.record); err != nil {
			return err
		}
	}
	if dropped := l.dropped.Swap(0); dropped > 0 {
		r := slog.NewRecord(time.Now(), slog.LevelWarn, "lines of this log are missing: they came faster than they could be written", 0)
		r.AddAttrs(slog.Int64("lines", dropped))
		if err := l.root.Handle(context.Background(), r); err != nil {
			return err
		}
	}
	_, err := l.to.Write(l.text.Bytes())
	return err
}
