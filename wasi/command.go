package wasi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Command is one run of a module as a program of the terminal.
type Command struct {
	// Args are the guest's arguments, its own name first.
	Args []string
	// Env are KEY=value lines.
	Env            []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Mounts are the folders that the guest may read and write.
	Mounts []Mount
	// Listeners are sockets on which the guest may accept connections. They stay
	// the caller's.
	Listeners []*net.TCPListener
	// Memory is the limit of linear memory, in bytes.
	Memory uint64
}

// Mount shows a folder of the host to a guest.
type Mount struct {
	Host, Guest string
}

// Run runs a command to its end and returns its exit status. An error means
// that it trapped or could not start.
func (m *Module) Run(ctx context.Context, c Command) (uint32, error) {
	mem, err := memory.Reserve(c.Memory)
	if err != nil {
		return 0, err
	}
	defer func() { _ = mem.Close() }()
	mounts, roots, err := mountAll(c.Mounts)
	defer func() {
		for _, root := range roots {
			_ = root.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	process := preview1.New(preview1.Config{Args: c.Args, Preopens: mounts, Listeners: c.Listeners})
	defer func() { _ = process.Close() }()
	if err := process.Begin(c.Env, preview1.Stdio{In: c.Stdin, Out: c.Stdout, Err: c.Stderr}); err != nil {
		return 0, err
	}
	g, err := m.compiled.instantiate(ctx, m.engine, mem, nil, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = g.close(ctx) }()
	databases := databasesOf(rootOf(mounts), largestValue, Budgets{})
	defer databases.Close()
	g.databases = databases.session(nil, &g.meter)
	defer g.databases.Close()
	g.tracker = nil // it is never reset, and its thread is to be anybody's
	g.begin(0)
	err = m.start(ctx, g, process)
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// start runs the guest as a command: a handler that has _start is one too, to hosts
// that know no handlers.
func (m *Module) start(ctx context.Context, g *guest, process *preview1.Process) error {
	report := m.Report()
	if report.Contract == ContractHandler {
		if !report.command {
			return errors.New("the module is a handler, which answers requests: a command has _start")
		}
		_, err := g.call(handler.With(ctx, handler.Initialise(io.Discard)), process, startExport)
		return err
	}
	if err := g.initialise(ctx, process); err != nil {
		return err
	}
	_, err := g.call(ctx, process, report.entry)
	return err
}

// largestValue bounds a value of a database where a program has no other limit, in bytes.
const largestValue = 64 << 20

// rootOf returns the folder that a guest has for its root, nil if it has none.
func rootOf(mounts []preview1.Preopen) *fs.Dir {
	for _, m := range mounts {
		if m.Name == "/" || m.Name == "." {
			return m.Dir
		}
	}
	return nil
}

// mountAll opens the folders; the roots are to be closed, also after an error.
func mountAll(mounts []Mount) ([]preview1.Preopen, []*os.Root, error) {
	var preopens []preview1.Preopen
	var roots []*os.Root
	for _, mount := range mounts {
		root, err := os.OpenRoot(mount.Host)
		if err != nil {
			return nil, roots, fmt.Errorf("open the folder to mount: %w", err)
		}
		roots = append(roots, root)
		preopens = append(preopens, preview1.Preopen{Name: mount.Guest, Dir: fs.ReadWrite(root, fs.Shared{})})
	}
	return preopens, roots, nil
}
