package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/host/backup"
)

const restoreLong = `Makes a data directory of a backup, FILE, or of standard input for -. The
directory has to be empty, or not there yet; it becomes its owner's. All of the
backup is read and checked before it is put in place, so that one that is damaged,
cut or not a backup at all leaves nothing behind. It holds what may run on your
server: restore only what comes from where you trust.

A backup of an older version is brought up to this one; one of a newer version is
refused.

--keys is the file that backup --keys has written. Without it the server makes a
new key and a new admin token at its next start: then the values of secrets have
to be set again, as nobody can read them any more, and whoever pushes has to log
in again.

The server compiles each module again at its next start, or spacewasm prepare does
it before.`

const restoreExample = `  spacewasm restore monday.tar.gz --keys keys.tar.gz --data new-data
  ssh other cat space.tar.gz | spacewasm restore - --data /var/lib/spacewasm
  spacewasm serve --data new-data                  # what next`

func newRestore(c *cli) *cobra.Command {
	data, keys := host.DefaultConfig().Data, ""
	cmd := &cobra.Command{
		Use:     "restore FILE",
		Short:   "Make a data directory of a backup",
		Long:    restoreLong,
		Example: restoreExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.restore(cmd.Context(), args[0], data, keys)
		},
	}
	cmd.Flags().StringVar(&data, "data", data, "data directory to make: empty, or not there yet")
	cmd.Flags().StringVar(&keys, "keys", "", "the file that backup --keys wrote")
	return cmd
}

func (c *cli) restore(ctx context.Context, file, data, keys string) error {
	if keys == "-" {
		return usagef("--keys wants a file: standard input is for the backup")
	}
	from, err := c.input(file)
	if err != nil {
		return err
	}
	defer from.Close()
	var secrets io.Reader
	if keys != "" {
		opened, err := os.Open(keys)
		if err != nil {
			return err
		}
		defer opened.Close()
		secrets = opened
	}
	show := newProgress(c.err, c.errTerminal)
	defer show.stop()
	m, err := backup.Restore(ctx, backup.RestoreConfig{Data: data, Add: show.add, Begin: func(m backup.Manifest) {
		show.begin("restoring", describeBackup(m), m.Bytes)
	}}, from, secrets)
	if errors.Is(err, backup.ErrDamaged) {
		return hint(err, "nothing was restored: take another backup")
	}
	if err != nil {
		return err
	}
	show.stop()
	fmt.Fprintf(c.err, "restored %s, as of %s, to %s\n", describeBackup(m), m.Created.Local().Format(time.DateTime), escape(data))
	if keys == "" {
		fmt.Fprint(c.err, "the server makes a new key and admin token at its next start: set the values of secrets again, without which the apps that have any do not run, and log in again\n")
	}
	fmt.Fprint(c.err, "once it is served, its Scheduled Actions run, too: if the server that it came from still runs, pause them in one of the two\n")
	return nil
}

// input is a file, or standard input.
func (c *cli) input(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(c.in), nil
	}
	return os.Open(path)
}
