package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newRemove(c *cli) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "rm APP",
		Short: "Delete an app",
		Long: `Deletes an app from a server, with all of its revisions and its log. On a
terminal it asks first; elsewhere it does not.`,
		Example: `  spacewasm rm hello
  spacewasm rm hello --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			api, err := c.dial()
			if err != nil {
				return err
			}
			if !yes && !c.confirm(fmt.Sprintf("delete %s from %s, with all of its revisions?", app, c.server)) {
				return errors.New("nothing was deleted")
			}
			if err := api.Remove(cmd.Context(), app); err != nil {
				return api.explain(err)
			}
			fmt.Fprintf(c.err, "deleted %s\n", app)
			return nil
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// confirm asks on a terminal. Elsewhere nobody could answer, and whoever wrote
// the script has decided.
func (c *cli) confirm(question string) bool {
	if !c.inTerminal {
		return true
	}
	fmt.Fprintf(c.err, "%s [y/N] ", question)
	answer, err := readLine(c.in)
	if err != nil {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	default:
		return false
	}
}
