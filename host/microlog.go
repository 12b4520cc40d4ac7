package host

import (
	"strings"

	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
)

// microLog writes one Micro's words into the app's log.
type microLog struct {
	store      *logs.Store
	app, micro string
}

var _ runner.Log = microLog{}

// Open implements [runner.Log].
func (l microLog) Open(id space.RequestID) runner.RequestLog {
	return requestLog{l.store.Writer(l.app, l.micro, string(id))}
}

type requestLog struct{ *logs.Writer }

// Fault implements [runner.RequestLog].
func (l requestLog) Fault(e *space.Error) {
	l.Platform(string(e.Code), strings.TrimSpace(e.Message+"\n"+e.Detail))
	e.Words = l.Tail() // for the report
}
