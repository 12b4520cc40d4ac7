package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/space"
)

// logs answers an app's log as one JSON entry a line, and goes on if asked to
// follow it.
func (a *api) logs(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	query, err := logQuery(c)
	if err != nil {
		return err
	}
	app, release, ok := a.Registry.Acquire(name)
	if !ok {
		return noApp(name)
	}
	micros := app.Revision.Micros
	release() // a follower must not keep a replaced revision open
	if err := a.knowsMicro(c.Request().Context(), name, query.Micro, micros); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Request().Context())
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-a.Draining:
			cancel()
		case <-ctx.Done():
		}
	})

	out := c.Response()
	out.Header().Set("Content-Type", "application/x-ndjson")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(http.StatusOK)
	if query.Follow {
		out.Flush()
	}
	encoder := json.NewEncoder(out)
	err = a.Logs.Read(ctx, string(name), query, func(e logs.Entry) error {
		if err := encoder.Encode(e); err != nil {
			return err
		}
		if query.Follow {
			out.Flush()
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil // the client has read enough, or the server stops
	}
	return err
}

// errFound ends a look for any entry.
var errFound = errors.New("there is one")

// knowsMicro refuses the name of a Micro that the app does not have, and of which its log
// has nothing: a Micro that went with an earlier revision has left its own.
func (a *api) knowsMicro(ctx context.Context, app space.AppName, name string, micros []space.Micro) error {
	var names []string
	for _, m := range micros {
		if names = append(names, m.Name); m.Name == name {
			return nil
		}
	}
	if name == "" {
		return nil
	}
	err := a.Logs.Read(ctx, string(app), logs.Query{Micro: name, Sources: logs.AllSources()}, func(logs.Entry) error { return errFound })
	switch {
	case errors.Is(err, errFound):
		return nil
	case err != nil:
		return err
	}
	return space.Errorf(space.CodeNotFound, "the app %q has no Micro %.80q, and had none that its log knows of; it has %s",
		app, name, strings.Join(names, ", "))
}

// maxLimit bounds how many of the newest entries can be asked for: they are held until all are read.
const maxLimit = 10_000

func logQuery(c echo.Context) (logs.Query, error) {
	q := logs.Query{Micro: c.QueryParam("micro"), Text: c.QueryParam("q"), Request: c.QueryParam("request")}
	var err error
	if q.Status, err = logs.ParseStatus(c.QueryParam("status")); err != nil {
		return q, space.Errorf(space.CodeBadRequest, "%v", err)
	}
	if q.Sources, err = logSources(c.QueryParam("source")); err != nil {
		return q, err
	}
	if q.Since, err = logTime(c, "since"); err != nil {
		return q, err
	}
	if q.Until, err = logTime(c, "until"); err != nil {
		return q, err
	}
	if limit := c.QueryParam("limit"); limit != "" {
		if q.Last, err = strconv.Atoi(limit); err != nil || q.Last < 1 || q.Last > maxLimit {
			return q, space.Errorf(space.CodeBadRequest, "limit is a number from 1 to %d, not %.80q", maxLimit, limit)
		}
	}
	switch follow := c.QueryParam("follow"); follow {
	case "", "false":
	case "true":
		q.Follow = true
	default:
		return q, space.Errorf(space.CodeBadRequest, "follow is true or false, not %.80q", follow)
	}
	if q.Follow && !q.Until.IsZero() {
		return q, space.Errorf(space.CodeBadRequest, "until and follow do not go together: what comes is later")
	}
	return q, nil
}

// logSources reads where entries are to be from: sources with commas between them, or all.
func logSources(text string) ([]string, error) {
	switch text {
	case "":
		return nil, nil
	case "all":
		return logs.AllSources(), nil
	}
	sources := strings.Split(text, ",")
	for _, source := range sources {
		if !slices.Contains(logs.AllSources(), source) {
			return nil, space.Errorf(space.CodeBadRequest, "source is %s or all, not %.80q", strings.Join(logs.AllSources(), ", "), source)
		}
	}
	return sources, nil
}

func logTime(c echo.Context, name string) (time.Time, error) {
	text := c.QueryParam(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, space.Errorf(space.CodeBadRequest, "%s is a time as 2026-01-31T12:00:00Z (RFC 3339), not %.80q", name, text)
	}
	return at, nil
}
