package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/space"
)

const defaultServer = "http://localhost:4200"

// serverFlags adds the flags of every command that talks to a server.
func (c *cli) serverFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.server, "server", defaultServer, "the server's address")
	cmd.Flags().StringVar(&c.token, "token", "",
		"a token of the server; prefer the variable, because others can see the arguments of a process")
}

// serverURL is the server that this command talks to.
func (c *cli) serverURL() (*url.URL, error) {
	base, err := client.ParseServer(c.server)
	if err != nil {
		return nil, usageError{err}
	}
	return base, nil
}

// session is a client, and where its token came from.
type session struct {
	*client.Client
	token foundToken
}

// dial makes a client of the server with the token for it. Where there is none it asks
// whether the server wants one: that of `spacewasm dev` does not.
func (c *cli) dial(ctx context.Context) (*session, error) {
	base, err := c.serverURL()
	if err != nil {
		return nil, err
	}
	token, err := c.findToken(base)
	if _, missing := errors.AsType[*noTokenError](err); missing && isLoopback(base) {
		if api, newErr := client.New(base, ""); newErr == nil && api.IsOpen(ctx) {
			return &session{Client: api}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	open := client.New
	if token.unproven {
		open = client.NewUnproven
	}
	api, err := open(base, token.value)
	if err != nil {
		return nil, hint(err, "this token came from %s", token.source)
	}
	return &session{Client: api, token: token}, nil
}

// explain adds to a refused token where it came from: one that login stored
// once hides the one in the server's folder.
func (s *session) explain(err error) error {
	if s.token.source == "" { // none was needed
		return err
	}
	if e, ok := errors.AsType[*client.UnprovenError](err); ok {
		return hint(err, "is it another program that listens there, or a server with other data, or does a proxy stand in between?\n"+
			"This token came from %s; if the server is yours, `spacewasm login %s` stores its token, or --token gives it",
			s.token.source, e.Server)
	}
	if e, ok := errors.AsType[*space.Error](err); ok && e.Code == space.CodeUnauthorized {
		return hint(err, "this token came from %s;\n`spacewasm login URL` stores another, --token gives one for this command", s.token.source)
	}
	if e, ok := errors.AsType[*space.Error](err); ok && e.Code == space.CodeForbidden {
		return hint(err, "this token came from %s; --token gives another for this command", s.token.source)
	}
	return err
}

// isLoopback tells whether a server's address can only be this machine.
func isLoopback(base *url.URL) bool {
	host := strings.TrimSuffix(base.Hostname(), ".")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || isLocalhostName(host)
}

// isLocalhostName tells whether a host is below localhost: browsers take it for
// this machine, other programs often do not know it.
func isLocalhostName(host string) bool { return strings.HasSuffix(host, ".localhost") }

// appName reads an app's name from the command line.
func appName(s string) (space.AppName, error) {
	name, err := space.ParseAppName(s)
	if err != nil {
		return "", usageError{err}
	}
	return name, nil
}
