package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/wasi"
)

const runLong = `Run one module as a command in the sandbox.

Standard input, output and error, the environment and the exit status are passed
through. What follows FILE belongs to the guest. There is no deadline; Ctrl-C ends
the guest with the process. The guest sees no files but the folders of --dir, which
it may change, and of the network what --listen opens. Compiled code is kept in the user's cache
folder, so that a second run starts at once.

As "go test -exec" calls it, it runs Go's tests as guests:

  GOOS=wasip1 GOARCH=wasm go test -exec "spacewasm run --dir=/" ./...`

const runExample = `  spacewasm run tool.wasm --version
  spacewasm run --dir .:/work tool.wasm --flag /work/input.txt
  echo data | spacewasm run filter.wasm`

func newRun(c *cli) *cobra.Command {
	var dirs, listen []string
	memory := size(4 << 30)
	cmd := &cobra.Command{
		Use:     "run [--dir HOST[:GUEST] ...] FILE.wasm [ARGS...]",
		Short:   "Run a module as a command",
		Long:    runLong,
		Example: runExample,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			command := wasi.Command{
				Args: args, Env: guestEnv(), Stdin: c.in, Stdout: c.out, Stderr: c.err,
				Memory: uint64(memory),
			}
			for _, dir := range dirs {
				command.Mounts = append(command.Mounts, mount(dir))
			}
			for _, address := range listen {
				l, err := listenOn(cmd.Context(), address)
				if err != nil {
					return err
				}
				defer l.Close()
				command.Listeners = append(command.Listeners, l)
			}
			return runCommand(cmd.Context(), args[0], command)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringArrayVar(&dirs, "dir", nil, "folder that the guest may read and write, and its name there; may be repeated")
	f.StringArrayVar(&listen, "listen", nil, "address on which the guest may accept TCP connections; may be repeated")
	f.Var(&memory, "memory", "linear memory")
	return cmd
}

// listenOn opens a socket for the guest.
func listenOn(ctx context.Context, address string) (*net.TCPListener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the guest: %w", err)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, usagef("--listen %q is no TCP address", address)
	}
	return tcp, nil
}

// mount reads HOST[:GUEST].
func mount(text string) wasi.Mount {
	hostDir, guest, ok := strings.Cut(text, ":")
	if !ok {
		guest = hostDir
	}
	return wasi.Mount{Host: hostDir, Guest: guest}
}

// guestEnv is the environment without the platform's own token, which is no
// guest's business.
func guestEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(line string) bool {
		return strings.HasPrefix(line, envName("token")+"=")
	})
}

func runCommand(ctx context.Context, file string, command wasi.Command) (err error) {
	code, err := readModule(file)
	if err != nil {
		return err
	}
	// Signals end the process as they would end any command, mid-loop too.
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	ctx = context.WithoutCancel(ctx)
	engine, err := wasi.New(ctx, wasi.Config{CacheDir: codeCache(), Workers: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	module, err := engine.Compile(ctx, code)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer func() { err = errors.Join(err, module.Close(ctx)) }()
	status, err := module.Run(ctx, command)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	switch {
	case status == 0:
		return nil
	case status&0xff == 0:
		// Unix keeps eight bits of a status, and a failure must stay one.
		return exitStatus(exitNo)
	default:
		return exitStatus(status)
	}
}

func readModule(file string) ([]byte, error) {
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return code, nil
}

// codeCache is where compiled code is kept for later runs; "" keeps none.
func codeCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "spacewasm", "code")
}
