package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/reports"
)

func newReports(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "reports APP [ID]",
		Short: "Say why requests to an app have failed",
		Long: `Lists the failures of an app's Micros, the newest first, or says all about one: what
the program used and might use, its wasm stack, what it wrote last, and what it was
asked. ID is the error id that the visitor saw.

Of failures that are alike one in a second is kept, and the others are counted.
Secrets do not stand in reports: credentials, the values of queries and of the app's
variables are masked.`,
		Example: `  spacewasm reports hello
  spacewasm reports hello 3xvbg7mqzyq2hjd4s6wa
  spacewasm reports hello --json | jq '.reports[] | select(.code == "deadline")'`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return c.report(cmd.Context(), args[0], args[1], asJSON)
			}
			return c.reports(cmd.Context(), args[0], asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) reports(ctx context.Context, app string, asJSON bool) error {
	name, err := appName(app)
	if err != nil {
		return err
	}
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	all, err := api.Reports(ctx, name)
	if err != nil {
		return api.explain(err)
	}
	if asJSON {
		return printJSON(c.out, all, "  ")
	}
	return c.printReports(all)
}

func (c *cli) report(ctx context.Context, app, id string, asJSON bool) error {
	name, err := appName(app)
	if err != nil {
		return err
	}
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	report, err := api.Report(ctx, name, id)
	if err != nil {
		return api.explain(unknown(err, fmt.Sprintf("`spacewasm reports %s` lists those that there are", name)))
	}
	if asJSON {
		return printJSON(c.out, report, "  ")
	}
	return printReport(c.out, report)
}

func (c *cli) printReports(all wire.Reports) error {
	if len(all.Reports) > 0 {
		rows := [][]string{{"ID", "AGE", "MICRO", "REVISION", "CODE", "ALIKE", "MESSAGE"}}
		for _, r := range all.Reports {
			rows = append(rows, []string{r.ID, age(r.At), r.Micro, strconv.Itoa(r.Revision), string(r.Code), strconv.Itoa(r.Similar), r.Message})
		}
		if err := table(c.out, rows); err != nil {
			return err
		}
	}
	for _, count := range all.Counts {
		if _, err := fmt.Fprintf(c.out, "%s, without a report: %d, the last %s ago\n", cell(string(count.Code)), count.Count, age(count.Latest)); err != nil {
			return err
		}
	}
	return nil
}

// printReport prints a report for people.
func printReport(w io.Writer, r reports.Report) error {
	rows := [][]string{
		{"id", r.ID},
		{"time", r.At.Local().Format(logTime)},
		{"error", fmt.Sprintf("%s (%d %s)", r.Title, r.Status, r.Code)},
		{"message", r.Message},
		{"micro", fmt.Sprintf("%s, revision %d", r.Micro, r.Revision)},
		{"took", fmt.Sprintf("%.1f ms", r.TookMS)},
		{"start", orDash(string(r.Start))},
		{"ran", of(r.Time, func(n uint64) string { return (time.Duration(n) * time.Millisecond).String() })},
		{"memory", of(r.Memory, humanize.IBytes)},
		{"fuel", of(r.Fuel, func(n uint64) string { return strconv.FormatUint(n, 10) })},
	}
	if r.Committed {
		rows = append(rows, []string{"answer", "a part of it had been sent; the connection was cut"})
	}
	if r.Similar > 0 {
		rows = append(rows, []string{"alike", fmt.Sprintf("%d more, the last %s ago", r.Similar, age(r.Latest))})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	request := []string{r.Request.Method + " " + r.Request.Target + " " + r.Request.Proto}
	for _, h := range r.Request.Headers {
		request = append(request, h.Name+": "+h.Value)
	}
	for _, part := range []struct {
		title string
		lines []string
	}{{"stack", r.Stack}, {"log", r.Log}, {"request", request}} {
		if len(part.lines) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s\n    %s\n", part.title, strings.ReplaceAll(escape(strings.Join(part.lines, "\n")), "\n", "\n    ")); err != nil {
			return err
		}
	}
	return nil
}

// of says what was used of what might be.
func of(m reports.Measure, format func(uint64) string) string {
	if m.Limit == 0 {
		return format(m.Used)
	}
	return format(m.Used) + " of " + format(m.Limit)
}
