package client

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// continueTimeout is how long an upload waits for the server's "100 Continue"
	// before it is sent anyway, for proxies that know no such answer.
	continueTimeout = 2 * time.Second
	// patience is how long a failed write waits for the answer that explains it.
	patience = 2 * time.Second
)

// dialFunc connects to an address.
type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

func newTransport(dial dialFunc) *http.Transport {
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           dial,
		TLSHandshakeTimeout:   dialTimeout,
		ExpectContinueTimeout: continueTimeout,
		// A command makes one request or two: a connection that is kept would only
		// be one more thing to close.
		DisableKeepAlives: true,
	}
}

// proxy is the environment's, except for names that are this machine.
func proxy(req *http.Request) (*url.URL, error) {
	if loopbackName(req.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

// loopbackName tells whether RFC 6761 (section 6.3) makes a name loopback.
func loopbackName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// dial connects to addr, and to loopback for *.localhost, which few resolvers
// know about.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !loopbackName(host) {
		return patient(dialer.DialContext(ctx, network, addr))
	}
	conn, err := dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if six, err6 := dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); err6 == nil {
			return patient(six, nil)
		}
	}
	return patient(conn, err)
}

// patientConn holds the error of a write back until reading has ended too. A
// server that answers early (401, 413) closes its side while the body is still
// being sent; [http.Transport] would report the broken pipe and drop the answer.
type patientConn struct {
	net.Conn
	ended chan struct{}
	end   func()
}

func patient(conn net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	return &patientConn{Conn: conn, ended: ended, end: sync.OnceFunc(func() { close(ended) })}, nil
}

func (c *patientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.end()
	}
	return n, err
}

func (c *patientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-c.ended:
		case <-timer.C:
		}
	}
	return n, err
}

func (c *patientConn) Close() error {
	c.end()
	return c.Conn.Close()
}
