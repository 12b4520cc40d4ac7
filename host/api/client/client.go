// Package client calls the admin API of a spacewasm server.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxAnswer bounds an answer that is read whole, in bytes: the description of
// every app of a server, or a problem with its faults.
const maxAnswer = 16 << 20

// Client calls one server with one token. It keeps no connection between calls,
// and is safe for concurrent use.
type Client struct {
	base *url.URL

	mu       sync.Mutex
	token    string
	http     *http.Client
	unproven bool // the server has yet to prove that it knows the token
}

// New makes a client of the server at base (see [ParseServer]). The token goes
// to that server and nowhere else; "" sends none.
func New(base *url.URL, token string) (*Client, error) {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return nil, errors.New("the token holds a space or another character that no token has; was it cut or pasted wrongly?")
		}
	}
	return &Client{base: base, token: token, http: newHTTP(dial)}, nil
}

// NewUnproven is [New] for a token that was found rather than given for this
// server: before it is sent, the server has to prove that it knows it. If it does
// not, every call fails with an [*UnprovenError]; but one that wants no token does not get it.
func NewUnproven(base *url.URL, token string) (*Client, error) {
	c, err := New(base, token)
	if err == nil {
		c.unproven = true
	}
	return c, err
}

func newHTTP(dial dialFunc) *http.Client {
	return &http.Client{
		Transport: newTransport(dial),
		// A redirect would carry the token to a place nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ParseServer reads the address of a server, for example http://localhost:4200
// or https://space.example.org. Its String is the server's origin in one
// spelling: lower case, without a default port or a final slash.
func ParseServer(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("server %q: want an address like http://localhost:4200", s)
	case u.Hostname() == "":
		return nil, fmt.Errorf("server %q names no host", s)
	case u.User != nil:
		// Not quoted: it may hold a password.
		return nil, errors.New("a server address with a user name in it: leave it out, and give a token instead")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("server %q: want only scheme, host and port, like %s://%s", s, u.Scheme, u.Host)
	}
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	return &url.URL{Scheme: u.Scheme, Host: strings.TrimSuffix(host, ":")}, nil
}

// request makes a request for a path below /api/v1; [Client.send] adds the token.
func (c *Client) request(ctx context.Context, method string, body io.Reader, path ...string) (*http.Request, error) {
	target := c.base.JoinPath(append([]string{"api", "v1"}, path...)...)
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Accept", "application/json, application/x-ndjson, application/problem+json")
	req.Header.Set("User-Agent", "spacewasm")
	return req, nil
}

// send sends req and turns every answer but a success into an error. The caller
// closes the body of the response.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	sender, token, err := c.proven(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // nobody has begun to read it
		}
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.sendWith(sender, req)
}

func (c *Client) sendWith(sender *http.Client, req *http.Request) (*http.Response, error) {
	resp, err := sender.Do(req)
	if err != nil {
		return nil, c.sendError(req.Context(), err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, c.refusal(resp)
	}
	return resp, nil
}

// call sends req and decodes the answer into v, unless v is nil.
func (c *Client) call(req *http.Request, v any) error {
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if v == nil {
		return nil
	}
	return c.decode(resp, v)
}

// decode reads an answer that is JSON.
func (c *Client) decode(resp *http.Response, v any) error {
	if mediaType(resp) != "application/json" {
		return c.strange(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(v); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base, err)
	}
	return nil
}

// segment is an app's name in a path. A name that is not one would address
// something else.
func segment(name space.AppName) (string, error) {
	valid, err := space.ParseAppName(string(name))
	return string(valid), err
}
