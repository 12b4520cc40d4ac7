// Command spacewasm hosts WASI modules as small HTTP programs, and is the
// client of the servers that do.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // actions have time zones also where the system has none

	"github.com/spacewasm/spacewasm/wasi"
)

// version is set by the release build: -ldflags "-X main.version=v1.2.3". The
// linker can set nothing but a package variable.
var version string

func main() {
	if status, isChild := wasi.Child(os.Args); isChild {
		os.Exit(status)
	}
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		// The first signal asks to end. The second is handed back to the system before
		// anything can be seen of that, and ends whatever does not listen.
		<-signals
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel()
	}()
	os.Exit(run(ctx, os.Args[1:], newCLI(version)))
}

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, c *cli) int {
	root := newRoot(c)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return c.exit(cmd, err)
}
