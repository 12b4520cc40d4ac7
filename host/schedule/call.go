package schedule

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
)

// The headers that a call carries. The gateway takes those of this prefix out of what
// comes from outside.
const (
	// HeaderFire is the time that the interval names (RFC 3339, UTC).
	HeaderFire = "X-Space-Action-Fire-Time"
	// HeaderKey is the same for all attempts at a fire, and for no other.
	HeaderKey = "X-Space-Action-Idempotency-Key"
	// HeaderAttempt counts from 1.
	HeaderAttempt = "X-Space-Action-Attempt"
	// HeaderTrigger is schedule or manual.
	HeaderTrigger = "X-Space-Action-Trigger"
)

const (
	// patience is how long a fire waits for a node or a Micro that is full, and for an app
	// that is being prepared, and hold for how long it keeps its place meanwhile.
	patience = time.Minute
	hold     = 3 * time.Second
	// maxAnswer is how much is kept of what a Micro answers to a manual run, in bytes.
	maxAnswer = 64 << 10
)

// start runs an action, which has been recorded, beside the loop.
func (s *Scheduler) start(ctx context.Context, e *entry, run space.Run, reply chan<- result) {
	appKey, path := e.app.live.App.Key, pathOf(e.action) // which are the loop's to read
	s.workers.Go(func() {
		r := result{entry: e, run: run, reply: reply, appKey: appKey, path: path}
		s.perform(ctx, &r)
		s.results <- r
	})
}

// perform calls the Micro, and waits a moment while there is no room for that. An owner
// who waits for the end has no other place to come back to.
func (s *Scheduler) perform(ctx context.Context, r *result) {
	until := time.Now().Add(hold)
	if r.run.Trigger == space.TriggerManual {
		until = time.Now().Add(patience)
	}
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		began, err := s.call(ctx, r)
		if err == nil {
			r.run.State = space.RunOK
			if r.run.Status >= http.StatusBadRequest {
				r.run.State = space.RunFailed
			}
			return
		}
		e := space.AsError(err)
		r.run.State, r.run.Code, r.message = space.RunFailed, e.Code, e.Message
		if e.Code == space.CodeInternal {
			s.config.Logger.Error("an action failed", "app", r.run.Action.App, "action", r.run.Action.String(), "error", e.Err)
		}
		if began || !passes(e.Code) {
			return
		}
		select {
		case <-s.stopping:
			r.unstarted = true
			return
		case <-time.After(wait):
		}
		if time.Now().After(until) {
			r.unstarted = r.run.Trigger == space.TriggerSchedule
			return
		}
	}
}

// passes tells whether an error is of a moment.
func passes(code space.Code) bool {
	return code == space.CodeNodeFull || code == space.CodeQueueFull || code == space.CodePreparing
}

// call asks the Micro once. began tells whether the request has reached it.
func (s *Scheduler) call(ctx context.Context, r *result) (began bool, err error) {
	key := r.run.Action
	app, release, ok := s.config.Registry.Acquire(key.App)
	if !ok || app.App.Key != r.appKey { // or what a removed app owes would be done to who has its name now
		if ok {
			release()
		}
		r.visit = nil
		return false, space.Errorf(space.CodeNotFound, "there is no app %q any more", key.App)
	}
	defer release()
	var usage space.Usage
	// What runs ends by its own deadline, not with the scheduler.
	inner := space.WithUsage(space.WithRequestID(context.WithoutCancel(ctx), r.run.Request), &usage)
	w := &answer{header: http.Header{}}
	r.visit = &Visit{App: app, Path: r.path, Began: time.Now()}
	defer func() {
		if p := recover(); p != nil {
			began, err = true, space.Internal(fmt.Errorf("panic: %v", p))
		}
		r.visit.end(w.status, w.bytes, &usage, err)
	}()
	if app.Failed != "" {
		return true, space.Errorf(space.CodeRefused, "the app does not run: %s", app.Failed)
	}
	if app.Wanted != nil {
		app.Wanted()
		return false, space.Errorf(space.CodePreparing, "the app is being prepared for this version of the server")
	}
	route, action, ok := find(app, key)
	if !ok {
		return false, space.Errorf(space.CodeNotFound, "the app has no action %s any more", key)
	}
	r.visit.Inner, r.visit.Path = s.request(inner, app.App, action, r.run), pathOf(action)
	trace := s.config.Tracer.BeginAction(r.visit.Inner, r.run)
	usage.Timed = trace.Sampled()
	err = route.Server.Serve(w, r.visit.Inner)
	status := telemetry.StatusOf(w.status, err)
	route.Meter.Served(status, &usage)
	trace.End(route.Meter, status, err, &usage)
	r.run.Status, r.run.Fuel = w.status, usage.Fuel
	r.body, r.cut = w.body.Bytes(), w.cut
	return usage.Requests > 0 || w.status != 0, err
}

// find looks up an action of a live app.
func find(app *registry.App, key space.ActionKey) (registry.Route, space.Action, bool) {
	for _, route := range app.Routes {
		if route.Micro.Name != key.Micro {
			continue
		}
		for _, action := range route.Micro.Actions {
			if action.ID == key.ID {
				return route, action, true
			}
		}
	}
	return registry.Route{}, space.Action{}, false
}

// request is the call of an action, as its Micro sees it.
func (s *Scheduler) request(ctx context.Context, app space.App, action space.Action, run space.Run) *http.Request {
	path := pathOf(action)
	// The original knew no other trigger, and handlers may look at it.
	body := event(action.ID)
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: path}, Host: s.config.Hostname(app.Name), RemoteAddr: "127.0.0.1:0",
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RequestURI: (&url.URL{Path: path}).RequestURI(),
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(body))}, "User-Agent": {"spacewasm"},
			HeaderFire:    {run.Fire.UTC().Format(time.RFC3339)},
			HeaderKey:     {keyOf(app, run)},
			HeaderAttempt: {strconv.Itoa(run.Attempt)},
			HeaderTrigger: {string(run.Trigger)},
		},
	}
	return r.WithContext(ctx)
}

// pathOf is where a Micro takes the call of an action.
func pathOf(action space.Action) string { return cmp.Or(action.Path, space.ActionsPath) }

// event is the body of a call.
func event(id string) []byte {
	var body struct {
		Event struct {
			ID      string `json:"id"`
			Trigger string `json:"trigger"`
		} `json:"event"`
	}
	body.Event.ID, body.Event.Trigger = id, string(space.TriggerSchedule)
	text, _ := json.Marshal(body) // strings always encode
	return text
}

// keyOf is the idempotency key of a fire, which is of this app alone, whoever has its name
// later.
func keyOf(app space.App, run space.Run) string {
	id, _, _ := bytes.Cut([]byte(app.Key), []byte("_")) // without the secret
	sum := sha256.Sum256(fmt.Appendf(nil, "spacewasm action v1\n%s\n%s\n%s\n%s\n%s\n%d", app.Name, id, run.Action.Micro, run.Action.ID, run.Trigger,
		run.Fire.UnixMilli()))
	return hex.EncodeToString(sum[:16])
}

// answer takes what a Micro answers. Nobody reads it but who has asked for a manual run.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	bytes  int64 // of all that came
	cut    bool
}

var _ http.ResponseWriter = (*answer)(nil)

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.bytes += int64(len(p))
	room := maxAnswer - a.body.Len()
	if len(p) > room {
		a.cut = true
	}
	a.body.Write(p[:min(len(p), room)])
	return len(p), nil
}

// Flush implements [http.Flusher].
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }
