package schedule

import (
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// Journal keeps what has become of calls, as of requests.
type Journal interface {
	// Called takes a call that has ended. It must not wait.
	Called(v *Visit)
}

// Visit is the call of an action, and what has become of it.
type Visit struct {
	// Run is what is recorded of it, with the id of the request.
	Run    space.Run
	App    *registry.App
	Path   string
	Status int   // that the Micro answered, or that of the error
	Bytes  int64 // of the answer's body
	Began  time.Time
	Took   time.Duration
	// Inner is what the Micro was asked, nil if it was not.
	Inner *http.Request
	Usage space.Usage
	// Err is why the platform ended the call.
	Err *space.Error
}

// note tells the journal of a call that is over. Of a fire that has not found its app
// nobody would read.
func (s *Scheduler) note(r *result) {
	v := r.visit
	if s.config.Journal == nil || v == nil || r.run.ID == 0 || (r.run.State != space.RunOK && r.run.State != space.RunFailed) {
		return
	}
	v.Run = r.run
	s.config.Journal.Called(v)
}

// end takes the time of a call, and why the platform ended it; nil if it did not.
func (v *Visit) end(status int, bytes int64, usage *space.Usage, err error) {
	v.Took, v.Status, v.Bytes, v.Usage = time.Since(v.Began), status, bytes, *usage
	if err == nil {
		return
	}
	v.Err = space.AsError(err)
	if v.Status == 0 {
		v.Status = v.Err.Code.Status()
	}
}
