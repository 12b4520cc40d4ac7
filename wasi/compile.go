package wasi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Compile makes a module ready to run, from the cache if it is there. A module
// that cannot run is refused with a [*RefusedError]. Waiting for others that are
// compiled ends with ctx, and so does the compilation itself if the engine is
// isolated.
func (e *Engine) Compile(ctx context.Context, code []byte) (*Module, error) {
	key := sha256.Sum256(code)
	report, err := e.Inspect(code)
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, &RefusedError{Faults: report.Faults}
	}
	if !e.config.Isolated {
		return e.module(ctx, key, report, func() (wazero.CompiledModule, error) { return e.compileHere(ctx, code) })
	}
	load := func() (wazero.CompiledModule, error) { return e.load(ctx, key, code) }
	module, err := e.module(ctx, key, report, load)
	if _, missed := errors.AsType[*missedError](err); !missed {
		return module, err
	}
	if err := e.compileApart(ctx, key, code); err != nil {
		return nil, err
	}
	module, err = e.module(ctx, key, report, load)
	if err != nil {
		return nil, fmt.Errorf("load what a child process has compiled: %w", err)
	}
	return module, nil
}

// module returns another reference to the module's code, which obtain gets if
// nobody has.
func (e *Engine) module(ctx context.Context, key digest, report *Report, obtain func() (wazero.CompiledModule, error)) (*Module, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := e.modules[key]
	if c == nil {
		native, err := obtain()
		if err != nil {
			return nil, err
		}
		c = &compiled{code: native, report: report}
		e.modules[key] = c
	}
	c.refs++
	return &Module{engine: e, key: key, compiled: c}, nil
}

// missedError says that the code of a module cannot be loaded, and why: it has
// never been compiled, or what was kept is damaged, or of another engine.
type missedError struct{ err error }

func (e *missedError) Error() string { return e.err.Error() }

// load makes a module of code in the cache, and compiles nothing. It decodes no
// module which a child has not seen to be good. The caller has the turn.
func (e *Engine) load(ctx context.Context, key digest, code []byte) (wazero.CompiledModule, error) {
	if err := e.checked().verify(key); err != nil {
		return nil, &missedError{err}
	}
	// Several workers look at their context before each function and so compile
	// none; what is in the cache is loaded without a look at it.
	over, cancel := context.WithCancel(experimental.WithCompilationWorkers(context.WithoutCancel(ctx), 2))
	cancel()
	native, err := e.runtime.CompileModule(over, code)
	if err != nil {
		return nil, &missedError{fmt.Errorf("load from the code cache: %w", err)}
	}
	return native, nil
}

// compileHere compiles in this process, from the cache if it is there.
func (e *Engine) compileHere(ctx context.Context, code []byte) (wazero.CompiledModule, error) {
	if e.config.Workers > 1 {
		ctx = experimental.WithCompilationWorkers(ctx, e.config.Workers)
	}
	if err := makeCache(e.config.CacheDir); err != nil {
		return nil, fmt.Errorf("make code cache: %w", err)
	}
	native, err := e.runtime.CompileModule(ctx, code)
	if err != nil {
		return e.compileAnew(ctx, code, err)
	}
	return native, nil
}

// compileAnew finds out whether a failed compilation was the module's fault. If
// not it was the cache's: that is emptied, and the module compiled once more.
func (e *Engine) compileAnew(ctx context.Context, code []byte, failed error) (wazero.CompiledModule, error) {
	if err := e.Validate(ctx, code); err != nil {
		return nil, err
	}
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
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	_, err := runtime.CompileModule(ctx, code)
	if err != nil {
		err = invalid(err)
	}
	return errors.Join(err, runtime.Close(ctx))
}

func invalid(err error) *RefusedError {
	return &RefusedError{Faults: []string{fmt.Sprintf("the module is not valid: %v", err)}}
}
