package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/joho/godotenv"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// variablesFlags are what the flags of `spacewasm env` say.
type variablesFlags struct {
	micro, file    string
	set, unset     []string
	reveal, asJSON bool
}

func newVariables(c *cli) *cobra.Command {
	var flags variablesFlags
	cmd := &cobra.Command{
		Use:   "env APP",
		Short: "List and change the variables of an app",
		Long: `Lists the variables of an app, and changes them with --set, --unset and --file:
those of all Micros, or with --micro those of one, which win. A Micro finds them in
its environment. The server keeps the values sealed, and nobody sees them but with
--reveal.

--set NAME asks for the value without showing it; without a terminal it is read from
standard input, whole for one NAME, a line each for several. Others can see the
arguments of a process: prefer that, or a file, to --set NAME=VALUE.

A file has NAME=VALUE lines as .env files do: # begins a comment, quotes may stand
around a value, $NAME in one stands for another of the file unless it is in single
quotes. --set comes after it.

An app that is new gets them with its first push: "spacewasm push --env-file .env".
The app answers with the new values at once; nothing is compiled again. If a Micro
cannot initialise itself with them, nothing has changed.`,
		Example: `  spacewasm env hello
  spacewasm env hello --set API_KEY
  spacewasm env hello --micro web --set LOG=debug --unset TRACE
  spacewasm env hello --set CERTIFICATE < cert.pem
  spacewasm env hello --file .env`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.variables(cmd.Context(), args[0], flags) },
	}
	c.serverFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.micro, "micro", "", "only this Micro's")
	f.StringArrayVar(&flags.set, "set", nil, "set NAME=VALUE, or NAME and be asked for the value; may be repeated")
	f.StringArrayVar(&flags.unset, "unset", nil, "unset NAME; may be repeated")
	f.StringVar(&flags.file, "file", "", "set what stands in a .env file")
	f.BoolVar(&flags.reveal, "reveal", false, "show the values")
	f.BoolVar(&flags.asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) variables(ctx context.Context, app string, flags variablesFlags) error {
	name, err := appName(app)
	if err != nil {
		return err
	}
	change, err := c.envChange(ctx, flags, "--set")
	if err != nil {
		return err
	}
	api, err := c.dial(ctx)
	if err != nil {
		return err
	}
	var now wire.Env
	if len(change.Set)+len(change.Unset) > 0 {
		if now, err = api.ChangeEnv(ctx, name, flags.micro, change); err != nil {
			return api.explain(unknown(err, "`spacewasm ls` lists the apps; one that is new is pushed with its variables, by `spacewasm push --env NAME` or --env-file"))
		}
		fmt.Fprintf(c.err, "changed the variables of %s\n", name)
		if len(now.Snapshots) > 0 {
			fmt.Fprintf(c.err, "with a new snapshot: %s\n", cell(strings.Join(now.Snapshots, ", ")))
		}
	}
	if len(now.Variables) == 0 || flags.reveal {
		snapshots := now.Snapshots
		if now, err = api.Env(ctx, name, flags.micro, flags.reveal); err != nil {
			return api.explain(err)
		}
		now.Snapshots = snapshots
	}
	if flags.asJSON {
		return printJSON(c.out, now, "  ")
	}
	return c.printVariables(now.Variables)
}

// envChange reads what is to change; set is the flag that sets. No error has a value in it.
func (c *cli) envChange(ctx context.Context, flags variablesFlags, set string) (wire.EnvChange, error) {
	change := wire.EnvChange{Set: map[string]*string{}, Unset: flags.unset}
	if flags.file != "" {
		values, err := readEnvFile(flags.file)
		if err != nil {
			return change, err
		}
		for name, value := range values {
			change.Set[name] = &value
		}
	}
	var ask []string
	for i, text := range flags.set {
		name, value, given := strings.Cut(text, "=")
		if err := checkVariable(name); err != nil {
			return change, usagef("%s, the %s: %w", set, humanize.Ordinal(i+1), err)
		}
		if given {
			change.Set[name] = &value
		} else {
			ask = append(ask, name)
		}
	}
	for i, name := range flags.unset {
		if err := checkVariable(name); err != nil {
			return change, usagef("--unset, the %s: %w", humanize.Ordinal(i+1), err)
		}
	}
	values, err := c.askValues(ctx, ask, set)
	for i, name := range ask[:len(values)] {
		change.Set[name] = &values[i]
	}
	return change, err
}

// checkVariable refuses a name that cannot be. It does not repeat what is no name at
// all, as that may be a value.
func checkVariable(name string) error {
	_, err := space.ParseEnvName(name)
	like := regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`).MatchString(name)
	if err == nil || like {
		return err
	}
	return errors.New("want NAME=VALUE or NAME, and in a name letters, digits and underscores, no digit first")
}

// readEnvFile reads a .env file. The reader's errors quote what they do not understand.
func readEnvFile(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, err
	}
	if len(text) > most {
		return nil, fmt.Errorf("%s is larger than any .env file that a server takes", path)
	}
	values, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%s is no .env file: want NAME=VALUE lines, and a quote at the end of what begins with one", path)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := checkVariable(name); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return values, nil
}

// askValues asks for the values of variables on a terminal, without echo. Elsewhere it
// reads the whole of standard input for one, a line each for several.
func (c *cli) askValues(ctx context.Context, names []string, set string) ([]string, error) {
	var values []string
	if c.inTerminal {
		for _, name := range names {
			value, err := c.readSecret(ctx, name+": ")
			if err != nil {
				return nil, fmt.Errorf("read the value of %s: %w", name, err)
			}
			values = append(values, value)
		}
		return values, nil
	}
	if len(names) == 0 {
		return nil, nil
	}
	const most = space.MaxEnvironment * 2
	text, err := wait(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(c.in, most)) })
	if err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	whole := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if whole == "" { // as where the variable of a script is not set
		return nil, hint(errors.New("there is no value on standard input, and nothing was changed"), "`%s %s=` sets an empty value", set, names[0])
	}
	if len(names) == 1 {
		return []string{whole}, nil
	}
	values = strings.Split(strings.ReplaceAll(whole, "\r\n", "\n"), "\n")
	if len(values) != len(names) {
		return nil, fmt.Errorf("standard input has %d lines, and %d values are to be set: want a line for each", len(values), len(names))
	}
	return values, nil
}

func (c *cli) printVariables(all []wire.Variable) error {
	if len(all) == 0 {
		fmt.Fprintln(c.err, "no variables yet; `spacewasm env APP --set NAME` sets one")
		return nil
	}
	rows := [][]string{{"NAME", "MICRO", "VALUE", "CHANGED", "DESCRIPTION"}}
	for _, v := range all {
		changed := ""
		if v.Set {
			changed = ago(v.Changed)
		}
		micro := v.Micro
		if micro == "" {
			micro = "(all)"
		}
		rows = append(rows, []string{v.Name, micro, shown(v), changed, v.Description})
	}
	return table(c.out, rows)
}

// shown is what is shown of a variable's value.
func shown(v wire.Variable) string {
	switch {
	case v.Closed:
		return "cannot be read: set it again"
	case v.Value != nil:
		return strings.ReplaceAll(*v.Value, "\n", `\n`)
	case v.Set:
		return "******"
	case v.Default != "":
		return v.Default + " (default)"
	}
	return "not set"
}
