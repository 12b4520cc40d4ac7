package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
)

func newTokenCreate(c *cli) *cobra.Command {
	var app string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make another token",
		Long: `Makes a token beside the one in the server's file: for one app (--app), whose
owner or CI may push it, look at it and read its logs and reports, and nothing else;
or, without --app, for all. Revisions say by the token's name who has pushed them.

The value is all of standard output, and is shown this once: the server keeps only
its hash. A token for one app goes with the app.`,
		Example: `  spacewasm token create ci --app shop
  spacewasm token create "the laptop of Anna"
  SPACEWASM_TOKEN=swt_... spacewasm push --app shop   # what next, in the CI`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := credentialName(args[0]); err != nil {
				return err
			}
			if !cmd.Flags().Changed("app") {
				return c.createToken(cmd.Context(), args[0], "", asJSON)
			}
			name, err := appName(app) // an empty one, too: an empty variable must not make an admin
			if err != nil {
				return err
			}
			return c.createToken(cmd.Context(), args[0], name, asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().StringVar(&app, "app", "", "the one app that the token may deploy (default: it may do all)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) createToken(ctx context.Context, name string, app space.AppName, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	token, err := api.CreateToken(ctx, name, app)
	if err != nil {
		return api.explain(err)
	}
	if err := c.printSecret(token, asJSON); err != nil {
		return err
	}
	what := "may do all"
	if app != "" {
		what = "may deploy " + string(app)
	}
	fmt.Fprintf(c.err, "this is shown once; who has it %s. It goes into SPACEWASM_TOKEN, or `spacewasm login %s` stores it\n", what, c.server)
	return nil
}

func newTokenList(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the tokens of a server",
		Long:    `Lists the tokens of a server beside the one in its file, and what each may do.`,
		Example: `  spacewasm token ls
  spacewasm token ls --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listTokens(cmd.Context(), asJSON) },
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) listTokens(ctx context.Context, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	tokens, err := api.Tokens(ctx)
	if err != nil {
		return api.explain(err)
	}
	if asJSON {
		return printJSON(c.out, tokens, "  ")
	}
	if len(tokens.Tokens) == 0 {
		fmt.Fprintln(c.err, "no tokens but the one in the server's file; `spacewasm token create NAME` makes one")
		return nil
	}
	rows := [][]string{{"NAME", "MAY", "CREATED"}}
	for _, token := range tokens.Tokens {
		may := "do all"
		if token.App != "" {
			may = "deploy " + token.App
		}
		rows = append(rows, []string{token.Name, may, ago(token.Created)})
	}
	return table(c.out, rows)
}

func newTokenRevoke(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke NAME",
		Aliases: []string{"rm"},
		Short:   "Revoke a token",
		Long: `Revokes a token, at once and without asking. The one in the server's file has no
name: stop the server, delete the file, and start it.`,
		Example: `  spacewasm token revoke ci`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := credentialName(args[0]); err != nil {
				return err
			}
			api, err := c.dial(cmd.Context())
			if err != nil {
				return err
			}
			if err := api.RevokeToken(cmd.Context(), args[0]); err != nil {
				return api.explain(unknown(err, "`spacewasm token ls` lists the tokens"))
			}
			fmt.Fprintf(c.err, "revoked the token %s\n", args[0])
			return nil
		},
	}
	c.serverFlags(cmd)
	return cmd
}

// unknown says where to look for the name of what is not there.
func unknown(err error, where string) error {
	if e, ok := errors.AsType[*space.Error](err); ok && e.Code == space.CodeNotFound {
		return hint(err, "%s", where)
	}
	return err
}
