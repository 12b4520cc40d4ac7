package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newToken(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the token that commands use for a server; make others",
		Long: `Prints the token that commands would send to a server, and on standard error
where it comes from. The places, first to last: --token, the variable
SPACEWASM_TOKEN, what "spacewasm login" stored, and for a server on this machine
the file spacewasm-data/token in this folder.

The commands below make other tokens of a server, and revoke them.`,
		Example: `  curl -H "Authorization: Bearer $(spacewasm token)" http://localhost:4200/api/v1/apps
  spacewasm token --server https://space.example.org
  spacewasm token create ci --app shop     # another token, which may deploy one app`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			base, err := c.serverURL()
			if err != nil {
				return err
			}
			token, err := c.findToken(base)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.err, "from %s\n", token.source)
			_, err = fmt.Fprintln(c.out, token.value)
			return err
		},
	}
	c.serverFlags(cmd)
	cmd.AddCommand(newTokenCreate(c), newTokenList(c), newTokenRevoke(c))
	return cmd
}
