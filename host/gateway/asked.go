package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

type askedKey struct{}

// asked is which Micro a request came to, once that is known.
type asked struct {
	key      activity.Key
	revision int
}

func withAsked(ctx context.Context) context.Context {
	return context.WithValue(ctx, askedKey{}, &asked{})
}

func askedOf(ctx context.Context) *asked {
	if a, ok := ctx.Value(askedKey{}).(*asked); ok {
		return a
	}
	return &asked{}
}

func (a *asked) set(app *registry.App, micro string) {
	a.key, a.revision = activity.KeyOf(app.App, micro), app.Revision.Number
}

// note has the activity know what a request to a Micro came to.
func (g *Gateway) note(r *http.Request, out *recorder, began time.Time, e *space.Error) {
	came := askedOf(r.Context())
	key := came.key
	if g.config.Activity == nil || key.Micro == "" {
		return
	}
	u := space.UsageOf(r.Context())
	request := activity.Request{
		ID: space.RequestIDOf(r.Context()), Revision: came.revision, Time: began, Method: r.Method, Path: r.URL.EscapedPath(),
		Status: out.status, Bytes: out.bytes, Took: time.Since(began),
		Start: u.Start, Queue: u.Queue, Begin: u.Begin, Run: u.Run, Fuel: u.Fuel, Memory: u.Memory,
	}
	if e != nil {
		request.Code = e.Code
		if request.Status == 0 {
			request.Status = e.Code.Status()
		}
	}
	g.config.Activity.Note(key, request)
}
