package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// shortCall bounds the calls that only look something up or delete it.
const shortCall = time.Minute

// Push deploys body as the next revision of an app, and returns once the
// revision answers requests. The content type is application/wasm,
// application/zip or application/gzip (a compressed tar); size is the length of
// body in bytes, -1 when unknown. A body that is an [io.Closer] is closed,
// perhaps a moment after Push has returned. Push itself sets no deadline,
// because compiling takes as long as it takes. It calls told with each step that the
// server tells of; older ones tell of none. A nil told is not called.
func (c *Client) Push(
	ctx context.Context, app space.AppName, contentType string, body io.Reader, size int64, told func(wire.Event),
) (wire.App, error) {
	var answer wire.App
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	req, err := c.request(ctx, http.MethodPut, body, "apps", name)
	if err != nil {
		return answer, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/x-ndjson, application/json;q=0.9, application/problem+json")
	// A refusal that needs no body (401, 413) comes before megabytes are sent.
	req.Header.Set("Expect", "100-continue")
	resp, err := c.send(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	if mediaType(resp) == "application/x-ndjson" {
		return c.follow(ctx, resp.Body, told)
	}
	err = c.decode(resp, &answer)
	return answer, err
}

// Missing asks which of the files a push to the app has to send, because the app does
// not have them; the server may be one that cannot tell, and then all are missing.
func (c *Client) Missing(ctx context.Context, app space.AppName, files []wire.File) ([]string, error) {
	name, err := segment(app)
	if err != nil {
		return nil, err
	}
	asked, err := json.Marshal(wire.Files{Files: files})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	req, err := c.request(ctx, http.MethodPost, bytes.NewReader(asked), "apps", name, "missing")
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	var answer wire.Missing
	err = c.call(req, &answer)
	if e, ok := errors.AsType[*space.Error](err); ok && (e.Code == space.CodeNotFound || e.Code == space.CodeMethodNotAllowed) {
		for _, file := range files {
			answer.Missing = append(answer.Missing, file.SHA256)
		}
		return answer.Missing, nil
	}
	return answer.Missing, err
}

// Apps lists the apps of the server.
func (c *Client) Apps(ctx context.Context) (wire.Apps, error) {
	var answer wire.Apps
	err := c.short(ctx, http.MethodGet, &answer, "apps")
	return answer, err
}

// App describes one app and its active revision.
func (c *Client) App(ctx context.Context, app space.AppName) (wire.App, error) {
	var answer wire.App
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	err = c.short(ctx, http.MethodGet, &answer, "apps", name)
	return answer, err
}

// Revisions lists the kept revisions of an app, the newest first.
func (c *Client) Revisions(ctx context.Context, app space.AppName) (wire.Revisions, error) {
	var answer wire.Revisions
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	err = c.short(ctx, http.MethodGet, &answer, "apps", name, "revisions")
	return answer, err
}

// Rollback has an older revision of an app answer again, 0 being the one before that
// which answers, and returns once it does. It sets no deadline, because what the
// revision needs may have to be compiled.
func (c *Client) Rollback(ctx context.Context, app space.AppName, revision int) (wire.App, error) {
	var answer wire.App
	name, err := segment(app)
	if err != nil {
		return answer, err
	}
	body, err := json.Marshal(wire.Rollback{Revision: revision})
	if err != nil {
		return answer, err
	}
	req, err := c.request(ctx, http.MethodPost, bytes.NewReader(body), "apps", name, "rollback")
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	err = c.call(req, &answer)
	return answer, err
}

// Remove deletes an app with its revisions.
func (c *Client) Remove(ctx context.Context, app space.AppName) error {
	name, err := segment(app)
	if err != nil {
		return err
	}
	return c.short(ctx, http.MethodDelete, nil, "apps", name)
}

// Version tells what the server runs.
func (c *Client) Version(ctx context.Context) (wire.Version, error) {
	var answer wire.Version
	err := c.short(ctx, http.MethodGet, &answer, "version")
	return answer, err
}

// short makes a call without a body that is soon answered.
func (c *Client) short(ctx context.Context, method string, answer any, path ...string) error {
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	req, err := c.request(ctx, method, nil, path...)
	if err != nil {
		return err
	}
	return c.call(req, answer)
}
