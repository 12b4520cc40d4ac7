package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

const keysLong = `Lists, makes and deletes the keys with which programs come in to an app. A program
sends one in the header X-Space-App-Key, to Micros that have "api_keys: true"
under "presets" in the Spacefile. A key opens nothing of the server itself.

The value of a new key is all of standard output, and is shown this once: the
server keeps only its hash. Deleting one asks nothing, and works at once.`

func newKeys(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys APP [create NAME | delete NAME]",
		Short: "Keys with which programs come in to an app",
		Long:  keysLong,
		Example: `  spacewasm keys shop
  spacewasm keys shop create "the till"
  spacewasm keys shop delete "the till"
  curl -H "X-Space-App-Key: $KEY" https://shop.space.example.org/   # what next`,
		Args: keysArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return c.listKeys(cmd.Context(), app, asJSON)
			}
			if err := credentialName(args[2]); err != nil {
				return err
			}
			if args[1] == "create" {
				return c.createKey(cmd.Context(), app, args[2], asJSON)
			}
			return c.deleteKey(cmd.Context(), app, args[2])
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func keysArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 1:
		return nil
	case len(args) == 3 && slices.Contains([]string{"create", "delete"}, args[1]):
		return nil
	case len(args) == 0:
		return usagef("which app?")
	case args[1] == "create" || args[1] == "delete":
		return usagef("%s takes the name of one key", args[1])
	}
	return usagef("want create NAME or delete NAME after the app, not %q", strings.Join(args[1:], " "))
}

// credentialName checks the name of a key or token on the command line.
func credentialName(name string) error {
	if err := access.CheckName(name); err != nil {
		return usageError{err}
	}
	return nil
}

func (c *cli) listKeys(ctx context.Context, app space.AppName, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	keys, err := api.Keys(ctx, app)
	if err != nil {
		return api.explain(err)
	}
	if asJSON {
		return printJSON(c.out, keys, "  ")
	}
	if len(keys.Keys) == 0 {
		fmt.Fprintf(c.err, "no keys yet; `spacewasm keys %s create NAME` makes one\n", app)
		return nil
	}
	rows := [][]string{{"NAME", "CREATED"}}
	for _, key := range keys.Keys {
		rows = append(rows, []string{key.Name, ago(key.Created)})
	}
	return table(c.out, rows)
}

func (c *cli) createKey(ctx context.Context, app space.AppName, name string, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	key, err := api.CreateKey(ctx, app, name)
	if err != nil {
		return api.explain(err)
	}
	if err := c.printSecret(key, asJSON); err != nil {
		return err
	}
	address, fits := "ADDRESS", true
	if described, err := api.App(ctx, app); err == nil { // or it is made, and only where it fits is not known
		address = described.URL
		i := slices.IndexFunc(described.Micros, func(m wire.Micro) bool { return m.APIKeys })
		if fits = i >= 0; fits {
			address += strings.TrimPrefix(described.Micros[i].Path, "/")
		}
	}
	// The value itself is for standard output alone: the other is kept by many a CI.
	fmt.Fprintf(c.err, "this is shown once. A program sends it as a header:\n  curl -H \"X-Space-App-Key: $KEY\" %s\n", cell(address))
	if !fits {
		fmt.Fprintf(c.err, "note: no Micro of %s takes keys: give one `api_keys: true` under `presets` in the Spacefile, and push\n", app)
	}
	return nil
}

func (c *cli) deleteKey(ctx context.Context, app space.AppName, name string) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	if err := api.DeleteKey(ctx, app, name); err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps, `spacewasm keys APP` the keys of one"))
	}
	fmt.Fprintf(c.err, "deleted the key %s of %s\n", name, app)
	return nil
}

// printSecret prints the value alone, for whoever reads standard output.
func (c *cli) printSecret(secret wire.Secret, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, secret, "  ")
	}
	_, err := fmt.Fprintln(c.out, cell(secret.Value))
	return err
}

// ago says when something was, for a person, and age how long it has been.
func ago(when time.Time) string {
	return strings.TrimSpace(humanize.RelTime(when, time.Now(), "ago", ""))
}

func age(since time.Time) string {
	return strings.TrimSpace(humanize.RelTime(since, time.Now(), "", ""))
}
