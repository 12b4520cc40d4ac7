package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/backup"
)

const backupLong = `Writes what a data directory holds into one file, FILE, or to standard output
for -. A server may run there and take pushes meanwhile: the backup is as of one
moment, with every app, all of its kept revisions, and what its owner has set. Run
it on the server's machine, as the server's user or as root.

The server's own secrets are not in it: the key, without which nobody can read the
values of secrets that it holds, and the admin token. --keys writes them to a file
of their own. They hardly ever change, so once will do; keep that file apart from
the backups, where only you can read it. FILE itself holds the apps' keys, and is
for its owner's eyes (mode 0600).

FILE is a gzipped tar archive, which appears whole or not at all. It is not
replaced if it is there, unless --force says so. What is damaged in the data
directory is noticed: then there is no backup, and the message says which app it
is about. What apps are removed while it runs takes its room on the disk until the
next push, removal or start of the server.

Every night, with the last seven days kept, in /etc/cron.d/spacewasm:

  30 3 * * * root spacewasm backup --force --data /var/lib/spacewasm /backup/space-$(date +\%u).tar.gz

Then take it to another machine with what you have: rsync, or restic, which can
read it as it is made. Restore one now and then, to see that you can.`

const backupExample = `  spacewasm backup monday.tar.gz --keys keys.tar.gz
  spacewasm backup --data /var/lib/spacewasm /backup/space.tar.gz --logs
  spacewasm backup - | restic backup --stdin --stdin-filename space.tar.gz
  spacewasm backup - | ssh other 'cat > space.tar.gz'`

// backupFlags are what backup is told.
type backupFlags struct {
	file, keys  string
	keyFile     string
	logs, force bool
	data        string
}

func newBackup(c *cli) *cobra.Command {
	f := backupFlags{data: host.DefaultConfig().Data}
	cmd := &cobra.Command{
		Use:     "backup FILE",
		Short:   "Write what a server keeps into one file, while it serves",
		Long:    backupLong,
		Example: backupExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.file = args[0]
			return c.backup(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&f.data, "data", f.data, "the server's data directory")
	cmd.Flags().StringVar(&f.keys, "keys", "", "file for the server's key and admin token")
	cmd.Flags().StringVar(&f.keyFile, "key-file", "", "where the server's key is, if that is not in the data directory")
	cmd.Flags().BoolVar(&f.logs, "logs", false, "with what the Micros have logged")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace files that are there")
	return cmd
}

func (f backupFlags) check(terminal bool) error {
	switch {
	case f.keys == "-":
		return usagef("--keys wants a file of its own: standard output is for the backup")
	case f.file == "-" && terminal:
		return usagef("standard output is a terminal: send it into a program or a file, or name a FILE")
	case f.keys != "" && filepath.Clean(f.keys) == filepath.Clean(f.file):
		return usagef("FILE and --keys are the same file: the keys are to be apart")
	}
	return nil
}

func (c *cli) backup(ctx context.Context, f backupFlags) (err error) {
	if err := f.check(c.outTerminal); err != nil {
		return err
	}
	// Both files first, as one of them may be refused.
	data, err := c.output(f.file, f.force)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	show := newProgress(c.err, c.errTerminal)
	defer show.stop()
	config := backup.Config{Data: f.data, Version: readBuild(c.version).Version, Logs: f.logs, KeyFile: f.keyFile, Add: show.add, Begin: func(m backup.Manifest) {
		show.begin("backing up", describeBackup(m), m.Bytes)
	}}
	if f.keys != "" {
		if err := c.saveKeys(ctx, config, f); err != nil {
			return err
		}
	}
	m, err := backup.Write(ctx, config, data)
	if lost, ok := errors.AsType[*backup.LostError](err); ok {
		return hint(err, "put back %s from an earlier backup, or remove the app (`spacewasm rm %s`) and push it again",
			filepath.Join(f.data, "blobs", string(lost.Bundle.Digest)), lost.Bundle.App)
	}
	if err != nil {
		return err
	}
	if err := data.Commit(); err != nil {
		return err
	}
	show.stop()
	fmt.Fprintf(c.err, "backed up %s\n", describeBackup(m))
	if f.keys == "" {
		fmt.Fprint(c.err, "the server's key and admin token are not in it: without the key nobody can read the values of secrets;\n"+
			"  keep them apart, once, with --keys FILE\n")
	}
	return nil
}

// saveKeys writes the file of keys.
func (c *cli) saveKeys(ctx context.Context, config backup.Config, f backupFlags) (err error) {
	file, err := backup.Create(f.keys, f.force)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	names, err := backup.WriteKeys(ctx, config, file)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%s: %s\n", escape(f.keys), strings.Join(names, ", "))
	if len(names) == 1 && names[0] == "token" {
		fmt.Fprintf(c.err, "the server's key is not in %s: name it with --key-file\n", escape(f.data))
	}
	return file.Commit()
}

// output is a file, or standard output.
type output interface {
	io.WriteCloser
	Commit() error
}

func (c *cli) output(path string, force bool) (output, error) {
	if path == "-" {
		return stream{c.out}, nil
	}
	return backup.Create(path, force)
}

// stream is an [output] that is what it is.
type stream struct{ io.Writer }

// Commit implements output.
func (stream) Commit() error { return nil }

// Close implements output.
func (stream) Close() error { return nil }

// describeBackup says in a few words what is in a backup.
func describeBackup(m backup.Manifest) string {
	words := fmt.Sprintf("%d apps, %s", len(m.Apps), humanSize(m.Bytes))
	if len(m.Apps) == 1 {
		words = strings.Replace(words, "apps", "app", 1)
	}
	if m.Logs {
		words += " and logs"
	}
	return words
}
