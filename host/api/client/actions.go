package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// Actions lists the Scheduled Actions of an app, each with so many of its coming fires.
func (c *Client) Actions(ctx context.Context, app space.AppName, coming int) (wire.Actions, error) {
	var answer wire.Actions
	query := url.Values{}
	if coming > 0 {
		query.Set("next", strconv.Itoa(coming))
	}
	err := c.look(ctx, app, query, &answer, "actions")
	return answer, err
}

// RunQuery says which runs to list.
type RunQuery struct {
	Micro, Action string // "" for all
	Limit         int    // 0 for the server's own choice
	Log           bool   // with excerpts of the log
}

// Runs lists what has become of an app's actions, the newest first.
func (c *Client) Runs(ctx context.Context, app space.AppName, q RunQuery) (wire.Runs, error) {
	var answer wire.Runs
	query := url.Values{}
	if q.Micro != "" {
		query.Set("micro", q.Micro)
	}
	if q.Action != "" {
		query.Set("action", q.Action)
	}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Log {
		query.Set("log", "true")
	}
	err := c.look(ctx, app, query, &answer, "actions", "runs")
	return answer, err
}

// look gets what is below an app.
func (c *Client) look(ctx context.Context, app space.AppName, query url.Values, answer any, path ...string) error {
	name, err := segment(app)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	req, err := c.request(ctx, http.MethodGet, http.NoBody, append([]string{"apps", name}, path...)...)
	if err != nil {
		return err
	}
	req.URL.RawQuery = query.Encode()
	return c.call(req, answer)
}

// RunAction runs an action now, and returns how that ended. It sets no deadline, because
// a Micro may take as long as its owner lets it.
func (c *Client) RunAction(ctx context.Context, app space.AppName, micro, id string) (wire.Ran, error) {
	var answer wire.Ran
	path, err := actionPath(app, micro, id)
	if err != nil {
		return answer, err
	}
	req, err := c.request(ctx, http.MethodPost, http.NoBody, append(path, "run")...)
	if err != nil {
		return answer, err
	}
	err = c.call(req, &answer)
	return answer, err
}

// ChangeAction pauses or resumes an action, or gives it another interval.
func (c *Client) ChangeAction(ctx context.Context, app space.AppName, micro, id string, change wire.ActionChange) (wire.Action, error) {
	var answer wire.Action
	path, err := actionPath(app, micro, id)
	if err != nil {
		return answer, err
	}
	body, err := json.Marshal(change)
	if err != nil {
		return answer, fmt.Errorf("encode a change: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	req, err := c.request(ctx, http.MethodPatch, bytes.NewReader(body), path...)
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	err = c.call(req, &answer)
	return answer, err
}

// actionPath is where an action is. What is no name would address something else.
func actionPath(app space.AppName, micro, id string) ([]string, error) {
	name, err := segment(app)
	if err != nil {
		return nil, err
	}
	for _, part := range []string{micro, id} {
		if part == "" || part == "." || part == ".." {
			return nil, errors.New("an action has the name of its Micro and an id")
		}
	}
	return []string{"apps", name, "actions", url.PathEscape(micro), url.PathEscape(id)}, nil
}
