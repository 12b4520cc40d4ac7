package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// actionCommand makes a command on one action.
func actionCommand(c *cli, cmd *cobra.Command, asJSON *bool, do func(context.Context, *session, space.AppName, wire.Action) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		app, err := appName(args[0])
		if err != nil {
			return err
		}
		api, err := c.dial(cmd.Context())
		if err != nil {
			return err
		}
		action, err := api.findAction(cmd.Context(), app, args[1])
		if err != nil {
			return err
		}
		return do(cmd.Context(), api, app, action)
	}
	if cmd.Args == nil {
		cmd.Args = cobra.ExactArgs(2)
	}
	cmd.Args = ofAction(cmd.Args)
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON")
	return cmd
}

func newActionRun(c *cli) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run APP [MICRO/]ID",
		Short: "Run an action now",
		Long: `Runs an action now, waits for its end, and prints how it ended and what the Micro
answered. It fails if the action did. Whether the action is paused does not matter.`,
		Example: `  spacewasm actions run digest tick
  spacewasm actions history digest`,
	}
	return actionCommand(c, cmd, &asJSON, func(ctx context.Context, api *session, app space.AppName, a wire.Action) error {
		ran, err := api.RunAction(ctx, app, a.Micro, a.ID)
		if err != nil {
			return api.explain(err)
		}
		if asJSON {
			err = printJSON(c.out, ran, "  ")
		} else {
			err = c.printRan(ran.Run)
		}
		if err == nil && ran.Run.State != string(space.RunOK) {
			err = whyFailed(app, ran.Run)
		}
		return err
	})
}

// whyFailed says of a run by hand where to read on.
func whyFailed(app space.AppName, run wire.Run) error {
	err := fmt.Errorf("the action %s/%s failed", run.Micro, run.Action)
	if run.Request == "" {
		return err
	}
	return hint(err, "`spacewasm reports %s %s` says why if the program broke off, `spacewasm logs %s --request %s` has what it wrote",
		app, run.Request, app, run.Request)
}

func (c *cli) printRan(run wire.Run) error {
	lines := []string{fmt.Sprintf("%s in %.0f ms", cell(outcome(run)), run.DurationMS)}
	for _, more := range []string{run.Message, run.Body} {
		if more != "" {
			lines = append(lines, strings.TrimRight(escape(more), "\n"))
		}
	}
	if run.BodyCut {
		fmt.Fprintln(c.err, "the Micro answered more than is shown")
	}
	_, err := fmt.Fprintln(c.out, strings.Join(lines, "\n"))
	return err
}

