package gateway

import (
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// Journal keeps what has become of requests to apps.
type Journal interface {
	// Answered takes a request that has been answered, by value: what is behind an
	// interface would have each on the heap. It must not wait.
	Answered(v Visit)
}

// Visit is a request to an app, and what has become of it.
type Visit struct {
	ID  space.RequestID
	App *registry.App
	// Micro is the name of the one that answers at the path, "" if none does.
	Micro string
	// Path is that of the request, decoded.
	Method, Path string
	Status       int
	Bytes        int64 // of the answer's body
	Began        time.Time
	Took         time.Duration
	// Inner is what the Micro was asked, without the platform's credentials; nil if
	// none was.
	Inner *http.Request
	Usage space.Usage
	// Err is why the platform answered itself, or cut the answer short.
	Err *space.Error
}

// note tells the journal of a request, if it was one to an app: others would be
// anybody's names.
func (g *Gateway) note(r *http.Request, out *recorder, began time.Time, took time.Duration, e *space.Error) {
	if g.config.Journal == nil || out.app == nil {
		return
	}
	g.config.Journal.Answered(Visit{
		ID: out.id, App: out.app, Micro: out.micro, Method: r.Method, Path: r.URL.Path,
		Status: out.answered(e), Bytes: out.bytes, Began: began, Took: took, Inner: out.inner,
		Usage: out.usage, Err: e,
	})
}
