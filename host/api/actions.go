package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

const (
	defaultRuns, maxRuns = 50, 500
	maxComing            = 100
	// An excerpt of a log has so many lines, of so many bytes each.
	excerptLines, excerptBytes = 10, 512
)

// actions lists an app's Scheduled Actions.
func (a *api) actions(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	coming, err := count(c, "next", 0, maxComing)
	if err != nil {
		return err
	}
	all, err := a.Schedule.Actions(c.Request().Context(), name, max(coming, 1))
	if err != nil {
		return err
	}
	answer := wire.Actions{Actions: []wire.Action{}}
	for _, status := range all {
		answer.Actions = append(answer.Actions, describeAction(status, coming))
	}
	return c.JSON(http.StatusOK, answer)
}

func describeAction(s schedule.Status, coming int) wire.Action {
	action := wire.Action{
		Micro: s.Key.Micro, ID: s.Key.ID, Name: s.Action.Name, Description: s.Action.Description,
		Interval: s.Interval, DefaultInterval: s.Action.DefaultInterval, Timezone: s.Action.Timezone, Enabled: !s.Paused,
	}
	if s.Last != nil {
		run := describeRun(*s.Last)
		action.Last, action.Run = &run.Fire, &run
	}
	if len(s.Next) > 0 {
		action.Next = &s.Next[0]
	}
	if coming > 0 {
		action.Coming = s.Next
	}
	return action
}

func describeRun(r space.Run) wire.Run {
	run := wire.Run{
		Run: r.ID, Micro: r.Action.Micro, Action: r.Action.ID, Trigger: string(r.Trigger), Fire: r.Fire, Attempt: r.Attempt,
		State: string(r.State), Started: some(r.Started), Ended: some(r.Ended), Status: r.Status, Code: string(r.Code), Fuel: r.Fuel,
		DurationMS: float64(r.Took().Microseconds()) / 1e3,
	}
	if r.First.Before(r.Fire) {
		run.First = &r.First
	}
	if r.State == space.RunWaiting {
		run.Due = some(r.Due)
	}
	if !r.Started.IsZero() {
		run.Request = string(r.Request)
	}
	return run
}

// some is a time that may be none.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// count reads a number of the query.
func count(c echo.Context, name string, otherwise, most int) (int, error) {
	text := c.QueryParam(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, space.Errorf(space.CodeBadRequest, "%s is a number from 1 to %d, not %.80q", name, most, text)
	}
	return n, nil
}

// runs lists the runs of an app's actions, the newest first, with excerpts of the log if
// they are asked for.
func (a *api) runs(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	limit, err := count(c, "limit", defaultRuns, maxRuns)
	if err != nil {
		return err
	}
	withLog := false
	if text := c.QueryParam("log"); text != "" {
		if withLog, err = strconv.ParseBool(text); err != nil {
			return space.Errorf(space.CodeBadRequest, "log is true or false, not %.80q", text)
		}
	}
	q := store.RunQuery{App: name, ID: c.QueryParam("action"), Limit: limit}
	if micro := c.QueryParam("micro"); micro != "" {
		q.Micros = []string{micro}
	}
	all, err := a.Schedule.Runs(c.Request().Context(), q)
	if err != nil {
		return err
	}
	answer := wire.Runs{Runs: make([]wire.Run, len(all))}
	for i, run := range all {
		answer.Runs[i] = describeRun(run)
	}
	if withLog {
		if err := a.excerpts(c.Request().Context(), name, answer.Runs); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, answer)
}

// excerpts adds to runs the first lines that they have written, in one reading of the
// log.
func (a *api) excerpts(ctx context.Context, app space.AppName, runs []wire.Run) error {
	byRequest := map[string]*wire.Run{}
	query := logs.Query{}
	for i := range runs {
		run := &runs[i]
		if run.Request == "" {
			continue
		}
		byRequest[run.Request] = run
		if query.Since.IsZero() || run.Started.Before(query.Since) {
			query.Since = *run.Started
		}
	}
	if len(byRequest) == 0 {
		return nil
	}
	return a.Logs.Read(ctx, string(app), query, func(e logs.Entry) error {
		run := byRequest[e.Request]
		if run == nil || len(run.Log) >= excerptLines {
			return nil
		}
		line := e.Message
		if e.Code != "" {
			line = e.Code + ": " + line
		}
		if len(line) > excerptBytes {
			line = strings.ToValidUTF8(line[:excerptBytes], "") + "…"
		}
		run.Log = append(run.Log, line)
		return nil
	})
}

// actionKey is the action of the path.
func (a *api) actionKey(c echo.Context) (space.ActionKey, error) {
	name, err := appName(c)
	if err != nil {
		return space.ActionKey{}, err
	}
	return a.Schedule.Find(name, plainParam(c, "micro"), plainParam(c, "id"))
}

// plainParam is a segment of the path. echo leaves it escaped where the path was escaped
// in another way than Go's.
func plainParam(c echo.Context, name string) string {
	value := c.Param(name)
	if plain, err := url.PathUnescape(value); err == nil && c.Request().URL.RawPath != "" {
		return plain
	}
	return value
}

// runAction runs an action now, and answers with how it ended, whatever that is.
func (a *api) runAction(c echo.Context) error {
	key, err := a.actionKey(c)
	if err != nil {
		return err
	}
	report, err := a.Schedule.RunNow(c.Request().Context(), key)
	if err != nil {
		return err
	}
	run := describeRun(report.Run)
	c.Response().Header().Set("Cache-Control", "no-store")
	run.Message, run.BodyCut = report.Message, report.Cut
	run.Body = strings.ToValidUTF8(string(report.Body), "\uFFFD")
	return c.JSON(http.StatusOK, wire.Ran{Run: run})
}

// changeAction pauses or resumes an action, or gives it another interval.
func (a *api) changeAction(c echo.Context) error {
	key, err := a.actionKey(c)
	if err != nil {
		return err
	}
	var wanted wire.ActionChange
	if err := readJSON(c, &wanted); err != nil {
		return err
	}
	change := schedule.Change{Interval: wanted.Interval}
	if wanted.Enabled != nil {
		paused := !*wanted.Enabled
		change.Paused = &paused
	}
	ctx := c.Request().Context()
	if err := a.Schedule.Change(ctx, key, change); err != nil {
		return err
	}
	all, err := a.Schedule.Actions(ctx, key.App, 1)
	if err != nil {
		return err
	}
	for _, status := range all {
		if status.Key == key {
			return c.JSON(http.StatusOK, describeAction(status, 0))
		}
	}
	return space.Errorf(space.CodeNotFound, "the app %q has no action %s any more", key.App, key)
}
