package wasi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// Compile makes a module ready to run, from the cache if it is there. A module
// that cannot run is refused with a [*RefusedError]. Waiting for others that are
// compiled ends with ctx, and so does the compilation itself if the engine is
// isolated.
func (e *Engine) Compile(ctx context.Context, code []byte) (*Module, error) {
	module, err := e.Load(ctx, code)
	if err == nil && e.config.Isolated && !e.Prepared(module.Digest()) {
		// Others have it in memory, and it is gone from the disk.
		err = errors.Join(ErrUnprepared, module.Close(ctx))
	}
	if !errors.Is(err, ErrUnprepared) {
		return module, err
	}
	report, err := e.Inspect(code)
	if err != nil {
		return nil, err
	}
	if len(report.Faults) > 0 {
		return nil, &RefusedError{Faults: report.Faults}
	}
	began := time.Now()
	if err := e.compileApart(ctx, sha256.Sum256(code), code); err != nil {
		return nil, err
	}
	if e.config.Compiled != nil {
		e.config.Compiled(time.Since(began))
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
	key := sha256.Sum256(code)
	return e.wake(ctx, key, func() ([]byte, error) { return code, nil })
}

// Wake is Load by the digest of a module (see [Module.Digest]), whose bytes it reads
// only if it must.
func (e *Engine) Wake(ctx context.Context, digest string, read func() ([]byte, error)) (*Module, error) {
	key, err := parseDigest(digest)
	if err != nil {
		return nil, err
	}
	return e.wake(ctx, key, read)
}

// Prepared tells whether Wake will find the code of a module, unless it is damaged.
func (e *Engine) Prepared(digest string) bool {
	key, err := parseDigest(digest)
	if err != nil {
		return false
	}
	_, err = os.Stat(e.checked().codePath(key))
	return err == nil
}

func parseDigest(text string) (key digest, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(key) {
		return key, fmt.Errorf("%q is no digest of a module", text)
	}
	return digest(b), nil
}

// readModule reads the module with the digest.
func readModule(key digest, read func() ([]byte, error)) ([]byte, error) {
	code, err := read()
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	if sha256.Sum256(code) != key {
		return nil, errors.New("the module is another one than its digest says")
	}
	return code, nil
}

// wake returns another reference to the module's code, which it gets if nobody has.
func (e *Engine) wake(ctx context.Context, key digest, read func() ([]byte, error)) (*Module, error) {
	if e.config.Isolated {
		// The first look at a file reads all of it, which others need not wait for.
		if code, err := e.checked().open(key); err == nil {
			_ = code.close()
		}
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c := e.modules[key]
	if c == nil {
		obtain := e.load
		if !e.config.Isolated {
			obtain = e.compileHere
		}
		var err error
		if c, err = survive(func() (*compiled, error) { return obtain(ctx, key, read) }); err != nil {
			return nil, err
		}
		e.modules[key] = c
	}
	c.refs++
	return &Module{engine: e, key: key, compiled: c}, nil
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

// compileHere compiles in this process, from the cache if it is there.
func (e *Engine) compileHere(ctx context.Context, key digest, read func() ([]byte, error)) (*compiled, error) {
	code, err := readModule(key, read)
	if err != nil {
		return nil, err
	}
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
	return newCompiled(ctx, native, prepared, report, take(prepared))
}

// survive makes an error of a panic: wazero panics where the system has no more memory
// for machine code.
func survive(obtain func() (*compiled, error)) (c *compiled, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, fmt.Errorf("load code: %v", p)
		}
	}()
	return obtain()
}

// inHand is the source of a module whose data is at hand, and whose code has its own
// names.
type inHand struct{ segments []instrument.Segment }

// take takes the data, and drops what else a running module need not hold.
func take(p *instrument.Prepared) *inHand {
	s := &inHand{p.Data}
	p.Code, p.Data, p.Names = nil, nil, nil
	return s
}

func (s *inHand) image(size uint64) (*memory.Image, error) {
	image, err := memory.NewImage(size, segments(s.segments))
	if err == nil {
		s.segments = nil // of which the image is a copy
	}
	return image, err
}

func (s *inHand) names() (map[uint32]string, error) { return nil, nil } //nolint:nilnil // it has none

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
