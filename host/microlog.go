package host

import (
	"io"
	"log/slog"
	"strings"

	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
)

// microLog writes one Micro's words into the app's log.
type microLog struct {
	store      *logs.Store
	app, micro string
	logger     *slog.Logger
}

var _ runner.Log = microLog{}

// Stderr implements [runner.Log].
func (l microLog) Stderr(id space.RequestID) io.WriteCloser {
	return l.store.Writer(l.app, l.micro, string(id))
}

// Fault implements [runner.Log].
func (l microLog) Fault(id space.RequestID, e *space.Error) {
	entry := logs.Entry{
		Micro: l.micro, Request: string(id), Source: logs.SourcePlatform, Code: string(e.Code),
		Message: strings.TrimSpace(e.Message + "\n" + e.Detail),
	}
	if err := l.store.Append(l.app, entry); err != nil {
		l.logger.Error("cannot keep a Micro's log", "app", l.app, "error", err)
	}
}
