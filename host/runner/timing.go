package runner

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// timed returns a writer that says where the time of a request went, if whoever asks
// may know (W3C Server Timing); else w.
func (m *Micro) timed(w http.ResponseWriter, r *http.Request, box *sandbox, visit space.Visit) http.ResponseWriter {
	if !space.TimingWanted(r.Context()) {
		return w
	}
	return &timedWriter{ResponseWriter: w, box: box, start: visit.Start, queue: visit.Queue, took: visit.Made, began: time.Now()}
}

// timedWriter adds the header Server-Timing to a response. What a guest that still
// runs will have used is not known when it is sent.
type timedWriter struct {
	http.ResponseWriter
	box         *sandbox
	start       space.Start
	queue, took time.Duration
	began       time.Time
	wrote       bool
}

// Unwrap is for [http.ResponseController].
func (t *timedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (t *timedWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !t.wrote {
		t.wrote = true
		t.Header().Add("Server-Timing", t.value())
	}
	t.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (t *timedWriter) Write(p []byte) (int, error) {
	if !t.wrote {
		t.WriteHeader(http.StatusOK)
	}
	return t.ResponseWriter.Write(p)
}

func (t *timedWriter) value() string {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	value := fmt.Sprintf("queue;dur=%.3f, start;desc=%q;dur=%.3f", ms(t.queue), t.start, ms(t.took))
	if fuel := t.box.Fuel(); fuel > 0 {
		value += fmt.Sprintf(", run;dur=%.3f, fuel;desc=\"%d\"", ms(time.Since(t.began)), fuel)
	}
	return value
}
