package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
)

// profiling is what `spacewasm profile` was asked for.
type profiling struct {
	micro, file string
	seconds     int
}

func newProfile(c *cli) *cobra.Command {
	p := profiling{seconds: 10}
	cmd := &cobra.Command{
		Use:   "profile APP",
		Short: "Sample where a Micro spends its time",
		Long: `Samples the stacks of a Micro for some seconds, while it answers requests as ever,
and writes a file for pprof: go tool pprof shows it as a list, a graph, or a flame
graph. It has three values: time (waits included), fuel, and the number of samples.
Functions of the platform that the Micro calls stand in it under their names, for
example wasi_snapshot_preview1.fd_write.

A Micro runs only while somebody asks it for something, so send it requests
meanwhile. A server takes one profile at a time; an interrupt ends it.`,
		Example: `  spacewasm profile hello
  go tool pprof -top hello.pb.gz
  go tool pprof -http=localhost: hello.pb.gz    # in the browser
  spacewasm profile shop --micro api --seconds 30 -o api.pb.gz`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := appName(args[0])
			if err != nil {
				return err
			}
			if p.seconds < 1 || p.seconds > 60 {
				return usagef("--seconds %d: want 1 to 60", p.seconds)
			}
			return c.profile(cmd.Context(), app, p)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().StringVar(&p.micro, "micro", "", "which Micro; an app that has one program needs none")
	cmd.Flags().IntVar(&p.seconds, "seconds", p.seconds, "for how long, up to 60")
	cmd.Flags().StringVarP(&p.file, "output", "o", "", "the file to write, - for standard output (default APP.pb.gz, or APP-MICRO.pb.gz)")
	return cmd
}

func (c *cli) profile(ctx context.Context, app space.AppName, p profiling) error {
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	found, err := api.Profile(ctx, app, p.micro, time.Duration(p.seconds)*time.Second)
	if err != nil {
		return api.explain(err)
	}
	if found.Note != "" {
		return errors.New(escape(found.Note))
	}
	if p.file == "-" {
		_, err := c.out.Write(found.File)
		return err
	}
	if p.file == "" {
		p.file = string(app) + ".pb.gz"
		if p.micro != "" {
			p.file = string(app) + "-" + p.micro + ".pb.gz"
		}
	}
	if err := os.WriteFile(p.file, found.File, 0o644); err != nil { //nolint:gosec // as any other file that one writes
		return fmt.Errorf("write the profile: %w", err)
	}
	_, err = fmt.Fprintf(c.err, "Sampled %d requests. To see where their time went: go tool pprof -top %s\n", found.Requests, p.file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, p.file)
	return err
}
