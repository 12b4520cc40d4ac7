package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
)

const pushLong = `Deploys an app: the server takes the upload, compiles it, and answers requests
with it once it is ready; until then, and if it is refused, the revision before
goes on.

What to push:
  DIR        a project: its Spacefile and the folder of each Micro; without a
             Spacefile everything in it, with a main.wasm at its root
  FILE.wasm  one module, which becomes an app with one public Micro
  ARCHIVE    a project as .zip, .tar.gz or .tgz

The app is named after the folder or file, unless --app names it. Symbolic links
are refused. These names are left out of a folder, at any depth; a .spaceignore
is not followed yet:
` + skippedNames + `

Files that the app has on the server already are not sent again. Progress goes to
standard error; the app's address is the last line of standard
output.`

func newPush(c *cli) *cobra.Command {
	var app string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "push [DIR | FILE.wasm | ARCHIVE]",
		Short: "Deploy an app",
		Long:  pushLong,
		Example: `  spacewasm push                                  # the project in this folder
  spacewasm push examples/hello
  spacewasm push build/main.wasm --app hello
  spacewasm push --server https://space.example.org --json
  spacewasm logs hello -f                         # what next: see what it writes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "."
			if len(args) == 1 {
				what = args[0]
			}
			return c.push(cmd.Context(), what, app, asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().StringVar(&app, "app", "", "the app's name (default: from the folder or file)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the deployed app as JSON instead of its address")
	return cmd
}

func (c *cli) push(ctx context.Context, what, app string, asJSON bool) error {
	if _, err := appName(app); app != "" && err != nil {
		return err
	}
	show := newProgress(c.err, c.errTerminal)
	load, err := newUpload(what, show)
	if err != nil {
		return err
	}
	name, err := pushName(app, load.name)
	if err != nil {
		return err
	}
	api, err := c.dial()
	if err != nil {
		return err
	}
	deployed, err := api.upload(ctx, name, load, show)
	if err != nil {
		return api.explain(err)
	}
	if asJSON {
		return printJSON(c.out, deployed, "  ")
	}
	return c.printDeployed(deployed)
}

// pushName is the app's name: as given, or made of the folder's or file's.
func pushName(given, found string) (space.AppName, error) {
	if given != "" {
		return appName(given)
	}
	name, err := space.SuggestAppName(found)
	if err != nil {
		return "", hint(fmt.Errorf("%q makes no name for an app", found), "give one with --app NAME")
	}
	return name, nil
}

// watched tells when a body has been read to its end.
type watched struct {
	io.ReadCloser
	ended func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		w.ended()
	}
	return n, err
}
