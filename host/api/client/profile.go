package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// Profile is a file that `go tool pprof` reads.
type Profile struct {
	File []byte
	// Requests is how many began while it was taken.
	Requests int64
	// Note says why there is nothing to see, "" if there is.
	Note string
}

// Profile has a Micro sampled for a time, in whole seconds, and returns when that is over.
// "" is the app's only program.
func (c *Client) Profile(ctx context.Context, app space.AppName, micro string, length time.Duration) (Profile, error) {
	var found Profile
	name, err := segment(app)
	if err != nil {
		return found, err
	}
	req, err := c.request(ctx, http.MethodPost, nil, "apps", name, "profile")
	if err != nil {
		return found, err
	}
	query := url.Values{"seconds": {strconv.Itoa(int(length.Seconds()))}}
	if micro != "" {
		query.Set("micro", micro)
	}
	req.URL.RawQuery = query.Encode()
	resp, err := c.send(req)
	if err != nil {
		return found, err
	}
	defer resp.Body.Close()
	found.Note = resp.Header.Get(wire.HeaderNote)
	found.Requests, err = strconv.ParseInt(resp.Header.Get(wire.HeaderRequests), 10, 64)
	if err != nil || mediaType(resp) != "application/vnd.google.protobuf+gzip" {
		return found, c.strange(resp)
	}
	if found.File, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return found, fmt.Errorf("read the profile: %w", err)
	}
	return found, nil
}
