// Package wasi runs one WebAssembly module safely: an [Engine] compiles bytes to
// a [Module], a Module makes [Instance]s, and an Instance serves a request in a
// sandbox of its own. It has never heard of a Micro.
package wasi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
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
	// Isolated compiles in child processes with bounds, never in this one. It
	// needs a CacheDir of this engine's own, and a program that begins with [Child].
	Isolated bool
}

// Engine compiles modules. It is safe for concurrent use.
type Engine struct {
	config   Config
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	imports  map[string]api.FunctionDefinition // what a module may import, by name
	children *child.Nursery
	modules  map[digest]*compiled
	// turn holds a token while somebody makes, closes, or uses modules. It is a
	// lock whose wait can end with a context, as a compilation takes seconds.
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
	const childrenAtOnce = 2
	if config.Isolated && config.CacheDir == "" {
		return nil, errors.New("an isolated engine needs a code cache, through which it gets its code")
	}
	e := &Engine{
		config: config, children: child.NewNursery(childrenAtOnce),
		modules: map[digest]*compiled{}, turn: make(chan struct{}, 1),
	}
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(features).
		WithDebugInfoEnabled(false). // or each trap has us parse DWARF of the guest's making
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
	err := e.provide(ctx)
	if config.Isolated {
		err = errors.Join(err, e.checked().sweep())
	}
	if err != nil {
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
