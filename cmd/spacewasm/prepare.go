package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/deploy"
)

const prepareLong = `Prepares the apps of a data directory for this version of spacewasm: compiles
their modules and takes their snapshots, where that has not been done.

A server does it too, when it starts after an upgrade: it answers at once for the
apps that are prepared, and asks visitors of the others to try again in a moment.
Run prepare before, with the server stopped, and there are none. It takes the flags
and variables of serve: give it the same, as a snapshot holds the app's address and
the limits.

The exit status is 1 if an app cannot run with this version.`

func newPrepare(c *cli) *cobra.Command {
	config := host.DefaultConfig()
	config.Version = c.version
	read := func() error { return nil }
	cmd := &cobra.Command{
		Use:   "prepare",
		Short: "Prepare the apps of a data directory, before a server starts",
		Long:  prepareLong,
		Example: `  spacewasm prepare
  spacewasm prepare --data /var/lib/spacewasm --domain apps.example.org`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := read(); err != nil {
				return err
			}
			if _, err := os.Stat(filepath.Join(config.Data, "spacewasm.db")); err != nil {
				return hint(fmt.Errorf("there are no apps in %s: %w", config.Data, err), "name the server's data directory with --data")
			}
			apps, failed := 0, 0
			err := host.Prepare(cmd.Context(), config, func(p deploy.Prepared) {
				apps++
				if p.Failed != "" {
					failed++
					fmt.Fprintf(c.out, "%s cannot run: %s\n", cell(string(p.App)), cell(p.Failed))
					return
				}
				fmt.Fprintf(c.out, "%s is prepared (%v)\n", cell(string(p.App)), p.Took.Round(time.Millisecond))
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.err, "%d of %d apps are ready\n", apps-failed, apps)
			if failed > 0 {
				return exitStatus(exitNo)
			}
			return nil
		},
	}
	read = c.serverConfig(cmd.Flags(), &config)
	return cmd
}
