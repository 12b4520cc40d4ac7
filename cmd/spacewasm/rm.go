package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
)

func newRemove(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm APP",
		Short: "Delete an app",
		Long: `Deletes an app from a server, with all of its revisions, its log, its keys, and the
tokens that may deploy it only. On a terminal it asks first; elsewhere it does not.`,
		Example: `  spacewasm rm hello
  spacewasm rm hello --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			return c.remove(cmd.Context(), app, yes)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (c *cli) remove(ctx context.Context, app space.AppName, yes bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	if !yes {
		sure, err := c.confirm(ctx, fmt.Sprintf("delete %s from %s, with all of its revisions?", app, c.server))
		if err != nil {
			return err
		}
		if !sure {
			return errors.New("nothing was deleted")
		}
	}
	if err := api.Remove(ctx, app); err != nil {
		return api.explain(err)
	}
	fmt.Fprintf(c.err, "deleted %s\n", app)
	return nil
}
