package wasi

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/cgi"
	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Instance is one sandbox. It is used by one goroutine at a time, and is to be
// closed.
type Instance struct {
	module  *Module
	env     []string
	limits  Limits
	memory  *memory.Reservation
	process *preview1.Process
	tmp     *fs.Tmp
	served  bool
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
	env := append(cgi.Env(r, r.ContentLength), i.env...)
	if err := i.process.Begin(env, preview1.Stdio{In: r.Body, Out: out, Err: stderr}); err != nil {
		return err
	}
	return i.module.start(ctx, i.process, i.memory)
}

// start instantiates the module, and calls its entry point on behalf of a process.
func (m *Module) start(ctx context.Context, process *preview1.Process, mem *memory.Reservation) error {
	ctx = preview1.WithProcess(experimental.WithMemoryAllocator(ctx, mem), process)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	instance, err := m.engine.runtime.InstantiateModule(ctx, m.compiled.code, config)
	if err != nil {
		return err
	}
	// The context may be over, but what the instance holds is to be freed.
	defer func() { _ = instance.Close(context.WithoutCancel(ctx)) }()
	_, err = instance.ExportedFunction("_start").Call(ctx)
	return err
}

// Close frees the instance's memory, its descriptors and its /tmp. It is
// idempotent.
func (i *Instance) Close() error {
	return errors.Join(i.process.Close(), i.memory.Close(), i.tmp.Close())
}
