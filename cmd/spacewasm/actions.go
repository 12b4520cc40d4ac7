package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

const actionsLong = `Lists the Scheduled Actions of an app: how often each runs, when it last did and how
that ended, and when it runs next. --next shows more of the coming times.

An action is named by its id, or by MICRO/ID. An app whose name is that of a command
below, such as "run", is listed with --app. What happens when the server is down,
when a run fails, and when one takes too long stands in docs/actions.md.`

func newActions(c *cli) *cobra.Command {
	var asJSON bool
	coming, named := 0, ""
	cmd := &cobra.Command{
		Use:   "actions (APP | --app APP)",
		Short: "What an app does by itself, and when",
		Long:  actionsLong,
		Example: `  spacewasm actions digest
  spacewasm actions digest --next 10
  spacewasm actions run digest tick          # now
  spacewasm actions history digest           # what became of it
  spacewasm actions pause digest tick
  spacewasm actions interval digest tick "0 9 * * mon-fri"
  spacewasm actions --app run                # of the app "run"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && named != "" { // a variable is read later, and gives way
				return oneApp()
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				named = args[0]
			}
			if named == "" {
				return oneApp()
			}
			app, err := appName(named)
			if err != nil {
				return err
			}
			if coming < 0 || coming > 100 {
				return usagef("--next %d: want 1 to 100", coming)
			}
			return c.listActions(cmd.Context(), app, coming, asJSON)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&named, "app", "", "the app, where its name is that of a command")
	cmd.Flags().IntVar(&coming, "next", 0, "show so many of the coming times of each, for example 10")
	cmd.AddCommand(newActionRun(c), newActionHistory(c), newActionPause(c), newActionResume(c), newActionInterval(c))
	return cmd
}

// listsActions is the command that lists the actions of an app, whatever its name.
func listsActions(app space.AppName) string {
	switch app {
	case "run", "history", "pause", "resume", "interval":
		return "spacewasm actions --app " + string(app)
	}
	return "spacewasm actions " + string(app)
}

func oneApp() error {
	return usagef("want an app; what is to be done comes before it, as in `spacewasm actions run APP ID`.\n" +
		"An app with the name of a command is listed with `spacewasm actions --app run`")
}

// ofAction checks the arguments of a command below `actions`: who gives none may mean the
// app of its name.
func ofAction(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("want an app and an action; `spacewasm actions --app %[1]s` lists the actions of the app %[1]s", cmd.Name())
		}
		return check(cmd, args)
	}
}

func (c *cli) listActions(ctx context.Context, app space.AppName, coming int, asJSON bool) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	answer, err := api.Actions(ctx, app, coming)
	if err != nil {
		return api.explain(unknown(err, "`spacewasm ls` lists the apps"))
	}
	if asJSON {
		return printJSON(c.out, answer, "  ")
	}
	if len(answer.Actions) == 0 {
		fmt.Fprintf(c.err, "%s has no actions; they stand under `actions` of a Micro in the Spacefile\n", app)
		return nil
	}
	if coming > 0 {
		return c.printComing(answer.Actions)
	}
	rows := [][]string{{"ACTION", "INTERVAL", "LAST", "ENDED", "NEXT"}}
	for _, a := range answer.Actions {
		rows = append(rows, actionRow(a))
	}
	return table(c.out, rows)
}

func actionRow(a wire.Action) []string {
	interval := a.Interval
	if a.Timezone != "" {
		interval += " " + a.Timezone
	}
	last, ended, next := "-", "-", "never"
	if a.Run != nil {
		last, ended = ago(a.Run.Fire), outcome(*a.Run)
	}
	switch {
	case !a.Enabled:
		next = "paused"
	case a.Next != nil:
		next = fmt.Sprintf("%s (%s)", clock(*a.Next), strings.TrimSpace(humanize.RelTime(*a.Next, time.Now(), "ago", "from now")))
	}
	return []string{a.Micro + "/" + a.ID, interval, last, ended, next}
}

// clock is a time as people here read it, and as scripts can.
func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -0700") }

// outcome says how a run has ended.
func outcome(r wire.Run) string {
	switch {
	case r.Code != "":
		return r.State + " (" + r.Code + ")"
	case r.Status != 0:
		return fmt.Sprintf("%s (%d)", r.State, r.Status)
	}
	return r.State
}

// printComing prints a line for each coming time.
func (c *cli) printComing(actions []wire.Action) error {
	rows := [][]string{{"ACTION", "FIRES", "UTC"}}
	for _, a := range actions {
		for _, at := range a.Coming {
			rows = append(rows, []string{a.Micro + "/" + a.ID, clock(at), at.UTC().Format(time.RFC3339)})
		}
	}
	return table(c.out, rows)
}

// findAction names the Micro and the id of an action that a user has named.
func (a *session) findAction(ctx context.Context, app space.AppName, name string) (wire.Action, error) {
	micro, id, both := strings.Cut(name, "/")
	if !both {
		micro, id = "", name
	}
	answer, err := a.Actions(ctx, app, 0)
	if err != nil {
		return wire.Action{}, a.explain(unknown(err, "`spacewasm ls` lists the apps"))
	}
	for _, action := range answer.Actions {
		if action.ID == id && (micro == "" || action.Micro == micro) {
			return action, nil
		}
	}
	return wire.Action{}, hint(fmt.Errorf("the app %q has no action %q", app, name), "`%s` lists them", listsActions(app))
}
