package wasi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// Compile makes a module ready to run, from the cache if it is there. A module
// that cannot run is refused with a [*RefusedError]. Waiting for others that are
// compiled ends with ctx, and so does the compilation itself if the engine is
// isolated.
func (e *Engine) Compile(ctx context.Context, code []byte) (*Module, error) {
	module, err := e.Load(ctx, code)
	if !errors.Is(err, ErrUnprepared) {
		return module, err
	}
	if err := e.compileApart(ctx, sha256.Sum256(code), code); err != nil {
		return nil, err
	}
	module, err = e.Load(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("load what a child process has compiled: %w", err)
	}
	return module, nil
}

// ErrUnprepared says that something has never been prepared, or by another version
// of the engine, or that what was kept of it is damaged. Preparing it takes seconds.
var ErrUnprepared = errors.New("not prepared")

// Load is Compile for what takes no more than milliseconds: code that is in the
// cache, else it returns [ErrUnprepared]. An engine that is not isolated compiles.
func (e *Engine) Load(ctx context.Context, code []byte) (*Module, error) {
	report, err := e.Inspect(code)
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, &RefusedError{Faults: report.Faults}
	}
	key := sha256.Sum256(code)
	return e.module(ctx, key, report, func() (*compiled, error) {
		if !e.config.Isolated {
			return e.compileHere(ctx, code)
		}
		return e.load(ctx, key, code)
	})
}

// module returns another reference to the module's code, which obtain gets if
// nobody has.
func (e *Engine) module(ctx context.Context, key digest, report *Report, obtain func() (*compiled, error)) (*Module, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := e.modules[key]
	if c == nil {
		var err error
		if c, err = obtain(); err != nil {
			return nil, err
		}
		c.report = report
		e.modules[key] = c
	}
	c.refs++
	return &Module{engine: e, key: key, compiled: c}, nil
}

// load makes a module of code in the cache, and compiles nothing. It decodes no
// module which a child has not seen to be good. The caller has the turn.
func (e *Engine) load(ctx context.Context, key digest, code []byte) (*compiled, error) {
	if err := e.checked().verify(key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnprepared, err)
	}
	prepared, err := prepare(code)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnprepared, err)
	}
	native, err := e.runtime.CompileModule(compileNothing(ctx), prepared.Code)
	if err != nil {
		return nil, fmt.Errorf("%w: load from the code cache: %w", ErrUnprepared, err)
	}
	return assemble(ctx, native, prepared)
}

// compileNothing returns a context with which wazero decodes and validates a
// module, and makes no code of it: several workers look at their context before
// each function. What is in the cache is loaded without a look at it.
func compileNothing(ctx context.Context) context.Context {
	over, cancel := context.WithCancel(experimental.WithCompilationWorkers(context.WithoutCancel(ctx), 2))
	cancel()
	return over
}

// prepare rewrites a module so that it can be metered, stopped and reset.
func prepare(code []byte) (*instrument.Prepared, error) {
	prepared, err := instrument.Instrument(code, instrument.DefaultOptions(runtime.GOARCH))
	if refused, ok := errors.AsType[*instrument.RefusedError](err); ok {
		return nil, &RefusedError{Faults: []string{refused.Reason}}
	}
	if err != nil {
		return nil, invalid(err)
	}
	return prepared, nil
}

// assemble makes what instances are made of. The native code becomes its own.
func assemble(ctx context.Context, native wazero.CompiledModule, prepared *instrument.Prepared) (*compiled, error) {
	var parts []memory.Part
	for _, s := range prepared.Data {
		parts = append(parts, memory.Part{Offset: uint64(s.Offset), Bytes: s.Bytes})
	}
	var size uint64
	for _, m := range native.ExportedMemories() {
		size = uint64(m.Min()) * memory.PageSize
	}
	image, err := memory.NewImage(size, memory.Of(parts...))
	if err != nil {
		return nil, errors.Join(err, native.Close(ctx))
	}
	// What wazero and the image have copied need not stay here as well.
	prepared.Code, prepared.Data = nil, nil
	var n numbers
	for _, f := range native.ImportedFunctions() {
		if module, _, _ := f.Import(); module == instrument.HostModule {
			n.added++
		} else {
			n.imported++
		}
	}
	spends := prepared.ChangesTables || prepared.DropsData ||
		slices.ContainsFunc(prepared.Globals, func(g instrument.Global) bool { return !isNumber(g.Type) })
	return &compiled{code: native, prepared: prepared, image: image, numbers: n, spends: spends}, nil
}

// isNumber tells whether a host can read a global of the type, and set it again.
func isNumber(t binary.ValType) bool {
	return t == binary.I32 || t == binary.I64 || t == binary.F32 || t == binary.F64
}

// compileHere compiles in this process, from the cache if it is there.
func (e *Engine) compileHere(ctx context.Context, code []byte) (*compiled, error) {
	if e.config.Workers > 1 {
		ctx = experimental.WithCompilationWorkers(ctx, e.config.Workers)
	}
	if err := makeCache(e.config.CacheDir); err != nil {
		return nil, fmt.Errorf("make code cache: %w", err)
	}
	if err := e.Validate(ctx, code); err != nil {
		return nil, err
	}
	prepared, err := prepare(code)
	if err != nil {
		return nil, err
	}
	native, err := e.runtime.CompileModule(ctx, prepared.Code)
	if err != nil {
		native, err = e.compileAnew(ctx, prepared.Code, err)
	}
	if err != nil {
		return nil, err
	}
	return assemble(ctx, native, prepared)
}

// compileAnew compiles a module that is valid, and did not compile: that was the
// fault of the cache, which is emptied.
func (e *Engine) compileAnew(ctx context.Context, code []byte, failed error) (wazero.CompiledModule, error) {
	if e.config.CacheDir == "" {
		return nil, fmt.Errorf("compile module: %w", failed)
	}
	if err := errors.Join(os.RemoveAll(e.config.CacheDir), makeCache(e.config.CacheDir)); err != nil {
		return nil, fmt.Errorf("mend code cache: %w", errors.Join(failed, err))
	}
	native, err := e.runtime.CompileModule(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("compile module with an emptied code cache: %w", err)
	}
	return native, nil
}

// makeCache makes the folders of the code cache where they are gone. wazero has a
// folder for each of its versions, and makes it when a cache is opened only.
func makeCache(dir string) error {
	if dir == "" {
		return nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return err
	}
	return cache.Close(context.Background())
}

// Validate checks a module as WebAssembly's specification has it, in this
// process and without making code of it. One that is not valid is refused with a
// [*RefusedError].
func (e *Engine) Validate(ctx context.Context, code []byte) error {
	native, err := e.runtime.CompileModule(compileNothing(ctx), code)
	if errors.Is(err, context.Canceled) {
		return nil // it came to the code
	}
	if err != nil {
		return invalid(err)
	}
	return native.Close(ctx) // it has no code
}

func invalid(err error) *RefusedError {
	return &RefusedError{Faults: []string{fmt.Sprintf("the module is not valid: %v", err)}}
}
