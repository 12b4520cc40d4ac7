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
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
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
	// Compiled is told how long each compilation of an isolated engine took; nil is not.
	Compiled func(took time.Duration)
}

// ErrNoDisk says that the disk has no room for what preparing a module may write.
var ErrNoDisk = errors.New("the disk has no room to prepare the module")

// Engine compiles modules. It is safe for concurrent use.
type Engine struct {
	config  Config
	runtime wazero.Runtime
	cache   wazero.CompilationCache
	// imports are what a module may import, by module and name.
	imports    map[string]map[string]api.FunctionDefinition
	children   *child.Nursery
	modules    map[digest]*compiled
	tracker    *memory.Tracker
	vetted     vetted
	platform   string       // see checkedCache
	offers     string       // where an isolated engine has wazero look for code
	dropped    atomic.Int64 // how much code waits for the collector
	collects   atomic.Bool  // somebody sees to that
	collecting sync.WaitGroup
	listeners  listeners
	// turn holds a token while somebody makes, closes, or uses modules. It is a
	// lock whose wait can end with a context, as a compilation takes seconds.
	turn chan struct{}
}

// digest is the SHA-256 of a module.
type digest = [sha256.Size]byte

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
	rc, err := e.configure(ctx)
	if err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	e.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	if err := e.provide(ctx); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

// configure makes the cache, and says what the runtime is to be.
func (e *Engine) configure(ctx context.Context) (wazero.RuntimeConfig, error) {
	rc := wazero.NewRuntimeConfig().
		WithCoreFeatures(features).
		WithDebugInfoEnabled(false) // or each trap has us parse DWARF of the guest's making
	dir := e.config.CacheDir
	if e.config.Isolated {
		var err error
		if dir, err = e.isolate(ctx); err != nil {
			return nil, err
		}
	}
	if dir == "" {
		return rc, nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open code cache: %w", err)
	}
	e.cache = cache
	return rc.WithCompilationCache(cache), nil
}

// isolate makes an isolated engine's cache, and returns the folder in which wazero is to
// look for code.
func (e *Engine) isolate(ctx context.Context) (string, error) {
	c := e.checked()
	if err := errors.Join(c.own(), c.sweep()); err != nil {
		return "", err
	}
	var err error
	if e.platform, err = c.identify(ctx); err != nil {
		return "", err
	}
	e.offers, err = c.offers()
	return e.offers, err
}

// provide instantiates what guests import: WASI, the handler ABI, SQLite, and what their
// preparation adds.
func (e *Engine) provide(ctx context.Context) error {
	e.imports = map[string]map[string]api.FunctionDefinition{}
	for name, export := range exports() {
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

// exports are what adds the functions of each module of the host.
func exports() map[string]func(wazero.HostModuleBuilder) {
	return map[string]func(wazero.HostModuleBuilder){
		preview1.ModuleName: preview1.Export, handler.ModuleName: handler.Export, sqlite.ModuleName: sqlite.Export,
		instrument.HostModule: platform,
	}
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

// unmap has the collector look, beside the caller, for code that nobody has any more:
// wazero unmaps it then, and the collector does not see how large it is. Many that release
// at the same time, as when a server stops or its Micros fall asleep, are served by one
// run or two.
func (e *Engine) unmap() {
	e.dropped.Add(1)
	if !e.collects.CompareAndSwap(false, true) {
		return // who runs looks again
	}
	e.collecting.Go(func() {
		for again := true; again; {
			e.dropped.Store(0)
			runtime.GC()
			e.collects.Store(false)
			again = e.dropped.Load() > 0 && e.collects.CompareAndSwap(false, true)
		}
	})
}

// Close frees everything. It is idempotent.
func (e *Engine) Close(ctx context.Context) error {
	e.collecting.Wait()
	err := e.tracker.Close()
	if e.runtime != nil {
		err = errors.Join(err, e.runtime.Close(ctx))
	}
	if e.cache != nil {
		err = errors.Join(err, e.cache.Close(ctx))
	}
	if e.offers != "" {
		err = errors.Join(err, os.RemoveAll(e.offers))
	}
	return err
}
