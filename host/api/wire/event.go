package wire

import (
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/space"
)

// What an [Event] is of.
const (
	EventReceived  = "received"  // the upload has come as a whole
	EventCompile   = "compile"   // a Micro's module is compiled
	EventDatabases = "databases" // a Micro's SQLite files are checked
	EventSnapshot  = "snapshot"  // a Micro's snapshot is taken
	EventActivate  = "activate"  // the revision is made the one that answers
	EventHeartbeat = "heartbeat" // nothing has happened for a while
	EventDone      = "done"      // the last, with the app
	EventError     = "error"     // the last, with the problem
)

// The states of what has a beginning and an end.
const (
	StateBegin = "begin"
	StateDone  = "done"
)

// Event is a line of the answer of a push to a client that accepts
// application/x-ndjson before all else.
type Event struct {
	Event string `json:"event"`
	Micro string `json:"micro,omitempty"`
	State string `json:"state,omitempty"`
	// MS is how long it took, in milliseconds.
	MS float64 `json:"ms,omitempty"`
	// Bytes are those of the files that were received, or of a snapshot.
	Bytes int64 `json:"bytes,omitempty"`
	// Reason says why there is no snapshot.
	Reason  string         `json:"reason,omitempty"`
	App     *App           `json:"app,omitempty"`
	Problem *space.Problem `json:"problem,omitempty"`
}

// EventOf words a step of a push for its client.
func EventOf(e deploy.Event) Event {
	event := Event{Event: string(e.Stage), Micro: e.Micro, Bytes: e.Bytes, Reason: e.Reason}
	switch {
	case e.Micro == "":
	case e.Done:
		event.State, event.MS = StateDone, float64(e.Took.Microseconds())/1000
	default:
		event.State = StateBegin
	}
	return event
}
