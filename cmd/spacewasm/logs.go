package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/logs"
)

// logTime is how the local time of an entry is written.
const logTime = "2006-01-02 15:04:05.000"

func newLogs(c *cli) *cobra.Command {
	var q client.Query
	var requests, asJSON bool
	cmd := &cobra.Command{
		Use:   "logs APP",
		Short: "Print what an app wrote, what went wrong with it, and what it was asked",
		Long: `Prints the log of an app, oldest first: what its Micros wrote to standard error
("guest"), and what the platform says about them ("platform" and an error code,
with the wasm stack trace of a crash). The id of a request is the error id that
visitors see. Control characters are shown as escapes.

With --requests or --status it prints the requests that were answered instead
("request"), without queries and clients' addresses; --json adds what each used.
With --request it prints all there is of one request.`,
		Example: `  spacewasm logs hello
  spacewasm logs hello -f --micro api
  spacewasm logs hello --requests --status 5xx --since 1h
  spacewasm logs hello --request 3xvbg7mqzyq2hjd4s6wa   # the error id of a page
  spacewasm logs hello --since 10m --json | jq 'select(.source == "platform")'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := logs.ParseStatus(q.Status); err != nil {
				return usagef("--%v", err)
			}
			if q.Follow && !q.Until.IsZero() {
				return usagef("--until and --follow do not go together: what comes is later")
			}
			if requests {
				q.Source = logs.SourceRequest
			}
			return c.logs(cmd.Context(), args[0], q, asJSON)
		},
	}
	c.serverFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&q.Micro, "micro", "", "only this Micro's")
	flags.BoolVarP(&q.Follow, "follow", "f", false, "wait for more, until interrupted")
	flags.Var((*moment)(&q.Since), "since", "only what is not older than this, for example 10m or 2026-01-31T12:00:00Z")
	flags.Var((*moment)(&q.Until), "until", "only what is older than this")
	flags.StringVar(&q.Text, "grep", "", "only what has this text in it, in whatever case")
	flags.StringVar(&q.Status, "status", "", "only requests that were answered with this status, for example 404 or 5xx")
	flags.StringVar(&q.Request, "request", "", "only this request's: the error id that its visitor saw")
	flags.BoolVar(&requests, "requests", false, "print the requests that were answered")
	flags.IntVarP(&q.Limit, "tail", "n", 0, "of what there is, only so many of the newest lines")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// moment is a flag's time, written as how long ago or as a date.
type moment time.Time

var _ pflag.Value = (*moment)(nil)

func (m *moment) String() string {
	if at := time.Time(*m); !at.IsZero() {
		return at.Format(time.RFC3339)
	}
	return ""
}

func (m *moment) Set(text string) error {
	if text == "" {
		*m = moment{}
		return nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		*m = moment(time.Now().Add(-ago))
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return errors.New("want how long ago, for example 10m, or a time like 2026-01-31T12:00:00Z")
	}
	*m = moment(at)
	return nil
}

func (m *moment) Type() string { return "time" }

func (c *cli) logs(ctx context.Context, app string, q client.Query, asJSON bool) error {
	name, err := appName(app)
	if err != nil {
		return err
	}
	api, err := c.dial(ctx)
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
