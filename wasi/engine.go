// Package wasi runs one WebAssembly module safely: an [Engine] compiles bytes to
// a [Module], a Module makes [Instance]s, and an Instance serves a request in a
// sandbox of its own. It has never heard of a Micro.
package wasi

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Config configures an [Engine].
type Config struct {
	// CacheDir is where compiled code is kept between processes; it is made when
	// missing and may be deleted at any time. Empty keeps nothing.
	CacheDir string
	// CacheKey is a secret which is not kept in CacheDir: code is native code that
	// will be run, so an isolated engine loads only what it has itself put there.
	CacheKey []byte
	// Workers is the number of goroutines that compile one module; 0 means 1.
	Workers int
	// Isolated compiles in child processes with bounds, never in this one. It
	// needs a CacheDir of this engine's own, a CacheKey, and a program that begins
	// with [Child].
	Isolated bool
	// Room tells whether n more bytes may go to the disk of CacheDir; nil always does.
	Room func(n int64) bool
}

// ErrNoDisk says that the disk has no room for what preparing a module may write.
var ErrNoDisk = errors.New("the disk has no room to prepare the module")

// Engine compiles modules. It is safe for concurrent use.
type Engine struct {
	config  Config
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	// imports are what a module may import, by module and name.
	imports  map[string]map[string]api.FunctionDefinition
	children *child.Nursery
	modules  map[digest]*compiled
	tracker  *memory.Tracker
	dropped  atomic.Int64 // how much code waits for the collector
	collect  sync.Mutex   // held while that runs
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
	code     wazero.CompiledModule
	prepared *instrument.Prepared // without its code and data, which are elsewhere by now
	image    *memory.Image        // what the memory of an instance begins with
	numbers  numbers
	spends   bool // an instance that has run cannot be put back, beside its memory
	report   *Report
	refs     int
}

// close frees the code and the image.
func (c *compiled) close(ctx context.Context) error {
	return errors.Join(c.code.Close(ctx), c.image.Close())
}

// features are those of WebAssembly 2.0 and what is finished after it. Exception
// handling stays off: wazero v1.12.0 miscompiles it.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesThreads

// New returns an engine, which is to be closed after all of its modules.
func New(ctx context.Context, config Config) (*Engine, error) {
	const childrenAtOnce = 2
	if config.Isolated && (config.CacheDir == "" || len(config.CacheKey) == 0) {
		return nil, errors.New("an isolated engine needs a code cache, through which it gets its code, and its key")
	}
	e := &Engine{
		config: config, children: child.NewNursery(childrenAtOnce),
		modules: map[digest]*compiled{}, tracker: memory.NewTracker(), turn: make(chan struct{}, 1),
	}
	if config.Isolated {
		if err := e.checked().own(); err != nil {
			return nil, errors.Join(err, e.tracker.Close())
		}
	}
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(features).
		WithDebugInfoEnabled(false) // or each trap has us parse DWARF of the guest's making
	if config.CacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(config.CacheDir)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open code cache: %w", err), e.tracker.Close())
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

// provide instantiates what guests import: WASI, the handler ABI, and what their
// preparation adds.
func (e *Engine) provide(ctx context.Context) error {
	e.imports = map[string]map[string]api.FunctionDefinition{}
	for name, export := range map[string]func(wazero.HostModuleBuilder){
		preview1.ModuleName: preview1.Export, handler.ModuleName: handler.Export, instrument.HostModule: platform,
	} {
		builder := e.runtime.NewHostModuleBuilder(name)
		export(builder)
		host, err := builder.Compile(ctx)
		if err != nil {
			return fmt.Errorf("compile the functions of %s: %w", name, err)
		}
		if name != instrument.HostModule { // which is for us alone
			e.imports[name] = host.ExportedFunctions()
		}
		if _, err := e.runtime.InstantiateModule(ctx, host, wazero.NewModuleConfig()); err != nil {
			return fmt.Errorf("instantiate the functions of %s: %w", name, err)
		}
	}
	return nil
}

// release gives one reference to a module's code back. It waits for compilations
// to end: wazero must not close code while it compiles the same bytes again.
func (e *Engine) release(ctx context.Context, key digest, c *compiled) error {
	freed, err := e.drop(ctx, key, c)
	if freed {
		e.unmap()
	}
	return err
}

// drop takes one reference away, and tells whether it was the last.
func (e *Engine) drop(ctx context.Context, key digest, c *compiled) (bool, error) {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	c.refs--
	if c.refs > 0 {
		return false, nil
	}
	delete(e.modules, key)
	err := c.close(ctx)
	c.code = nil
	return true, err
}

// unmap has the collector look for code that nobody has any more: wazero unmaps it
// then, and the collector does not see how large it is. Many that release at the
// same time, as when a server stops, are served by one run or two.
func (e *Engine) unmap() {
	e.dropped.Add(1)
	e.collect.Lock()
	defer e.collect.Unlock()
	if e.dropped.Swap(0) > 0 {
		runtime.GC()
	}
}

// Close frees everything. It is idempotent.
func (e *Engine) Close(ctx context.Context) error {
	err := errors.Join(e.runtime.Close(ctx), e.tracker.Close())
	if e.cache != nil {
		err = errors.Join(err, e.cache.Close(ctx))
	}
	return err
}
