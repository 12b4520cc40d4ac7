package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/space"
)

// screen is a terminal that several write lines to.
type screen struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *screen) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// print writes a line, of which nothing moves the cursor.
func (l *screen) print(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, escape(fmt.Sprintf(format, args...)))
}

// follow shows what the Micros have written since the start, and go on to write.
func (d *developing) follow(ctx context.Context) {
	err := d.api.Logs(ctx, d.name, client.Query{Follow: true, Since: d.began}, func(e logs.Entry) error {
		for line := range strings.Lines(e.Message) {
			d.out.print("%s | %s", cell(e.Micro), strings.TrimRight(line, "\r\n"))
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		d.out.print("the log cannot be followed any more: %v", err)
	}
}

// devLogger shows of a server's log what its developer wants to see: the requests to
// the app, a line each, and what is wrong.
func devLogger(out *screen, app space.AppName) *slog.Logger {
	return slog.New(&devHandler{out: out, host: string(app) + "."})
}

// devHandler implements [slog.Handler].
type devHandler struct {
	out   *screen
	host  string // how the app's host begins
	attrs []slog.Attr
}

var _ slog.Handler = (*devHandler)(nil)

// Enabled implements [slog.Handler].
func (h *devHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle implements [slog.Handler].
func (h *devHandler) Handle(_ context.Context, r slog.Record) error {
	told := map[string]slog.Value{}
	for _, a := range h.attrs {
		told[a.Key] = a.Value
	}
	r.Attrs(func(a slog.Attr) bool {
		told[a.Key] = a.Value
		return true
	})
	switch {
	case r.Message == "request":
		if !strings.HasPrefix(told["host"].String(), h.host) {
			return nil // one of our own, to the platform
		}
		took, _ := told["took"].Any().(time.Duration)
		line := fmt.Sprintf("%s %s %s %s", told["status"], told["method"], told["path"], took.Round(100*time.Microsecond))
		if code, ok := told["code"]; ok {
			line += " " + code.String()
		}
		h.out.print("%s", line)
	case r.Level >= slog.LevelWarn:
		line := r.Message
		if err, ok := told["error"]; ok {
			line += ": " + err.String()
		}
		h.out.print("server: %s", line)
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *devHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &devHandler{out: h.out, host: h.host, attrs: append(append([]slog.Attr{}, h.attrs...), attrs...)}
}

// WithGroup implements [slog.Handler]; the server's log has none.
func (h *devHandler) WithGroup(string) slog.Handler { return h }
