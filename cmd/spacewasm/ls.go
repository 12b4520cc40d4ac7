package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

func newList(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List the apps of a server",
		Long: `Lists the apps of a server: the revision that answers requests, its number of
Micros, how long ago it was pushed, and where it answers: its built-in URL, and
domains of its owner's if any app has one.`,
		Example: `  spacewasm ls
  spacewasm ls --json
  spacewasm open hello     # what next: see one in a browser`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.dial(cmd.Context())
			if err != nil {
				return err
			}
			apps, err := api.Apps(cmd.Context())
			if err != nil {
				return api.explain(err)
			}
			if asJSON {
				return printJSON(c.out, apps, "  ")
			}
			return c.printApps(apps.Apps)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) printApps(apps []wire.App) error {
	if len(apps) == 0 {
		fmt.Fprintln(c.err, "no apps yet; `spacewasm push DIR` puts one here")
		return nil
	}
	rows := [][]string{{"APP", "REVISION", "MICROS", "AGE", "URL"}}
	domains := slices.ContainsFunc(apps, func(app wire.App) bool { return len(app.Domains)+len(app.Shadowed) > 0 })
	if domains {
		rows[0] = append(rows[0], "DOMAINS")
	}
	for _, app := range apps {
		row := []string{app.App, strconv.Itoa(app.Revision), strconv.Itoa(len(app.Micros)), age(app.Created), app.URL}
		if domains {
			hosts := slices.Clone(app.Domains)
			for _, host := range app.Shadowed {
				hosts = append(hosts, host+" (shadowed)")
			}
			row = append(row, strings.Join(hosts, " "))
		}
		rows = append(rows, row)
	}
	if err := table(c.out, rows); err != nil {
		return err
	}
	for _, app := range apps {
		for _, host := range app.Shadowed {
			c.tellShadowed(app.App, host)
		}
		if app.Failed != "" {
			fmt.Fprintf(c.err, "%s does not run: %s\n", cell(app.App), cell(app.Failed))
		}
		if app.Preparing {
			fmt.Fprintf(c.err, "%s is being prepared for this version of the server\n", cell(app.App))
		}
	}
	return nil
}
