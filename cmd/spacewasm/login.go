package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/space"
)

func newLogin(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "login URL",
		Short: "Store a server's token for later commands",
		Long: `Asks for a token of a server, checks it there, and stores it for every later
command with that --server: the admin token, or one that "spacewasm token create"
has made. Without a terminal the token is the first line of standard input.

The server wrote its admin token to the file "token" in its data folder. What you
give is stored in the file spacewasm/credentials.json of your settings folder,
which only you can read, and is sent to that server only.`,
		Example: `  spacewasm login https://space.example.org
  ssh box cat spacewasm-data/token | spacewasm login https://space.example.org
  spacewasm push --server https://space.example.org   # what next`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.login(cmd.Context(), args[0]) },
	}
	cmd.Flags().StringVar(&c.token, "token", "", "the token; without it you are asked")
	return cmd
}

func (c *cli) login(ctx context.Context, server string) error {
	base, err := client.ParseServer(server)
	if err != nil {
		return usageError{err}
	}
	if base.Scheme == "http" && !isLoopback(base) {
		fmt.Fprintf(c.err, "warning: %s is not encrypted; whoever sees the traffic sees the token\n", base)
	}
	token, err := c.askToken(ctx, base)
	if err != nil {
		return err
	}
	api, err := client.New(base, token)
	if err != nil {
		return err
	}
	if _, err := api.Apps(ctx); err != nil {
		if e, ok := errors.AsType[*space.Error](err); ok && e.Code == space.CodeUnauthorized {
			return hint(err, "nothing was stored; the token is in the file `token` of the server's data folder")
		}
		return err
	}
	file, err := c.store(base, token)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "logged in to %s; the token is stored in %s\n", base, file)
	if base.String() != defaultServer {
		fmt.Fprintf(c.err, "other commands find it with --server %s, or once and for all with\n  export SPACEWASM_SERVER=%s\n", base, base)
	}
	return nil
}

func (c *cli) store(base *url.URL, token string) (string, error) {
	file, err := c.credentialsFile()
	if err != nil {
		return "", err
	}
	stored, err := readCredentials(file)
	if err != nil {
		return "", err
	}
	stored.Tokens[base.String()] = token
	return file, writeCredentials(file, stored)
}

// askToken takes the token from the flag, a prompt without echo, or the first
// line of standard input.
func (c *cli) askToken(ctx context.Context, base *url.URL) (string, error) {
	token := strings.TrimSpace(c.token)
	if token == "" {
		text, err := c.readSecret(ctx, fmt.Sprintf("token of %s: ", base))
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		token = strings.TrimSpace(text)
	}
	if token == "" {
		return "", hint(errors.New("no token was given"), "type it, pipe it in, or give --token")
	}
	return token, nil
}
