package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

const inspectLong = `Say what a module is: its contract (how requests enter it) and what decided that,
what it was made by, which proposals beyond the first version of WebAssembly it
uses, what it imports, its memory, whether requests can start from a snapshot and
if not why, and what that froze. Where it cannot be deployed: what to change, with
the flag of its compiler where that is known (Go, TinyGo, Rust, clang, Emscripten,
AssemblyScript). And what would pay.

A module that has an initialiser is compiled, and that is run as a push would, in
a sandbox that sees the module's folder; nothing else of a module is run.

Of a module that queries SQLite, the databases in its folder are checked as a push
would, and listed with their tables. Of a FILE that is a database itself, only that.

The exit status is 1 when a server would refuse the module.`

// inspection is what is found out about a module.
type inspection struct {
	*wasi.Report
	// SnapshotBytes is the size of the snapshot's memory, 0 if none can be taken.
	SnapshotBytes uint64 `json:"snapshot_bytes,omitempty"`
	// InitialiseMS is how long the initialiser ran, in milliseconds.
	InitialiseMS float64 `json:"initialise_ms,omitempty"`
	// Drew names what the initialiser drew that all requests will have in common.
	Drew []string `json:"drew,omitempty"`
	// Seeded says what that means for them.
	Seeded string `json:"seeded,omitempty"`
	// Databases are the SQLite files in the folder of a module that queries.
	Databases []wire.Database `json:"databases,omitempty"`
}

func newInspect(c *cli) *cobra.Command {
	var asJSON bool
	memory := size(space.DefaultLimits().Memory)
	cmd := &cobra.Command{
		Use:     "inspect FILE",
		Short:   "Say what a module is and needs",
		Long:    inspectLong,
		Example: "  spacewasm inspect hello.wasm\n  spacewasm inspect --json hello.wasm\n  spacewasm inspect data.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isDatabase(args[0]) {
				return c.inspectDatabase(cmd.Context(), args[0], asJSON)
			}
			report, err := inspect(cmd.Context(), args[0], uint64(memory))
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if asJSON {
				err = printJSON(c.out, report, "  ")
			} else {
				err = c.printReport(report)
			}
			if err == nil && len(report.Faults) > 0 {
				return exitStatus(exitNo)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().Var(&memory, "memory", "the server's limit of linear memory")
	return cmd
}

func inspect(ctx context.Context, file string, memory uint64) (found *inspection, err error) {
	code, err := readModule(file)
	if err != nil {
		return nil, err
	}
	engine, err := wasi.New(ctx, wasi.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	report, err := checkModule(ctx, engine, code, memory)
	if err != nil {
		return nil, err
	}
	found = &inspection{Report: report}
	if report.Queries() {
		if err := found.listDatabases(ctx, engine, filepath.Dir(file)); err != nil {
			return nil, err
		}
	}
	return found, addFaults(report, found.initialise(ctx, file, code, memory))
}

// checkModule puts a module through a server's checks, but for those that run it.
func checkModule(ctx context.Context, engine *wasi.Engine, code []byte, memory uint64) (*wasi.Report, error) {
	report, err := engine.Inspect(code)
	if report == nil {
		return nil, err
	}
	if err != nil { // it cannot be read any further
		report.Faults = nil
		return report, addFaults(report, err)
	}
	if err := addFaults(report, engine.Validate(ctx, code)); err != nil {
		return nil, err
	}
	return report, addFaults(report, report.Fits(memory))
}

// addFaults adds those of a refusal to the report; another error it returns.
func addFaults(report *wasi.Report, err error) error {
	if refused, ok := errors.AsType[*wasi.RefusedError](err); ok {
		report.Faults = append(report.Faults, refused.Faults...)
		return nil
	}
	return err
}

// initialise tries the initialiser of a module that has one, and no faults.
func (i *inspection) initialise(ctx context.Context, file string, code []byte, memory uint64) (err error) {
	if len(i.Initialisers) == 0 || len(i.Faults) > 0 {
		return nil
	}
	cache, err := os.MkdirTemp("", "spacewasm-inspect-")
	if err != nil {
		return fmt.Errorf("make a folder for what is compiled: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
	key := []byte(rand.Text())
	engine, err := wasi.New(ctx, wasi.Config{Isolated: true, CacheDir: cache, CacheKey: key, Workers: runtime.NumCPU()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(context.WithoutCancel(ctx))) }()
	module, err := engine.Compile(ctx, code)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, module.Close(context.WithoutCancel(ctx))) }()
	folder, err := os.OpenRoot(filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("open the module's folder: %w", err)
	}
	defer func() { _ = folder.Close() }()
	limits := space.DefaultLimits()
	snapshot, err := module.Initialise(ctx, wasi.Initialisation{
		Code: func() ([]byte, error) { return code, nil }, Timeout: limits.Timeout,
		Instance: wasi.InstanceConfig{
			Args: []string{filepath.Base(file)}, Bundle: folder,
			Limits: wasi.Limits{Memory: memory, Tmp: limits.Tmp, TmpInodes: limits.TmpInodes, Response: limits.Payload},
		},
	})
	if err != nil {
		return err
	}
	i.Snapshot, i.SnapshotBytes, i.Drew = snapshot.Reason(), snapshot.Bytes(), snapshot.Drew()
	i.Seeded = i.Report.Seeded(i.Drew)
	i.InitialiseMS = float64(snapshot.Took().Microseconds()) / 1000
	return snapshot.Close()
}
