package wasi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// load gets a module's code from the cache, and compiles nothing. It decodes no module
// which a child has not seen to be good. The caller has the turn.
//
// Most of what wazero does when it loads code is to decode and validate the module
// once more. So it is given a stub, which is a hundredth of it; the module itself only
// if that fails.
func (e *Engine) load(ctx context.Context, key digest, read func() ([]byte, error)) (*compiled, error) {
	cache := e.checked()
	code, err := cache.open(key)
	if err != nil {
		return nil, unprepared(err)
	}
	defer func() { _ = code.close() }()
	c, err := e.loadStub(ctx, key, code)
	if err == nil {
		return c, nil
	}
	c, whole := e.loadWhole(ctx, key, code, read)
	if whole != nil {
		return nil, unprepared(fmt.Errorf("load from the code cache: %w", errors.Join(err, whole)))
	}
	return c, nil
}

// unprepared says that something has to be prepared again, unless it was the system that
// failed, for want of memory or of descriptors: that passes.
func unprepared(err error) error {
	errno, system := errors.AsType[syscall.Errno](err)
	if system && errno != syscall.ENOENT || strings.Contains(err.Error(), "error mmapping") { // of which wazero keeps the words only
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnprepared, err)
}

// loadStub has wazero take the code of a module for that of its stub, and checks that
// it did.
func (e *Engine) loadStub(ctx context.Context, key digest, code *codeFile) (*compiled, error) {
	stub, err := code.stub()
	if err == nil && !bytes.HasSuffix(stub, key[:]) {
		err = errors.New("the stub is of another module")
	}
	if err != nil {
		return nil, err
	}
	native, err := e.loadNative(ctx, stub, code, code.Stub)
	if err != nil {
		return nil, fmt.Errorf("load a stub: %w", err)
	}
	if err := e.checkWhole(ctx, native, code.Report.MemoryMin); err != nil {
		return nil, errors.Join(err, native.Close(ctx))
	}
	prepared := code.Prepared
	c, err := newCompiled(ctx, native, &prepared, code.Report, &stored{cache: e.checked(), key: key})
	if err != nil {
		return nil, err
	}
	c.native = code.NativeBytes
	return c, nil
}

// loadNative has wazero load the machine code of a module, which it looks for under the
// name of an entry.
func (e *Engine) loadNative(ctx context.Context, module []byte, code *codeFile, entry string) (wazero.CompiledModule, error) {
	name := filepath.Join(e.offers, filepath.FromSlash(entry))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil { // another engine may have swept
		return nil, fmt.Errorf("offer code: %w", err)
	}
	_ = os.Remove(name) // what a withdrawal has left that failed
	withdraw, err := code.offer(name)
	if err != nil {
		return nil, err
	}
	native, err := e.runtime.CompileModule(compileNothing(ctx), module)
	if left := withdraw(); left != nil && err == nil {
		return nil, errors.Join(left, native.Close(ctx))
	}
	return native, err
}

// checkWhole calls a function that traps in a stub, unless its code is that of the
// whole module.
func (e *Engine) checkWhole(ctx context.Context, native wazero.CompiledModule, memoryBytes uint64) (err error) {
	mem, err := memory.Reserve(memoryBytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mem.Close()) }()
	empty, err := memory.NewImage(memoryBytes, memory.Of())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, empty.Close()) }()
	if err := mem.Load(empty); err != nil {
		return err
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	wasm, err := e.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, mem), native, config)
	if err != nil {
		return fmt.Errorf("instantiate a stub: %w", err)
	}
	defer func() { err = errors.Join(err, wasm.Close(context.WithoutCancel(ctx))) }()
	whole := wasm.ExportedFunction(instrument.WholeExport)
	if whole == nil {
		return fmt.Errorf("a stub exports no %q", instrument.WholeExport)
	}
	results, err := whole.Call(ctx)
	if err != nil || len(results) != 1 || results[0] != 1 {
		return fmt.Errorf("a stub has no code: %w", errors.Join(err, errors.New("its check did not return 1")))
	}
	return nil
}

// loadWhole has wazero load the code of the module as such.
func (e *Engine) loadWhole(
	ctx context.Context, key digest, code *codeFile, read func() ([]byte, error),
) (*compiled, error) {
	module, err := readModule(key, read)
	if err != nil {
		return nil, err
	}
	prepared, err := prepare(module)
	if err != nil {
		return nil, err
	}
	native, err := e.loadNative(ctx, prepared.Code, code, code.Whole)
	if err != nil {
		return nil, err
	}
	c, err := newCompiled(ctx, native, prepared, code.Report, take(prepared))
	if err != nil {
		return nil, err
	}
	c.native = code.NativeBytes
	return c, nil
}

// stored is the source of a module that was loaded by its stub: its code file.
type stored struct {
	cache checkedCache
	key   digest
}

func (s *stored) image(size uint64) (_ *memory.Image, err error) {
	code, err := s.cache.open(s.key)
	if err != nil {
		return nil, unprepared(err)
	}
	defer func() { err = errors.Join(err, code.close()) }()
	return memory.NewImage(size, code.data())
}

func (s *stored) names() (_ map[uint32]string, err error) {
	code, err := s.cache.open(s.key)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, code.close()) }()
	return code.names()
}

// compileNothing returns a context with which wazero decodes and validates a
// module, and makes no code of it: several workers look at their context before
// each function. What is in the cache is loaded without a look at it.
func compileNothing(ctx context.Context) context.Context {
	over, cancel := context.WithCancel(experimental.WithCompilationWorkers(context.WithoutCancel(ctx), 2))
	cancel()
	return over
}
