package wasi

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// guest is a module that has been instantiated in a memory of its own. It runs
// once, is reset, and runs again. It is used by one goroutine at a time.
type guest struct {
	compiled  *compiled
	snapshot  *Snapshot // nil where it begins with its data
	runtime   wazero.Runtime
	memory    *memory.Reservation
	tracker   *memory.Tracker
	wasm      api.Module
	meter     meter
	databases *sqlite.Session
	globals   []global
	entry     entry
	listening experimental.ImportResolver // nil unless the guest is profiled
}

// entry is the function that was called last, and is likely to be called next; zero if there
// is none.
type entry struct {
	name string
	api.Function
}

// global is a mutable global, and what it holds at first.
type global struct {
	api.MutableGlobal
	first uint64
}

// instantiate makes a guest, of a snapshot if there is one. What fails here is the
// host's fault: the module has been compiled. The memory stays the caller's.
func (c *compiled) instantiate(ctx context.Context, e *Engine, mem *memory.Reservation, s *Snapshot, p *Profile) (*guest, error) {
	var image *memory.Image
	var err error
	if s != nil {
		image = s.image
	} else if image, err = c.data(); err != nil {
		return nil, err
	}
	if err := mem.Load(image); err != nil {
		return nil, err
	}
	g := &guest{compiled: c, runtime: e.runtime, memory: mem, tracker: e.tracker, snapshot: s}
	if p != nil {
		if g.listening, err = e.listening(ctx); err != nil {
			return nil, err
		}
		g.meter.sampler = &sampler{profile: p, compiled: c, meter: &g.meter}
	}
	if err := g.instantiate(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// instantiate makes an instance in the guest's memory, which is as its image.
func (g *guest) instantiate(ctx context.Context) error {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	if g.listening != nil {
		ctx = experimental.WithImportResolver(ctx, g.listening)
	}
	wasm, err := g.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, g.memory), g.compiled.code, config)
	if err != nil {
		return fmt.Errorf("instantiate module: %w", err)
	}
	g.wasm, g.entry = wasm, entry{}
	g.meter.lasts = g.memory.Unwatch
	g.meter.left, err = mutable(g.wasm, instrument.MeterExport)
	g.globals = g.globals[:0]
	for _, x := range g.compiled.prepared.Globals {
		m, missing := mutable(g.wasm, x.Name)
		err = errors.Join(err, missing)
		if missing == nil {
			g.globals = append(g.globals, global{m, m.Get()})
		}
	}
	if err == nil && g.snapshot != nil {
		err = g.restore()
	}
	if err != nil {
		return errors.Join(err, g.close(ctx))
	}
	return nil
}

// restore makes a new instance what its snapshot is. Its memory holds that already,
// and is as large as the module declares.
func (g *guest) restore() error {
	const page = memory.PageSize
	size := g.snapshot.image.Size()
	if more := size - uint64(len(g.memory.Content())); more > 0 {
		if _, ok := g.wasm.Memory().Grow(uint32(more / page)); !ok {
			return fmt.Errorf("the memory does not grow to the %d bytes of its snapshot", size)
		}
	}
	for i := range g.globals {
		g.globals[i].first = g.snapshot.globals[i]
		g.globals[i].Set(g.globals[i].first)
	}
	return nil
}

// mutable returns a global that the preparation has exported.
func mutable(wasm api.Module, name string) (api.MutableGlobal, error) {
	m, ok := wasm.ExportedGlobal(name).(api.MutableGlobal)
	if !ok {
		return nil, fmt.Errorf("the prepared module has no mutable global %q", name)
	}
	return m, nil
}

// begin grants the guest a limit of fuel, 0 for none, for all that it does before the
// next begin.
func (g *guest) begin(fuel uint64) {
	g.meter.begin(fuel)
	if g.meter.sampler != nil {
		g.meter.sampler.profile.begin()
	}
}

// initialise makes the guest, which is new, what a snapshot of it is. A command's
// start, where that initialises a handler, may exit with status 0.
func (g *guest) initialise(ctx context.Context, process *preview1.Process) error {
	report := g.compiled.report
	for _, name := range append([]string{g.compiled.prepared.Start}, report.Initialisers...) {
		if name == "" {
			continue
		}
		_, err := g.call(ctx, process, name)
		exit, exited := errors.AsType[*sys.ExitError](err)
		if exited && exit.ExitCode() == 0 && name == startExport && report.Contract == ContractHandler {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// call calls an exported function on behalf of a process, and returns its first
// result.
//
// What is looked up has a native stack of its own, which wazero makes as large as a call
// needs, and keeps. It is used again where that did not become large, as it takes 10 KB.
func (g *guest) call(ctx context.Context, process *preview1.Process, name string, params ...uint64) (uint64, error) {
	ctx = preview1.WithProcess(sqlite.With(meterContext{ctx, &g.meter}, g.databases), process)
	f := g.entry
	g.entry = entry{} // until the call has returned, and has kept little
	if f.name != name {
		f = entry{name, g.wasm.ExportedFunction(name)}
	}
	if f.Function == nil {
		return 0, fmt.Errorf("the module exports no function %q", name)
	}
	end := g.memory.Watch(g.tracker)
	defer end()
	if s := g.meter.sampler; s != nil {
		s.enter()
		defer s.leave()
	}
	results, err := f.Call(ctx, params...)
	if !g.meter.deep {
		g.entry = f
	}
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// reset puts the guest back to what it was before it ran.
//
// Where the instance has something that cannot be taken back (it has grown its
// memory, may have changed its tables or dropped its data, or has a global of
// which a host sees but a part), another one is made in the same memory: that
// saves the kernel's work of giving it all its pages again.
func (g *guest) reset(ctx context.Context) error {
	again := g.compiled.spends
	if !again {
		err := g.memory.Reset(g.tracker)
		if again = errors.Is(err, memory.ErrGrown); err != nil && !again {
			return err
		}
	}
	if again {
		if err := errors.Join(g.close(ctx), g.memory.Renew(g.tracker)); err != nil {
			return err
		}
		return g.instantiate(ctx)
	}
	for _, x := range g.globals {
		x.Set(x.first)
	}
	return nil
}

// close frees the instance, but for its memory.
func (g *guest) close(ctx context.Context) error {
	// The context may be over, but what the instance holds is to be freed.
	return g.wasm.Close(context.WithoutCancel(ctx))
}
