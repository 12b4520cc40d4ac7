package main

import (
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/bench"
)

// newBenchApart is what a server starts to measure a Micro: see [bench.Work].
func newBenchApart(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:    bench.Apart,
		Short:  "Measure what a server asks for, in a process of its own",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Work(cmd.Context(), c.version, c.in, c.out)
		},
	}
}
