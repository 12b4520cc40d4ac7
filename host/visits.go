package host

import (
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/behind"
	"github.com/spacewasm/spacewasm/host/gateway"
)

// maxVisits bounds the requests that wait to be written down, in number: who comes then
// writes them down first.
const maxVisits = 1024

// visits are requests that have been answered, and are written down a moment later, in
// their order: nobody's request waits for that. While nobody runs it, it is done at once.
type visits struct{ *behind.Queue[gateway.Visit] }

var _ gateway.Journal = visits{}

func newVisits(write func(*gateway.Visit)) visits {
	const gather = 10 * time.Millisecond
	return visits{behind.New(gather, func(batch []gateway.Visit) error {
		for i := range batch {
			write(&batch[i])
		}
		return nil
	})}
}

// Answered implements [gateway.Journal].
func (q visits) Answered(v gateway.Visit) {
	if v.Err == nil && v.Status < http.StatusInternalServerError {
		v.Inner, v.Usage.Words = nil, nil // which hold much, and are for reports
	}
	room, running := q.Put(v, maxVisits)
	for !room {
		_ = q.Flush() // whose errors there are none
		room, running = q.Put(v, maxVisits)
	}
	if !running {
		_ = q.Flush()
	}
}
