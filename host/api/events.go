package api

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// heartbeat is after what silence a line says that the server is still there: many
// proxies end a connection that is silent for a minute, some sooner.
const heartbeat = 5 * time.Second

// eventStream answers a push line by line, from its first event on: until then the
// answer may still become a plain refusal. It is safe for concurrent use.
type eventStream struct {
	out     http.ResponseWriter
	control *http.ResponseController

	mu    sync.Mutex
	begun bool
	beat  *time.Timer // nil before the first line and after the last
}

func newEventStream(out http.ResponseWriter) *eventStream {
	return &eventStream{out: out, control: http.NewResponseController(out)}
}

// send writes an event. A client that has gone hears nothing: its push ends by the
// request's context.
func (s *eventStream) send(e wire.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.begun = true
		s.out.Header().Set("Content-Type", "application/x-ndjson")
		s.out.Header().Set("Cache-Control", "no-store")
		s.out.Header().Set("X-Accel-Buffering", "no") // nginx would keep the lines
		s.out.WriteHeader(http.StatusOK)
		s.beat = time.AfterFunc(heartbeat, s.live)
	}
	s.write(e)
}

// live writes a heartbeat.
func (s *eventStream) live() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat != nil {
		s.write(wire.Event{Event: wire.EventHeartbeat})
	}
}

// write writes a line, and has the next heartbeat come a while after it. mu is held.
func (s *eventStream) write(e wire.Event) {
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e)
	_ = s.control.Flush()
	if s.beat != nil {
		s.beat.Reset(heartbeat)
	}
}

// streams tells whether anything has been written.
func (s *eventStream) streams() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// end stops the heartbeat: nothing is written from here on but by send.
func (s *eventStream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat != nil {
		s.beat.Stop()
		s.beat = nil
	}
}

// wantsEvents tells whether a client prefers the events to the document at the end:
// it names them first. One that only lists what it knows gets the document.
func wantsEvents(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	kind, _, err := mime.ParseMediaType(first)
	return err == nil && kind == "application/x-ndjson"
}
