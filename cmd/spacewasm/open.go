package main

import (
	"fmt"
	"net/url"

	"github.com/cli/browser"
	"github.com/spf13/cobra"
)

func newOpen(c *cli) *cobra.Command {
	var only bool
	cmd := &cobra.Command{
		Use:   "open APP",
		Short: "Open an app in a browser",
		Long: `Prints the address of an app, and opens it in a browser when a terminal says
that a person is there.`,
		Example: `  spacewasm open hello
  curl "$(spacewasm open hello --print)"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := appName(args[0])
			if err != nil {
				return err
			}
			api, err := c.dial(cmd.Context())
			if err != nil {
				return err
			}
			app, err := api.App(cmd.Context(), name)
			if err != nil {
				return api.explain(err)
			}
			fmt.Fprintln(c.out, escape(app.URL))
			if only || !c.outTerminal {
				return nil
			}
			return browse(app.URL)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&only, "print", false, "only print the address")
	return cmd
}

// browse opens a web address. The server says which, and other schemes would
// start other programs.
func browse(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is no web address; it was not opened", address)
	}
	if err := browser.OpenURL(u.String()); err != nil {
		return hint(fmt.Errorf("open a browser: %w", err), "open the address above yourself; --print only prints it")
	}
	return nil
}
