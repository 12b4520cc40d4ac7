package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

const pushLong = `Deploys an app: the server takes the upload, compiles it, and answers requests
with it once it is ready; until then, and if it is refused, the revision before
goes on.

What to push:
  DIR        a project: its Spacefile and the folder of each Micro; without a
             Spacefile everything in it, with a main.wasm at its root
  FILE.wasm  one module, which becomes an app with one public Micro
  ARCHIVE    a project as .zip, .tar.gz or .tgz

The app is named after the folder or file, unless --app names it.

The commands of a project's Spacefile run first, on this machine, in the folder
of their Micro, with its name in SPACEWASM_MICRO; one that fails ends the push.
"spacewasm validate" tells without a server whether a project can be pushed.

Of a Micro its folder is packed, or what its "include" names; of a static one the
folder that it serves. Symbolic links are refused. Left out are, at any depth,
` + project.NeverPacked + `
and, but for the module, what is served, and what "include" names:
` + project.BuildOutput + `
A file .spaceignore at the root adds lines in the syntax of gitignore: what they
match is left out too, and a line such as !dist packs it again.

--env and --env-file set variables of the app with the push, or not at all, as "spacewasm
env" does later: a Micro that cannot begin without one is pushed so for the first time.
Others can see the arguments of a process: prefer a file, or NAME, to NAME=VALUE.

Files that the app has on the server already are not sent again. Progress goes to
standard error; the app's address is the last line of standard
output.`

// pushing is what a push is asked for.
type pushing struct {
	app          string
	asJSON       bool
	skipCommands bool
	env          []string
	envFile      string
}

func newPush(c *cli) *cobra.Command {
	var p pushing
	cmd := &cobra.Command{
		Use:   "push [DIR | FILE.wasm | ARCHIVE]",
		Short: "Deploy an app",
		Long:  pushLong,
		Example: `  spacewasm push                                  # the project in this folder
  spacewasm push examples/hello
  spacewasm push build/main.wasm --app hello
  spacewasm push --env-file .env                  # with variables that it needs to begin
  spacewasm push --server https://space.example.org --json
  spacewasm logs hello -f                         # what next: see what it writes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "."
			if len(args) == 1 {
				what = args[0]
			}
			return c.push(cmd.Context(), what, p)
		},
	}
	c.serverFlags(cmd)
	cmd.Flags().StringVar(&p.app, "app", "", "the app's name (default: from the folder or file)")
	cmd.Flags().BoolVar(&p.asJSON, "json", false, "print the deployed app as JSON instead of its address")
	cmd.Flags().StringArrayVar(&p.env, "env", nil, "set the variable NAME=VALUE with it, or NAME and be asked for the value; may be repeated")
	cmd.Flags().StringVar(&p.envFile, "env-file", "", "set what stands in a .env file with it")
	cmd.Flags().BoolVar(&p.skipCommands, "skip-commands", false, "do not run the commands of the Spacefile: what they make is there")
	return cmd
}

func (c *cli) push(ctx context.Context, what string, p pushing) error {
	if _, err := appName(p.app); p.app != "" && err != nil {
		return err
	}
	change, err := c.envChange(ctx, variablesFlags{set: p.env, file: p.envFile}, "--env")
	if err != nil {
		return err
	}
	show := newProgress(c.err, c.errTerminal)
	load, err := newUpload(what, show, func(name string, folder *project.Project) error {
		if p.skipCommands || !folder.HasCommands() {
			return nil
		}
		// What stops the push anyway is said before a long build.
		if _, _, err := c.pushTarget(ctx, p.app, name); err != nil {
			return err
		}
		return folder.Build(ctx, buildCommands(c.err, nil))
	})
	if err != nil {
		return c.listFaults(err)
	}
	load.set = change.Set
	name, api, err := c.pushTarget(ctx, p.app, load.name)
	if err != nil {
		return err
	}
	deployed, err := api.upload(ctx, name, load, show)
	if err != nil {
		return api.explain(err)
	}
	if p.asJSON {
		return printJSON(c.out, deployed, "  ")
	}
	// What runs by itself is worth a line; where it cannot be asked for, the push is good all the same.
	if answer, err := api.Actions(ctx, name, 0); err == nil && len(answer.Actions) > 0 {
		fmt.Fprintf(c.err, "%s has Scheduled Actions, %d of them: `%s` says when they run\n", name, len(answer.Actions), listsActions(name))
	}
	return c.printDeployed(deployed)
}

// buildCommands is how the commands of a Micro are run that is wanted, or of all.
func buildCommands(out io.Writer, wanted func(space.MicroSpec) bool) project.Commands {
	return project.Commands{
		Out:  out,
		Show: func(out io.Writer, line string) { fmt.Fprintf(out, "$ %s\n", escape(line)) },
		// Not with our token: what a build fetches from elsewhere has no business with it.
		Env:     guestEnv(),
		Instead: "--skip-commands pushes what is there",
		Wanted:  wanted,
	}
}

// pushTarget is where a push goes.
func (c *cli) pushTarget(ctx context.Context, given, found string) (space.AppName, *session, error) {
	name, err := pushName(given, found)
	if err != nil {
		return "", nil, err
	}
	api, err := c.dial(ctx)
	return name, api, err
}

// listFaults prints the faults of a project, one on a line as compilers do.
func (c *cli) listFaults(err error) error {
	refused, ok := errors.AsType[*space.Error](err)
	if !ok || len(refused.Faults) == 0 {
		return err
	}
	for _, fault := range refused.Faults {
		fmt.Fprintln(c.err, cell(fault.String()))
	}
	return exitStatus(exitNo)
}

// pushName is the app's name: as given, or made of the folder's or file's.
func pushName(given, found string) (space.AppName, error) {
	if given != "" {
		return appName(given)
	}
	name, err := space.SuggestAppName(found)
	if err != nil {
		return "", hint(fmt.Errorf("%q makes no name for an app", found), "give one with --app NAME")
	}
	return name, nil
}

// watched tells when a body has been read to its end.
type watched struct {
	io.ReadCloser
	ended func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		w.ended()
	}
	return n, err
}
