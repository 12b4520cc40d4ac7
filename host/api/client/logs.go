package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/space"
)

// Query selects entries of an app's log. The zero value selects all there are.
type Query struct {
	// Micro is the name of one Micro; "" means all of them.
	Micro string
	// Since leaves out what is older, and Until what is not; the zero time leaves out
	// nothing.
	Since, Until time.Time
	// Text is what the message or the code has in it.
	Text string
	// Status is that of the answer, as 404 or 5xx: what it selects are requests.
	Status string
	// Source is guest, platform or request, several with commas between them, or all;
	// "" is guest and platform.
	Source string
	// Request is the id of one request, of which it selects all there is.
	Request string
	// Limit is how many of the newest entries that there are now; 0 is all.
	Limit int
	// Follow waits for more entries, until the context ends.
	Follow bool
}

func (q Query) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"micro": q.Micro, "q": q.Text, "status": q.Status, "source": q.Source, "request": q.Request,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			v.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Follow {
		v.Set("follow", strconv.FormatBool(q.Follow))
	}
	return v
}

// Logs calls fn with each entry of an app's log that q selects, oldest first,
// as they arrive. An error of fn ends the stream and is returned. A stream that
// is followed ends only with an error, the context's at best.
func (c *Client) Logs(ctx context.Context, app space.AppName, q Query, fn func(logs.Entry) error) error {
	name, err := segment(app)
	if err != nil {
		return err
	}
	req, err := c.request(ctx, http.MethodGet, nil, "apps", name, "logs")
	if err != nil {
		return err
	}
	req.URL.RawQuery = q.values().Encode()
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch mediaType(resp) {
	case "application/x-ndjson", "application/ndjson", "application/json":
	default:
		return c.strange(resp)
	}
	err = entries(resp.Body, fn)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && q.Follow:
		return fmt.Errorf("%s ended the log stream; was it stopped?", c.base)
	default:
		return err
	}
}

// entries decodes a stream of entries, one JSON value each.
func entries(stream io.Reader, fn func(logs.Entry) error) error {
	decoder := json.NewDecoder(stream)
	for {
		var e logs.Entry
		switch err := decoder.Decode(&e); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}
