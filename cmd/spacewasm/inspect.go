package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

const inspectLong = `Say what a module is, without running it: its contract (how requests enter it)
and what decided that, what it imports, its memory, whether requests can start
from a snapshot and if not why, and what to change where it cannot be deployed.

The exit status is 1 when a server would refuse the module.`

func newInspect(c *cli) *cobra.Command {
	var asJSON bool
	memory := size(space.DefaultLimits().Memory)
	cmd := &cobra.Command{
		Use:     "inspect FILE.wasm",
		Short:   "Say what a module is and needs",
		Long:    inspectLong,
		Example: "  spacewasm inspect hello.wasm\n  spacewasm inspect --json hello.wasm",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := inspect(cmd.Context(), args[0], uint64(memory))
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if asJSON {
				err = printJSON(c.out, report, "  ")
			} else {
				err = c.printReport(report)
			}
			if err == nil && len(report.Faults) > 0 {
				return exitStatus(exitNo)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().Var(&memory, "memory", "the server's limit of linear memory")
	return cmd
}

func inspect(ctx context.Context, file string, memory uint64) (report *wasi.Report, err error) {
	code, err := readModule(file)
	if err != nil {
		return nil, err
	}
	engine, err := wasi.New(ctx, wasi.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	report, err = engine.Inspect(code)
	if err != nil {
		return nil, err
	}
	for _, err := range []error{engine.Validate(ctx, code), report.Fits(memory)} {
		if refused, ok := errors.AsType[*wasi.RefusedError](err); ok {
			report.Faults = append(report.Faults, refused.Faults...)
		} else if err != nil {
			return nil, err
		}
	}
	return report, nil
}

func (c *cli) printReport(r *wasi.Report) error {
	contract := "none"
	if r.Contract != "" {
		contract = fmt.Sprintf("%s: %s", r.Contract, r.Why)
	}
	most := "as far as the server's limit allows"
	if r.MemoryMax > 0 {
		most = "to at most " + humanize.IBytes(r.MemoryMax)
	}
	rows := [][]string{
		{"contract", contract},
		{"snapshot", "no: " + r.Snapshot},
		{"memory", fmt.Sprintf("starts with %s, grows %s", humanize.IBytes(r.MemoryMin), most)},
		{"functions", humanize.Comma(int64(r.Functions))},
		{"imports", fmt.Sprintf("%d: %s", len(r.Imports), shortList(r.Imports))},
		{"exports", fmt.Sprintf("%d: %s", len(r.Exports), shortList(r.Exports))},
	}
	if err := table(c.out, rows); err != nil {
		return err
	}
	for _, fault := range r.Faults {
		fmt.Fprintf(c.out, "\nto change: %s\n", escape(fault))
	}
	return nil
}

// shortList joins names; those of WASI go without their module.
func shortList(names []string) string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = strings.TrimPrefix(name, "wasi_snapshot_preview1.")
	}
	const most = 48
	if len(short) > most {
		return strings.Join(short[:most], " ") + fmt.Sprintf(" … and %d more (--json lists all)", len(short)-most)
	}
	return strings.Join(short, " ")
}
