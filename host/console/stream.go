package console

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

const (
	// heartbeat is after what silence a line says that the server is still there.
	heartbeat = 15 * time.Second
	// streamTime is how long a page may follow something before it has to ask again, and
	// to show that its session still counts.
	streamTime = 5 * time.Minute
)

// stream is an answer that comes piece by piece. It is safe for concurrent use.
type stream struct {
	out     http.ResponseWriter
	control *http.ResponseController
	media   string
	beat    string // what a heartbeat is

	mu    sync.Mutex
	wrote bool
	timer *time.Timer // nil before the first piece and after the last
}

func newStream(w http.ResponseWriter, media, beat string) *stream {
	return &stream{out: w, control: http.NewResponseController(w), media: media, beat: beat}
}

// json sends a line of JSON.
func (s *stream) json(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		return // of our own types none fails
	}
	_ = s.send(string(text) + "\n")
}

// event sends a server-sent event. JSON has no line breaks of its own.
func (s *stream) event(name, id string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	head := "event: " + name + "\n"
	if id != "" {
		head += "id: " + id + "\n"
	}
	return s.send(head + "data: " + string(text) + "\n\n")
}

// send sends a piece. A browser that has gone is noticed by the request's context.
func (s *stream) send(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wrote {
		s.wrote = true
		s.out.Header().Set("Content-Type", s.media)
		s.out.Header().Set("X-Accel-Buffering", "no") // nginx would keep the pieces
		s.out.WriteHeader(http.StatusOK)
		s.timer = time.AfterFunc(heartbeat, s.live)
	}
	return s.write(text)
}

// write is called with mu held.
func (s *stream) write(text string) error {
	if s.timer != nil {
		s.timer.Reset(heartbeat)
	}
	if _, err := s.out.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

func (s *stream) live() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		_ = s.write(s.beat)
	}
}

func (s *stream) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote
}

// end stops the heartbeat: nothing may be written once the handler has returned.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}

// follow runs what sends events until the browser goes, the server stops, or the time of
// a stream is over: then the browser asks again by itself.
func (c *console) follow(w http.ResponseWriter, r *http.Request, do func(context.Context, *stream)) error {
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		return space.Errorf(space.CodeNodeFull, "too many pages follow something already: close some")
	}
	ctx, end := c.until(r)
	defer end()
	s := newStream(w, "text/event-stream", ": still here\n\n")
	defer s.end()
	if s.send("retry: 2000\n\n") == nil {
		do(ctx, s)
	}
	return nil
}

// cutWhenDraining ends the reading of an upload when the server stops: a drain waits for
// nobody who only sends.
func (c *console) cutWhenDraining(w http.ResponseWriter) (stop func()) {
	var watch sync.WaitGroup
	done := make(chan struct{})
	watch.Go(func() {
		select {
		case <-c.Draining:
			// Writers that know no deadlines are those of tests.
			_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		case <-done:
		}
	})
	return func() { close(done); watch.Wait() }
}
