package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/spacewasm/spacewasm/host/space"
)

// UnreachableError says that no connection to a server came about.
type UnreachableError struct {
	// Server is the server's origin, for example http://localhost:4200.
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	reason := e.Err.Error()
	var dns *net.DNSError
	switch {
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		reason = "connection refused; is `spacewasm serve` running?"
	case errors.As(e.Err, &dns) && dns.IsNotFound:
		reason = "no such host; is the address right?"
	}
	return fmt.Sprintf("cannot reach %s: %s", e.Server, reason)
}

// Unwrap returns what went wrong underneath.
func (e *UnreachableError) Unwrap() error { return e.Err }

// sendError says why there is no answer.
func (c *Client) sendError(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return fmt.Errorf("%s did not answer in time: %w", c.base, context.Cause(ctx))
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		// Its text is the method and the address once more.
		err = outer.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return &UnreachableError{Server: c.base.String(), Err: err}
	}
	return fmt.Errorf("ask %s: %w", c.base, err)
}

// refusal reads an answer that is no success. What spacewasm answers becomes a
// [*space.Error]; anything else comes from somewhere in between.
func (c *Client) refusal(resp *http.Response) error {
	if mediaType(resp) != "application/problem+json" {
		return c.strange(resp)
	}
	var p space.Problem
	err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&p)
	if p.Code == "" {
		p.Code = space.Code(resp.Header.Get("X-Space-Error"))
	}
	if err != nil || p.Code == "" {
		return c.strange(resp)
	}
	return &space.Error{Code: p.Code, Message: message(p), Faults: p.Faults}
}

// message is what a problem says, with the id to look for in the server's log.
func message(p space.Problem) string {
	text := p.Detail
	if text == "" {
		text = strings.ToLower(http.StatusText(p.Status))
	}
	switch {
	case p.ErrorID == "":
		return text
	case strings.Contains(text, "\n"):
		return text + "\nerror id " + p.ErrorID
	default:
		return text + " (error id " + p.ErrorID + ")"
	}
}

// strange describes an answer that no spacewasm server gives.
func (c *Client) strange(resp *http.Response) error {
	what := resp.Status
	if kind := mediaType(resp); kind != "" {
		what += ", " + kind
	}
	if by := resp.Header.Get("Server"); by != "" {
		what += ", by " + by
	}
	switch {
	case resp.StatusCode/100 == 3:
		return fmt.Errorf("%s redirects to %s, and a token never follows a redirect; give the right address with --server",
			c.base, resp.Header.Get("Location"))
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("a proxy before %s refused the upload as too large (%s); raise its limit for request bodies", c.base, what)
	case resp.StatusCode/100 == 5:
		return fmt.Errorf("%s answered %s, which is not spacewasm's own answer: does a proxy in between fail to reach it?", c.base, what)
	default:
		return fmt.Errorf("%s answered %s: is it a spacewasm server, and the address of the platform rather than of an app?", c.base, what)
	}
}

func mediaType(resp *http.Response) string {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}
