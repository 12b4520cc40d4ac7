package main

import (
	"github.com/spf13/cobra"
)

const (
	groupApps    = "apps"
	groupAccess  = "access"
	groupServer  = "server"
	groupModules = "modules"
	groupOther   = "other"
)

const rootLong = `spacewasm hosts small HTTP programs that are compiled to WASI modules: Micros.
Up to five of them make an app. You push an app; the server compiles it once,
and from then on every request gets a fresh sandbox. Nothing runs while nobody
asks.`

const rootExample = `  spacewasm serve                  # a server, here, with its data in ./spacewasm-data
  spacewasm push examples/hello    # in another terminal: an app goes live
  spacewasm logs hello -f          # what it writes
  spacewasm push --help            # each command explains itself`

// newRoot assembles the command line. A command is a function newX(c) in a file
// of its name, and is added to a group here.
func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:           "spacewasm",
		Short:         "Host WASI modules as small HTTP programs",
		Long:          rootLong + envLong,
		Example:       rootExample,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	add(root, groupServer, "Run a server:", newServe(c), newPrepare(c), newBackup(c), newRestore(c))
	add(root, groupApps, "Put apps on a server:",
		newPush(c), newValidate(c), newDev(c), newList(c), newOpen(c), newLogs(c), newReports(c), newProfile(c),
		newRevisions(c), newRollback(c), newVariables(c), newDomains(c), newActions(c), newRemove(c))
	add(root, groupModules, "Make a module, and try it without a server:", newNew(c), newRun(c), newInspect(c), newBench(c))
	add(root, groupAccess, "Who comes in:", newLogin(c), newToken(c), newKeys(c))
	add(root, groupOther, "Other:", newVersion(c), newHelp(root))
	root.AddCommand(newBenchApart(c))
	root.SetCompletionCommandGroupID(groupOther)
	prepare(root, c)
	return root
}

// add makes a group of commands.
func add(root *cobra.Command, id, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = id
		root.AddCommand(cmd)
	}
}

// newHelp replaces cobra's help command, which does not fail on a command that
// does not exist.
func newHelp(root *cobra.Command) *cobra.Command {
	help := &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("no command %q", args)
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
	root.SetHelpCommand(help)
	return help
}
