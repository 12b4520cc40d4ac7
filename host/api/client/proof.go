package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// UnprovenError says that a server did not show that it knows the token, which
// was not sent to it.
type UnprovenError struct {
	// Server is the server's origin, for example http://localhost:4200.
	Server string
}

func (e *UnprovenError) Error() string {
	return fmt.Sprintf("%s did not prove that it knows the token, so the token was not sent", e.Server)
}

// proven returns the token, "" to send none, and what it may be sent with. An unproven
// server is asked once, and then no other address is: a name may have several.
func (c *Client) proven(ctx context.Context) (sender *http.Client, token string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.unproven {
		return c.http, c.token, nil
	}
	peer, needless, err := c.prove(ctx)
	if err != nil {
		return nil, "", err
	}
	if needless {
		c.token = ""
	}
	c.http, c.unproven = newHTTP(dialOnly(peer)), false
	return c.http, c.token, nil
}

// IsOpen tells whether the server takes whoever reaches it for its owner, as one of a
// developer's own does. It says nothing of a server that cannot be asked.
func (c *Client) IsOpen(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, open, err := c.prove(ctx)
	return err == nil && open
}

// prove lets the server prove that it knows the token, unless it needs none, and returns its address.
// The proof covers the address that this machine is connected to, so that another
// program which listens there cannot fetch the proof from the server.
func (c *Client) prove(ctx context.Context) (peer string, needless bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { peer = info.Conn.RemoteAddr().String() },
	})
	req, err := c.request(ctx, http.MethodGet, nil, "proof")
	if err != nil {
		return "", false, err
	}
	nonce := rand.Text()
	req.URL.RawQuery = url.Values{"nonce": {nonce}}.Encode()
	resp, err := c.sendWith(c.http, req)
	if err != nil {
		return "", false, c.unprovable(err)
	}
	defer resp.Body.Close()
	var answer wire.Proof
	if c.decode(resp, &answer) != nil || !answer.Open && !access.Proves(answer.Proof, c.token, nonce, peer) {
		return "", false, &UnprovenError{Server: c.base.String()}
	}
	return peer, answer.Open, nil
}

// unprovable tells a server that answers something else, which is not ours, from
// one that cannot answer now or is not there.
func (c *Client) unprovable(err error) error {
	e, isAnswer := errors.AsType[*space.Error](err)
	_, noServer := errors.AsType[*UnreachableError](err)
	if noServer || errors.Is(err, context.Canceled) || (isAnswer && e.Code == space.CodePreparing) {
		return err
	}
	return &UnprovenError{Server: c.base.String()}
}

// dialOnly connects to one address, whatever is asked for.
func dialOnly(addr string) dialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, addr)
	}
}
