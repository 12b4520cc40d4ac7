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

// proven returns what the token may be sent with. An unproven server is asked
// once, and then no other address is: a name may have several.
func (c *Client) proven(ctx context.Context) (*http.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.unproven {
		return c.http, nil
	}
	ctx, cancel := context.WithTimeout(ctx, shortCall)
	defer cancel()
	peer, err := c.prove(ctx)
	if err != nil {
		return nil, err
	}
	c.http, c.unproven = newHTTP(dialOnly(peer)), false
	return c.http, nil
}

// prove lets the server prove that it knows the token, and returns its address.
// The proof covers the address that this machine is connected to, so that another
// program which listens there cannot fetch the proof from the server.
func (c *Client) prove(ctx context.Context) (peer string, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { peer = info.Conn.RemoteAddr().String() },
	})
	req, err := c.anonymous(ctx, http.MethodGet, nil, "proof")
	if err != nil {
		return "", err
	}
	nonce := rand.Text()
	req.URL.RawQuery = url.Values{"nonce": {nonce}}.Encode()
	resp, err := c.sendWith(c.http, req)
	if err != nil {
		return "", c.unprovable(err)
	}
	defer resp.Body.Close()
	var answer wire.Proof
	if c.decode(resp, &answer) != nil || !access.Proves(answer.Proof, c.token, nonce, peer) {
		return "", &UnprovenError{Server: c.base.String()}
	}
	return peer, nil
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
