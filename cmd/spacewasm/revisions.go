package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

func newRevisions(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "revisions APP",
		Short: "List what an app was",
		Long: `Lists the revisions of an app that the server keeps, the ten newest: when each
was pushed, with which token, and what it changed of the one before. The one with
a * answers.`,
		Example: `  spacewasm revisions hello
  spacewasm revisions hello --json
  spacewasm rollback hello     # what next: go back to the one before`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			api, err := c.dial(cmd.Context())
			if err != nil {
				return err
			}
			revisions, err := api.Revisions(cmd.Context(), app)
			if err != nil {
				return api.explain(err)
			}
			if asJSON {
				return printJSON(c.out, revisions, "  ")
			}
			return c.printRevisions(revisions.Revisions)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) printRevisions(revisions []wire.Revision) error {
	rows := [][]string{{"REVISION", "AGE", "BY", "SIZE", "CHANGED"}}
	for _, r := range revisions {
		number := strconv.Itoa(r.Revision)
		if r.Active {
			number += " *"
		}
		rows = append(rows, []string{number, age(r.Created), orDash(r.Author), humanSize(r.Bytes), orDash(strings.Join(r.Changes, ", "))})
	}
	return table(c.out, rows)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
