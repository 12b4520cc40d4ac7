// Package stock runs a module as one would with wazero as it comes: its own WASI, a
// fresh instance for each request, and its deadline on. It is what the engine is
// measured against, and no sandbox.
package stock

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/internal/cgi"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
)

// responseLimit is that of a Micro, in bytes.
const responseLimit = 5767168

// Config is what a [Module] is made of.
type Config struct {
	// CacheDir is where wazero keeps compiled code; "" keeps none.
	CacheDir string
	// Dir is the guest's read-only root.
	Dir string
	// Args are the guest's arguments, its own name first.
	Args []string
	// Timeout is how long a request may take.
	Timeout time.Duration
}

// Module is a compiled module. It is safe for concurrent use, and is to be closed.
type Module struct {
	config  Config
	report  *wasi.Report
	cache   wazero.CompilationCache // nil without one
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// Compile compiles a module, or loads it from the cache.
func Compile(ctx context.Context, code []byte, report *wasi.Report, config Config) (*Module, error) {
	m := &Module{config: config, report: report}
	rc := wazero.NewRuntimeConfig().WithCloseOnContextDone(true)
	if config.CacheDir != "" {
		var err error
		if m.cache, err = wazero.NewCompilationCacheWithDir(config.CacheDir); err != nil {
			return nil, fmt.Errorf("open code cache: %w", err)
		}
		rc = rc.WithCompilationCache(m.cache)
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, rc)
	if err := m.compile(ctx, code); err != nil {
		return nil, errors.Join(err, m.Close(ctx))
	}
	return m, nil
}

func (m *Module) compile(ctx context.Context, code []byte) error {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, m.runtime); err != nil {
		return fmt.Errorf("instantiate WASI: %w", err)
	}
	abi := m.runtime.NewHostModuleBuilder(handler.ModuleName)
	handler.Export(abi)
	_, err := abi.Instantiate(ctx)
	if err == nil {
		m.module, err = m.runtime.CompileModule(ctx, code)
	}
	if err != nil {
		return fmt.Errorf("compile with stock wazero: %w", err)
	}
	return nil
}

// Report is what the module says about itself. It is not to be changed.
func (m *Module) Report() *wasi.Report { return m.report }

// Close frees the code.
func (m *Module) Close(ctx context.Context) error {
	err := m.runtime.Close(ctx)
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	return err
}

// Instance is one that has initialised itself, if its contract has it so.
type Instance struct {
	module *Module
	wasm   api.Module // nil for a command, which begins with its request
}

// Instance makes an instance of a handler, which is to be closed.
func (m *Module) Instance(ctx context.Context) (*Instance, error) {
	i := &Instance{module: m}
	if m.report.Contract != wasi.ContractHandler {
		return i, nil
	}
	wasm, err := m.runtime.InstantiateModule(handler.With(ctx, handler.Initialise(io.Discard)), m.module, m.instance())
	if err != nil {
		return nil, fmt.Errorf("instantiate with stock wazero: %w", err)
	}
	i.wasm = wasm
	for _, name := range m.report.Initialisers {
		if _, err := wasm.ExportedFunction(name).Call(handler.With(ctx, handler.Initialise(io.Discard))); err != nil && !exitedWell(err) {
			return nil, errors.Join(fmt.Errorf("initialise with stock wazero: %w", err), wasm.Close(ctx))
		}
	}
	return i, nil
}

// Close frees the instance.
func (i *Instance) Close(ctx context.Context) error {
	if i.wasm == nil {
		return nil
	}
	return i.wasm.Close(ctx)
}

// instance is what instances are made of.
func (m *Module) instance() wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions().WithArgs(m.config.Args...).
		WithFSConfig(wazero.NewFSConfig().WithReadOnlyDirMount(m.config.Dir, "/")).
		WithRandSource(rand.Reader).WithSysWalltime().WithSysNanotime().WithStderr(io.Discard)
}

// Serve has the instance answer a request. A command's is made here.
func (i *Instance) Serve(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(ctx, i.module.config.Timeout)
	defer cancel()
	if i.wasm == nil {
		return i.module.command(ctx, w, r)
	}
	x := handler.New(w, r, handler.Config{Log: io.Discard, Limit: responseLimit}, func(error) { cancel() })
	ctx = handler.With(ctx, x)
	err := x.Run(func(name string, params ...uint64) (uint64, error) {
		results, err := i.wasm.ExportedFunction(name).Call(ctx, params...)
		if err != nil || len(results) == 0 {
			return 0, err
		}
		return results[0], nil
	})
	return errors.Join(err, x.Err(), x.Close())
}

// command runs a command as a CGI program.
func (m *Module) command(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	out := cgi.NewResponse(w, r, responseLimit, func(error) {})
	body := r.Body
	if body == nil {
		body = io.NopCloser(&bytes.Reader{})
	}
	config := m.instance().WithStartFunctions("_start").WithStdin(body).WithStdout(out)
	for _, line := range cgi.Env(r, r.ContentLength) {
		key, value, _ := strings.Cut(line, "=")
		config = config.WithEnv(key, value)
	}
	wasm, err := m.runtime.InstantiateModule(ctx, m.module, config)
	if wasm != nil {
		err = errors.Join(err, wasm.Close(ctx))
	}
	if err != nil && !exitedWell(err) {
		return fmt.Errorf("run with stock wazero: %w", err)
	}
	return errors.Join(out.Err(), out.Close())
}

func exitedWell(err error) bool {
	exit, ok := errors.AsType[*sys.ExitError](err)
	return ok && exit.ExitCode() == 0
}

// ServeHTTP answers a request by a fresh instance.
func (m *Module) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i, err := m.Instance(r.Context())
	if err == nil {
		err = errors.Join(i.Serve(r.Context(), w, r), i.Close(r.Context()))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}
