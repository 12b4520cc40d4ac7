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

// arriving is the body of an upload, which ends when the server stops: a client
// sends it again, and a drain waits for nobody who only sends. How slowly it may
// come is the business of package door.
type arriving struct {
	body    io.Reader
	control *http.ResponseController
	got     int64

	mu       sync.Mutex
	draining bool
	whole    bool
}

// arrive reads the body of r while work runs, which then has it.
func (a *api) arrive(w http.ResponseWriter, r *http.Request, work func(body io.Reader) error) error {
	body := &arriving{body: r.Body, control: http.NewResponseController(w)}
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
	n, err := b.body.Read(p)
	b.got += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		b.end()
		return n, err
	case b.isCut():
		return n, space.Errorf(space.CodePreparing, "the server is stopping: push again when it is back")
	case errors.Is(err, os.ErrDeadlineExceeded):
		e := space.Errorf(space.CodeBadRequest, "the upload stalled after %d bytes, or came too slowly: send it again", b.got)
		e.Err = err
		return n, e
	}
	return n, err
}

// cut ends a read that waits, and those to come.
func (b *arriving) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.whole {
		b.draining = true
		// Writers that know no deadlines are those of tests.
		_ = b.control.SetReadDeadline(time.Unix(1, 0))
	}
}

func (b *arriving) isCut() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.draining
}

// end keeps the connection of what has come as a whole: the server reads on to see
// whether the client goes.
func (b *arriving) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.whole = true
}
