package api

import (
	"context"
	"encoding/json"
	"net/http"
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
	_, release, ok := a.Registry.Acquire(name)
	if !ok {
		return noApp(name)
	}
	release() // a follower must not keep a replaced revision open
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

func logQuery(c echo.Context) (logs.Query, error) {
	q := logs.Query{Micro: c.QueryParam("micro")}
	switch follow := c.QueryParam("follow"); follow {
	case "", "false":
	case "true":
		q.Follow = true
	default:
		return q, space.Errorf(space.CodeBadRequest, "follow is true or false, not %q", follow)
	}
	since := c.QueryParam("since")
	if since == "" {
		return q, nil
	}
	var err error
	if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
		return q, space.Errorf(space.CodeBadRequest, "since is a time as 2026-01-31T12:00:00Z (RFC 3339), not %q", since)
	}
	return q, nil
}
