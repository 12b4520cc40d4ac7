package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/profile"
	"github.com/spacewasm/spacewasm/host/space"
)

// profile samples a Micro, and answers when the time is over: with a file of pprof, or the
// tree of a flame graph. A client that leaves ends it.
func (a *api) profile(c echo.Context) error {
	name, err := appName(c)
	if err != nil {
		return err
	}
	length, asJSON, err := profileQuery(c)
	if err != nil {
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
	found, err := a.Profiler.Run(ctx, name, c.QueryParam("micro"), length)
	if ctx.Err() != nil {
		return space.Errorf(space.CodePreparing, "the server stops, and the profile with it")
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	if asJSON {
		return c.JSON(http.StatusOK, profileOf(found))
	}
	var file bytes.Buffer
	if err := found.WritePprof(&file); err != nil {
		return space.Internal(err)
	}
	header := c.Response().Header()
	header.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.pb.gz"`, found.App, found.Micro))
	header.Set(wire.HeaderRequests, strconv.FormatInt(found.Requests, 10))
	if note := found.Note(); note != "" {
		header.Set(wire.HeaderNote, note)
	}
	return c.Blob(http.StatusOK, "application/vnd.google.protobuf+gzip", file.Bytes())
}

// profileQuery reads how long a profile is to take, and as what it is wanted.
func profileQuery(c echo.Context) (length time.Duration, asJSON bool, err error) {
	length = profile.DefaultTime
	if text := c.QueryParam("seconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		length = time.Duration(seconds) * time.Second
		if most := profile.MaxTime; err != nil || seconds < 1 || seconds > int(most.Seconds()) {
			return 0, false, space.Errorf(space.CodeBadRequest, "seconds is a whole number from 1 to %.0f, not %.40q", most.Seconds(), text)
		}
	}
	switch format := c.QueryParam("format"); format {
	case "", "pprof":
	case "json":
		asJSON = true
	default:
		return 0, false, space.Errorf(space.CodeBadRequest, "format is pprof or json, not %.40q", format)
	}
	return length, asJSON, nil
}

// profileOf words a profile for its client.
func profileOf(p *profile.Profile) wire.Profile {
	return wire.Profile{
		App: string(p.App), Micro: p.Micro, Revision: p.Revision, Began: p.Began.UTC(), Seconds: p.Took.Seconds(),
		Replaced: p.Replaced, Requests: p.Requests, Note: p.Note(), Root: p.Tree(),
	}
}
