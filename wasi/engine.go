// Package wasi runs one WebAssembly module safely: an [Engine] compiles bytes to
// a [Module], a Module makes [Instance]s, and an Instance serves a request in a
// sandbox of its own. It has never heard of a Micro.
package wasi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Config configures an [Engine].
type Config struct {
	// CacheDir is where compiled code is kept between processes; it is made when
	// missing and may be deleted at any time. Empty keeps nothing.
	CacheDir string
	// Interruptible makes a guest end soon after its context does. It slows tight
	// loops of the guest down, so a command that its user can kill does without.
	Interruptible bool
	// Workers is the number of goroutines that compile one module; 0 means 1.
	Workers int
}

// Engine compiles modules. It is safe for concurrent use.
type Engine struct {
	config  Config
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	imports map[string]api.FunctionDefinition // what a module may import, by name
	modules map[digest]*compiled
	// turn holds a token while somebody compiles, closes code, or uses modules. It
	// is a lock whose wait can end with a context, as a compilation takes seconds.
	turn chan struct{}
}

// digest is the SHA-256 of a module.
type digest = [sha256.Size]byte

// compiled is the code of one module, shared by every [Module] with the same
// bytes. wazero counts references to code itself, but loses count when they are
// closed while others are made, so it sees one reference only.
type compiled struct {
	code   wazero.CompiledModule
	report *Report
	refs   int
}

// features are those of WebAssembly 2.0 and what is finished after it. Exception
// handling stays off: wazero v1.12.0 miscompiles it.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesThreads

// New returns an engine, which is to be closed after all of its modules.
func New(ctx context.Context, config Config) (*Engine, error) {
	e := &Engine{config: config, modules: map[digest]*compiled{}, turn: make(chan struct{}, 1)}
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(features).
		WithCloseOnContextDone(config.Interruptible)
	if config.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(config.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("open code cache: %w", err)
		}
		e.cache = cache
		rc = rc.WithCompilationCache(cache)
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	if err := e.provide(ctx); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

// provide instantiates WASI for the guests to import.
func (e *Engine) provide(ctx context.Context) error {
	builder := e.runtime.NewHostModuleBuilder(preview1.ModuleName)
	preview1.Export(builder)
	host, err := builder.Compile(ctx)
	if err != nil {
		return fmt.Errorf("compile WASI: %w", err)
	}
	e.imports = host.ExportedFunctions()
	if _, err := e.runtime.InstantiateModule(ctx, host, wazero.NewModuleConfig()); err != nil {
		return fmt.Errorf("instantiate WASI: %w", err)
	}
	return nil
}

// Compile makes a module ready to run, from the cache if it is there. A module
// that cannot run is refused with a [*RefusedError]. One module is compiled at a
// time, as a compilation uses all the processors it may; waiting for that ends
// with ctx.
func (e *Engine) Compile(ctx context.Context, code []byte) (*Module, error) {
	key := sha256.Sum256(code)
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := e.modules[key]; c != nil {
		c.refs++
		return &Module{engine: e, key: key, compiled: c}, nil
	}
	return e.compile(ctx, key, code)
}

func (e *Engine) compile(ctx context.Context, key digest, code []byte) (*Module, error) {
	report, err := e.Inspect(code)
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, &RefusedError{Faults: report.Faults}
	}
	if e.config.Workers > 1 {
		ctx = experimental.WithCompilationWorkers(ctx, e.config.Workers)
	}
	if err := makeCache(e.config.CacheDir); err != nil {
		return nil, fmt.Errorf("make code cache: %w", err)
	}
	native, err := e.runtime.CompileModule(ctx, code)
	if err != nil {
		native, err = e.compileAnew(ctx, code, err)
	}
	if err != nil {
		return nil, err
	}
	c := &compiled{code: native, report: report, refs: 1}
	e.modules[key] = c
	return &Module{engine: e, key: key, compiled: c}, nil
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

// Validate checks a module as WebAssembly's specification has it, without making
// code of it. One that is not valid is refused with a [*RefusedError].
func (e *Engine) Validate(ctx context.Context, code []byte) error {
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	_, err := runtime.CompileModule(ctx, code)
	if err != nil {
		err = &RefusedError{Faults: []string{fmt.Sprintf("the module is not valid: %v", err)}}
	}
	return errors.Join(err, runtime.Close(ctx))
}

// release gives one reference to a module's code back. It waits for compilations
// to end: wazero must not close code while it compiles the same bytes again.
func (e *Engine) release(ctx context.Context, key digest, c *compiled) error {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	c.refs--
	if c.refs > 0 {
		return nil
	}
	delete(e.modules, key)
	return c.code.Close(ctx)
}

// Close frees everything. It is idempotent.
func (e *Engine) Close(ctx context.Context) error {
	err := e.runtime.Close(ctx)
	if e.cache != nil {
		err = errors.Join(err, e.cache.Close(ctx))
	}
	return err
}
