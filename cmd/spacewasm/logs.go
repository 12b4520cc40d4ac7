package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/logs"
)

// logTime is how the local time of an entry is written.
const logTime = "2006-01-02 15:04:05.000"

func newLogs(c *cli) *cobra.Command {
	var q client.Query
	var since time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "logs APP",
		Short: "Print what an app wrote, and what went wrong with it",
		Long: `Prints the log of an app, oldest first: what its Micros wrote to standard error
("guest"), and what the platform says about them ("platform" and an error code,
with the wasm stack trace of a crash). The id of a request is the error id that
visitors see. Control characters are shown as escapes.`,
		Example: `  spacewasm logs hello
  spacewasm logs hello -f --micro api
  spacewasm logs hello --since 10m --json | jq 'select(.source == "platform")'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if since < 0 {
				return usagef("--since %s: want how long ago, for example 10m", since)
			}
			if since > 0 {
				q.Since = time.Now().Add(-since)
			}
			return c.logs(cmd.Context(), args[0], q, asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().StringVar(&q.Micro, "micro", "", "only this Micro's")
	cmd.Flags().BoolVarP(&q.Follow, "follow", "f", false, "wait for more, until interrupted")
	cmd.Flags().DurationVar(&since, "since", 0, "only what is not older than this, for example 10m")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (c *cli) logs(ctx context.Context, app string, q client.Query, asJSON bool) error {
	name, err := appName(app)
	if err != nil {
		return err
	}
	api, err := c.dial()
	if err != nil {
		return err
	}
	show := func(e logs.Entry) error { return printEntry(c.out, e) }
	if asJSON {
		show = func(e logs.Entry) error { return printJSON(c.out, e, "") }
	}
	err = api.Logs(ctx, name, q, show)
	if q.Follow && errors.Is(err, context.Canceled) {
		// An interrupt is how following is meant to end.
		return nil
	}
	return api.explain(err)
}

// printEntry prints an entry, with the further lines of its message indented.
func printEntry(w io.Writer, e logs.Entry) error {
	source := e.Source
	if e.Code != "" {
		source += "/" + e.Code
	}
	message := strings.TrimRight(strings.ReplaceAll(e.Message, "\r\n", "\n"), "\n")
	_, err := fmt.Fprintf(w, "%s  %s  %s  %s  %s\n", e.Time.Local().Format(logTime),
		cell(e.Micro), cell(e.Request), cell(source), strings.ReplaceAll(escape(message), "\n", "\n    "))
	return err
}
