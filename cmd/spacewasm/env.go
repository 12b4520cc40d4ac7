package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const envPrefix = "SPACEWASM_"

const envLong = `

Every flag also comes from the environment, as SPACEWASM_ and its name in upper
case with _ for -: --server is SPACEWASM_SERVER. The flag wins; an empty
variable counts as none.

Exit status: 0 done, 1 the server or the work said no, 2 wrong usage.`

// envName is the variable that a flag also comes from.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// prepare goes over the whole tree of commands: the help of each flag gets its
// variable, and each command reads the variables before it runs. It works by
// wrapping, so that a new command has nothing to remember.
func prepare(cmd *cobra.Command, c *cli) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			f.Usage += " [$" + envName(f.Name) + "]"
		}
	})
	if cmd.RunE != nil {
		wrap(cmd, c)
	}
	for _, child := range cmd.Commands() {
		prepare(child, c)
	}
}

func wrap(cmd *cobra.Command, c *cli) {
	preRun, run := cmd.PreRunE, cmd.RunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if err := c.bindEnv(cmd); err != nil || preRun == nil {
			return err
		}
		return preRun(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c.running = true
		return run(cmd, args)
	}
}

// bindEnv sets the flags of cmd that were not given from the environment.
func (c *cli) bindEnv(cmd *cobra.Command) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := envName(f.Name)
		value, _ := c.lookupEnv(name)
		if f.Changed || f.Name == "help" || value == "" || first != nil {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			first = envError(name, value, err)
			return
		}
		if f.Name == "token" {
			c.tokenFromEnv = name
		}
	})
	return first
}

// envError words what is wrong with a variable, where pflag would blame a flag
// that nobody wrote.
func envError(name, value string, err error) error {
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	return usagef("invalid value %q of the variable %s: %w", value, name, err)
}