func newActionHistory(c *cli) *cobra.Command {
	var asJSON bool
	limit := 20
	cmd := &cobra.Command{
		Use:   "history APP [[MICRO/]ID]",
		Short: "What has become of an app's actions",
		Long: `Lists the newest runs of an app's actions, or of one: when each was due, how long it
took, how it ended, what it computed (fuel), the id of its request, by which
"spacewasm reports" and "spacewasm logs --request" find more, and the first lines that it
wrote. A run that the server was killed in is "interrupted"; one that it was not there for is
"missed"; one that was left out as the one before it still ran is "skipped".`,
		Example: `  spacewasm actions history digest
  spacewasm actions history digest tick --limit 100
  spacewasm actions history digest --json | jq '.runs[] | select(.state != "ok")'`,
		Args: ofAction(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 || limit > 500 {
				return usagef("--limit %d: want 1 to 500", limit)
			}
			q := client.RunQuery{Limit: limit, Log: true}
			if len(args) == 2 {
				micro, id, both := strings.Cut(args[1], "/")
				if !both {
					micro, id = "", args[1]
				}
				q.Micro, q.Action = micro, id
			}
			return c.history(cmd.Context(), args[0], q, asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&limit, "limit", limit, "show at most so many")
	return cmd
}

func (c *cli) history(ctx context.Context, name string, q client.RunQuery, asJSON bool) error {
	app, err := appName(name)
	if err != nil {
		return err
	}
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	answer, err := api.Runs(ctx, app, q)
	if err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps"))
	}
	if asJSON {
		return printJSON(c.out, answer, "  ")
	}
	if len(answer.Runs) == 0 {
		// One that a push has dropped has a history; one that never was has none.
		if q.Action != "" {
			if _, err := api.findAction(ctx, app, strings.TrimPrefix(q.Micro+"/"+q.Action, "/")); err != nil {
				return err
			}
		}
		fmt.Fprintf(c.err, "nothing has run yet; `%s` says when it does\n", listsActions(app))
		return nil
	}
	rows := [][]string{{"FIRE", "ACTION", "ENDED", "TOOK", "FUEL", "REQUEST", "LOG"}}
	for _, r := range answer.Runs {
		rows = append(rows, runRows(r)...)
	}
	return table(c.out, rows)
}

// runRows are a line for a run, and more for what it wrote.
func runRows(r wire.Run) [][]string {
	fire := clock(r.Fire)
	if r.First != nil {
		fire += " and before, since " + clock(*r.First)
	}
	action := r.Micro + "/" + r.Action
	if r.Trigger == string(space.TriggerManual) {
		action += " (by hand)"
	}
	if r.Attempt > 1 {
		action += " #" + strconv.Itoa(r.Attempt)
	}
	took, fuel := "-", "-"
	if r.Started != nil && r.Ended != nil {
		took = (time.Duration(r.DurationMS*1e3) * time.Microsecond).Round(time.Millisecond).String()
		fuel = strconv.FormatUint(r.Fuel, 10)
	}
	rows := [][]string{{fire, action, outcome(r), took, fuel, cmp.Or(r.Request, "-"), ""}}
	for i, line := range r.Log {
		if i > 0 {
			rows = append(rows, make([]string, len(rows[0])))
		}
		rows[i][len(rows[i])-1] = strings.TrimRight(line, "\n")
	}
	return rows
}

func newActionPause(c *cli) *cobra.Command {
	return newActionSwitch(c, "pause APP [MICRO/]ID", "Have an action not run by itself", false,
		`Has an action not run until it is resumed. What runs goes on; what would have run
meanwhile is not made up for. It stays so over pushes and restarts.`)
}

func newActionResume(c *cli) *cobra.Command {
	return newActionSwitch(c, "resume APP [MICRO/]ID", "Have an action run again", true,
		`Has an action that was paused run again, from now on.`)
}

func newActionSwitch(c *cli, use, short string, enabled bool, long string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long,
		Example: "  spacewasm actions pause digest tick\n  spacewasm actions resume digest tick",
	}
	return actionCommand(c, cmd, &asJSON, func(ctx context.Context, api *session, app space.AppName, a wire.Action) error {
		return c.changeAction(ctx, api, app, a, wire.ActionChange{Enabled: &enabled}, asJSON)
	})
}

func newActionInterval(c *cli) *cobra.Command {
	var asJSON, authors bool
	var interval string
	cmd := &cobra.Command{
		Use:   "interval APP [MICRO/]ID (INTERVAL | --default)",
		Short: "Have an action run more or less often",
		Long: `Gives an action another interval than its author's, without a push: a rate such as
"5 minutes", or the five fields of a cron expression. It counts from now on: a rate runs
first at the next full minute, hour or midnight. It stays over pushes; --default goes
back to the author's.`,
		Example: `  spacewasm actions interval digest tick "15 minutes"
  spacewasm actions interval digest tick "0 9 * * mon-fri"
  spacewasm actions interval digest tick --default`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 3 && !authors:
				interval = args[2]
				if _, err := space.ParseInterval(interval, nil); err != nil {
					return usageError{err}
				}
				return nil
			case len(args) == 2 && authors:
				return nil
			case len(args) > 3:
				return usagef("an interval is one argument: put it into quotes")
			}
			return usagef("want an app, an action and an interval, or --default")
		},
	}
	cmd.Flags().BoolVar(&authors, "default", false, "go back to the author's interval")
	return actionCommand(c, cmd, &asJSON, func(ctx context.Context, api *session, app space.AppName, a wire.Action) error {
		return c.changeAction(ctx, api, app, a, wire.ActionChange{Interval: &interval}, asJSON)
	})
}

func (c *cli) changeAction(
	ctx context.Context, api *session, app space.AppName, a wire.Action, change wire.ActionChange, asJSON bool,
) error {
	changed, err := api.ChangeAction(ctx, app, a.Micro, a.ID, change)
	if err != nil {
		return api.explain(err)
	}
	if asJSON {
		return printJSON(c.out, changed, "  ")
	}
	if changed.Next == nil && changed.Enabled {
		fmt.Fprintln(c.err, "it does not run by itself: this is a developer's server, or the interval names no time to come")
	}
	return table(c.out, [][]string{{"ACTION", "INTERVAL", "LAST", "ENDED", "NEXT"}, actionRow(changed)})
}
