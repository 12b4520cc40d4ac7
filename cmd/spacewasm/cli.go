package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// cli is what the commands have in common: the process around them, and the
// flags that say which server they talk to.
type cli struct {
	in       io.Reader
	out, err io.Writer
	// inTerminal, outTerminal and errTerminal tell whether a person is there to
	// answer, to read, and to watch.
	inTerminal, outTerminal, errTerminal bool
	lookupEnv                            func(string) (string, bool)
	// configDir finds the folder for what login stores.
	configDir func() (string, error)
	version   string

	server, token string
	// tokenFromEnv is the variable that token came from, "" for the flag.
	tokenFromEnv string
	// running is set when a command line made sense and its command began: errors
	// before that are wrong usage.
	running bool
}

// newCLI returns the cli of this process.
func newCLI(version string) *cli {
	return &cli{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		lookupEnv:   os.LookupEnv,
		configDir:   os.UserConfigDir,
		version:     version,
	}
}
