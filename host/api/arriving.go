package api

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// minUploadRate is what an upload has to bring on the average, in bytes a second:
// less than the slowest line that anyone would push over.
const minUploadRate = 4 << 10

// usualStall is how long an upload may bring nothing, unless configured.
const usualStall = 15 * time.Second

// arriving is the body of an upload, which ends with an error when it stalls or
// comes too slowly, and when the server stops: a client sends it again, and a
// drain waits for nobody who only sends.
type arriving struct {
	body    io.Reader
	control *http.ResponseController
	stall   time.Duration
	begun   time.Time
	got     int64

	mu       sync.Mutex
	draining bool
	whole    bool
}

// arrive reads the body of r while work runs, which then has it.
func (a *api) arrive(w http.ResponseWriter, r *http.Request, work func(body io.Reader) error) error {
	body := &arriving{body: r.Body, control: http.NewResponseController(w), stall: a.UploadStall, begun: time.Now()}
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-a.Draining:
			body.cut()
		case <-done:
		}
	})
	defer watch.Wait()
	defer close(done)
	return work(body)
}

// Read implements [io.Reader].
func (b *arriving) Read(p []byte) (int, error) {
	if b.extend() {
		return 0, errStopping()
	}
	n, err := b.body.Read(p)
	b.got += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		b.end()
	case b.extend():
		return n, errStopping()
	case errors.Is(err, os.ErrDeadlineExceeded):
		e := space.Errorf(space.CodeBadRequest, "the upload stalled after %d bytes: it has to go on within %v, and to bring %d bytes a second on the average; send it again",
			b.got, b.stall, minUploadRate)
		e.Err = err
		return n, e
	}
	return n, err
}

// extend gives the client time for the next bytes, unless the server drains. The
// writer of a test has no deadline to set.
func (b *arriving) extend() (draining bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.draining && !b.whole {
		next := time.Now().Add(b.stall)
		least := b.begun.Add(2*b.stall + time.Duration(b.got/minUploadRate)*time.Second)
		if least.Before(next) {
			next = least
		}
		_ = b.control.SetReadDeadline(next)
	}
	return b.draining
}

// cut ends a read that waits.
func (b *arriving) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.whole {
		b.draining = true
		_ = b.control.SetReadDeadline(time.Unix(1, 0))
	}
}

// end takes the deadline away: the server reads on to see whether the client goes.
func (b *arriving) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole = true
	_ = b.control.SetReadDeadline(time.Time{})
}

func errStopping() error {
	return space.Errorf(space.CodePreparing, "the server is stopping: push again when it is back")
}
