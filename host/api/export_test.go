package api

import (
	"net/http"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// EventStream is what a push answers with.
type EventStream struct{ *eventStream }

func NewEventStream(w http.ResponseWriter) EventStream { return EventStream{newEventStream(w)} }
func (s EventStream) Send(e wire.Event)                { s.send(e) }
func (s EventStream) End()                             { s.end() }
func (s EventStream) Streams() bool                    { return s.streams() }
