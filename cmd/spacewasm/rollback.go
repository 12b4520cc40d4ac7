package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
)

func newRollback(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rollback APP [REVISION]",
		Short: "Have an older revision of an app answer again",
		Long: `Makes a revision of an app that the server keeps the one that answers; without a
number, the one before that which does. It keeps its number, and the next push
goes on from the newest. No request is dropped; if the revision does not run, the
one that answers goes on.

The app's address is the last line of standard output.`,
		Example: `  spacewasm rollback hello
  spacewasm revisions hello    # which there are
  spacewasm rollback hello 3`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			revision := 0
			if len(args) == 2 {
				if revision, err = strconv.Atoi(args[1]); err != nil || revision < 1 {
					return usagef("%q is no revision: want its number, as `spacewasm revisions %s` lists it", args[1], app)
				}
			}
			return c.rollback(cmd.Context(), app, revision, asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the app as JSON instead of its address")
	return cmd
}

func (c *cli) rollback(ctx context.Context, app space.AppName, revision int, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	live, err := api.Rollback(ctx, app, revision)
	if err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps, `spacewasm revisions APP` the revisions of one"))
	}
	if asJSON {
		return printJSON(c.out, live, "  ")
	}
	return c.printDeployed(live)
}
