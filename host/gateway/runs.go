package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// runsPath is where an app's own pages learn what has become of its Scheduled Actions.
const runsPath = space.ActionsPath + "/runs"

const defaultRuns, maxRuns = 50, 100

// run is what pages learn of a run: nothing of the log, and no id that leads there.
type run struct {
	Micro      string         `json:"micro"`
	Action     string         `json:"action"`
	Trigger    space.Trigger  `json:"trigger"`
	Fire       time.Time      `json:"fire"`
	First      time.Time      `json:"first,omitzero"`
	Attempt    int            `json:"attempt"`
	State      space.RunState `json:"state"`
	Started    time.Time      `json:"started,omitzero"`
	Ended      time.Time      `json:"ended,omitzero"`
	Status     int            `json:"status"`
	DurationMS float64        `json:"duration_ms"`
}

// runs answers with the newest runs of the actions of those Micros that the asker may
// ask.
func (g *Gateway) runs(w http.ResponseWriter, r *http.Request, app *registry.App, at place) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return space.Errorf(space.CodeMethodNotAllowed, "%s is not possible at %s", r.Method, runsPath)
	}
	if _, err := judgePlain(r.URL.Path, r.URL.EscapedPath(), func(p string) bool { return p == runsPath }); err != nil {
		return err
	}
	micros, err := g.visible(r, app, at)
	if err != nil {
		w.Header().Set("Server", deta)
		return err
	}
	limit := defaultRuns
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxRuns {
			return space.Errorf(space.CodeBadRequest, "limit is a number from 1 to %d, not %.80q", maxRuns, text)
		}
	}
	all, err := g.config.Runs(r.Context(), app.App.Name, micros, limit)
	if err != nil {
		return err
	}
	answer := struct {
		Runs []run `json:"runs"`
	}{make([]run, len(all))}
	for i, one := range all {
		answer.Runs[i] = run{
			Micro: one.Action.Micro, Action: one.Action.ID, Trigger: one.Trigger, Fire: one.Fire, Attempt: one.Attempt, State: one.State,
			Started: one.Started, Ended: one.Ended, Status: one.Status, DurationMS: float64(one.Took().Microseconds()) / 1e3,
		}
		if one.First.Before(one.Fire) {
			answer.Runs[i].First = one.First
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return space.Internal(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := w.Write(text); err != nil {
		return &space.Error{Code: space.CodeClientGone, Message: "the visitor left", Committed: true, Err: err}
	}
	return nil
}

// visible names the Micros that the asker may ask, of which there has to be one: their
// actions are no more secret than they are.
func (g *Gateway) visible(r *http.Request, app *registry.App, at place) ([]string, error) {
	owner, forged := g.isOwner(r, app.App, at)
	var micros []string
	for _, route := range app.Routes {
		if owner || route.Micro.IsOpen(runsPath) || g.hasKey(r, app.App, route.Micro) {
			micros = append(micros, route.Micro.Name)
		}
	}
	switch {
	case len(micros) > 0:
		return micros, nil
	case forged:
		return nil, space.Errorf(space.CodeForbidden, "the request came from another site than the app's own, and does not count as yours")
	}
	return nil, unauthorized()
}
