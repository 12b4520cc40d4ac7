package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
)

const domainsLong = `Lists, adds and removes the domains of an app: hosts of your own at which it answers
beside its built-in one, with the same Micros, rules and logins. An app has at most
10, and a domain is one app's.

Adding one tells the server; what leads visitors there is yours to set:

  1. DNS: an A (and AAAA) record of the host with the address that the server's own
     domain has, or a CNAME record to that domain. At the top of a zone, where no
     CNAME can stand, only the first.
  2. The proxy in front of the server: it has a certificate for the host, and passes
     its requests on with the Host header as it came. With Caddy that is one more
     name in the line of hosts.

Adding and removing work at once. Remove a domain here before you let go of its DNS:
the server sends browsers that log in to the app on to it, whoever answers there.`

func newDomains(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "domains APP [add HOST | rm HOST]",
		Short: "Hosts of your own at which an app answers",
		Long:  domainsLong,
		Example: `  spacewasm domains shop
  spacewasm domains shop add shop.example.org
  spacewasm domains shop rm shop.example.org
  curl -H "Host: shop.example.org" http://localhost:4200/   # what next: try it before DNS leads there`,
		Args: domainsArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return c.listDomains(cmd.Context(), app, asJSON)
			}
			host, err := space.ParseDomain(args[2])
			if err != nil {
				return usageError{err}
			}
			if args[1] == "add" {
				return c.addDomain(cmd.Context(), app, host, asJSON)
			}
			return c.removeDomain(cmd.Context(), app, host)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func domainsArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 1:
		return nil
	case len(args) == 3 && slices.Contains([]string{"add", "rm"}, args[1]):
		return nil
	case len(args) == 0:
		return usagef("which app?")
	case args[1] == "add" || args[1] == "rm":
		return usagef("%s takes one host", args[1])
	}
	return usagef("want add HOST or rm HOST after the app, not %q", strings.Join(args[1:], " "))
}

func (c *cli) listDomains(ctx context.Context, app space.AppName, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	domains, err := api.Domains(ctx, app)
	if err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps"))
	}
	if asJSON {
		return printJSON(c.out, domains, "  ")
	}
	if len(domains.Domains) == 0 {
		fmt.Fprintf(c.err, "no domains yet; `spacewasm domains %s add HOST` adds one\n", app)
		return nil
	}
	rows := [][]string{{"DOMAIN", "ADDED", "URL"}}
	for _, domain := range domains.Domains {
		where := domain.URL
		if domain.Shadowed {
			where = "shadowed"
		}
		rows = append(rows, []string{domain.Host, ago(domain.Created), where})
	}
	if err := table(c.out, rows); err != nil {
		return err
	}
	for _, domain := range domains.Domains {
		if domain.Shadowed {
			c.tellShadowed(string(app), domain.Host)
		}
	}
	return nil
}

// tellShadowed says why a host that was given to an app does not lead to it.
func (c *cli) tellShadowed(app, host string) {
	fmt.Fprintf(c.err, "%s has become the server's own or below it, and does not count as a domain of %s: "+
		"remove it with `spacewasm domains %[2]s rm %[1]s`, or start the server with another --domain or --public-url\n", cell(host), cell(app))
}

func (c *cli) addDomain(ctx context.Context, app space.AppName, host space.Domain, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	domain, err := api.AddDomain(ctx, app, host)
	if err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps"))
	}
	if asJSON {
		err = printJSON(c.out, domain, "  ")
	} else {
		_, err = fmt.Fprintln(c.out, cell(domain.URL))
	}
	fmt.Fprintf(c.err, "%s answers at %s. Visitors get there once its DNS leads to the server, and the proxy in front has a certificate for it:\n"+
		"`spacewasm domains --help` says how\n", app, host)
	return err
}

func (c *cli) removeDomain(ctx context.Context, app space.AppName, host space.Domain) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	if err := api.RemoveDomain(ctx, app, host); err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps, `spacewasm domains APP` the domains of one"))
	}
	fmt.Fprintf(c.err, "%s does not answer at %s any more. Remove its DNS record too, if that still leads here\n", app, host)
	return nil
}
