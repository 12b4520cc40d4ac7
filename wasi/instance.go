package wasi

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	experimentalfs "github.com/tetratelabs/wazero/experimental/sysfs"

	"github.com/spacewasm/spacewasm/wasi/internal/cgi"
	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/stockfs"
)

// Instance is one sandbox. It is used by one goroutine at a time, and is to be
// closed.
type Instance struct {
	module *Module
	args   []string
	env    []string
	limits Limits
	memory *memory.Reservation
	bundle *fs.Dir
	tmp    *fs.Tmp
	served bool
}

// Fresh tells whether the instance can serve a request that finds nothing of an
// earlier one.
func (i *Instance) Fresh() bool { return !i.served }

// Serve runs the guest for one request. The body must have been read, so that no
// guest waits for a client; its length is r.ContentLength. The guest's log goes
// to stderr. The guest ends with the request's context.
//
// An error is a [*Fault]; unless it is Committed, w is as it was.
func (i *Instance) Serve(w http.ResponseWriter, r *http.Request, stderr io.Writer) error {
	if !i.Fresh() {
		return &Fault{Kind: FaultHost, Message: "the instance has served a request already"}
	}
	i.served = true
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := cgi.NewResponse(w, r, i.limits.Response, func(error) { cancel() })
	fault := i.diagnose(ctx, i.run(ctx, r, out, stderr), out)
	if fault == nil {
		fault = outputFault(out.Close())
	}
	if fault == nil {
		return nil
	}
	fault.Committed = out.Committed()
	return fault
}

// run executes the guest from its start to its end.
func (i *Instance) run(ctx context.Context, r *http.Request, out *cgi.Response, stderr io.Writer) error {
	config := sandbox(ctx, i.args, append(cgi.Env(r, r.ContentLength), i.env...)).
		WithStdin(r.Body).
		WithStdout(&ending{w: out, over: ctx.Err}).
		WithStderr(&ending{w: stderr, over: ctx.Err}).
		WithFSConfig(wazero.NewFSConfig().(experimentalfs.FSConfig).
			WithSysFSMount(stockfs.New(i.bundle), "/").(experimentalfs.FSConfig).
			WithSysFSMount(stockfs.New(i.tmp.Dir()), "/tmp"))
	ctx = context.WithValue(ctx, flusherKey{}, out)
	return i.module.start(ctx, config, i.memory)
}

// ending refuses writes once the context is over. A guest may put a million
// pieces into one fd_write, and WASI stops at the first error only.
type ending struct {
	w    io.Writer
	over func() error
}

func (e *ending) Write(p []byte) (int, error) {
	if err := e.over(); err != nil {
		return 0, err
	}
	return e.w.Write(p)
}

// start instantiates the module and calls its entry point.
func (m *Module) start(ctx context.Context, config wazero.ModuleConfig, mem *memory.Reservation) error {
	ctx = experimental.WithMemoryAllocator(ctx, mem)
	instance, err := m.engine.runtime.InstantiateModule(ctx, m.compiled.code, config)
	if err != nil {
		return err
	}
	// The context may be over, but what the instance holds is to be freed.
	defer func() { _ = instance.Close(context.WithoutCancel(ctx)) }()
	_, err = instance.ExportedFunction("_start").Call(ctx)
	return err
}

// sandbox is what all guests have in common: a name of nobody's, live clocks, and
// sleeps that end with the context.
func sandbox(ctx context.Context, args, env []string) wazero.ModuleConfig {
	config := wazero.NewModuleConfig().
		WithName("").
		WithStartFunctions().
		WithArgs(args...).
		WithRandSource(rand.Reader).
		WithSysWalltime().
		WithSysNanotime().
		WithNanosleep(func(ns int64) { sleep(ctx, time.Duration(ns)) })
	for _, line := range env {
		key, value, _ := strings.Cut(line, "=")
		config = config.WithEnv(key, value)
	}
	return config
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Close frees the instance's memory and its /tmp. It is idempotent.
func (i *Instance) Close() error {
	return errors.Join(i.memory.Close(), i.tmp.Close())
}

// flusherKey is where the response that a guest writes to stands in the context.
type flusherKey struct{}

// fdSync replaces WASI's own: on standard output it flushes the response, and
// elsewhere there is nothing to do, as no file of a guest outlives it.
func fdSync(ctx context.Context, _ api.Module, stack []uint64) {
	const errnoIO = 29
	fd := api.DecodeU32(stack[0])
	stack[0] = 0
	out, ok := ctx.Value(flusherKey{}).(*cgi.Response)
	if fd == 1 && ok && out.Flush() != nil {
		stack[0] = errnoIO
	}
}
