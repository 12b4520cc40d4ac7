package wasi

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
)

// compileOptions are what a child has to know beside the module.
type compileOptions struct {
	Workers int `json:"workers"`
}

// compileTask is the child's side of [Engine.compileApart]. It has wazero compile
// the module into a cache in the working directory, and hands the code over, with all that
// belongs to it.
func compileTask(text string, in io.Reader, out io.Writer, _ []*os.File) (err error) {
	ctx := context.Background()
	var options compileOptions
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	code, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read module: %w", err)
	}
	d, stub, err := compileWhole(ctx, code, options.Workers)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refusal(refused).write(out)
	}
	if err == nil {
		err = d.compileStub(ctx, stub)
	}
	if err != nil {
		return err
	}
	return writeCodeFile(out, d, stub, filepath.Join(wholeDir, filepath.FromSlash(d.Whole)))
}

// Where wazero keeps the code of a module and of its stub, in a child's folder.
const wholeDir, stubDir = "whole", "stub"

// compileWhole has wazero compile a module, and returns what is to be said of it, and
// its stub.
func compileWhole(ctx context.Context, code []byte, workers int) (d description, stub []byte, err error) {
	engine, err := New(ctx, Config{CacheDir: wholeDir, Workers: workers})
	if err != nil {
		return d, nil, err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	report, err := engine.Inspect(code)
	if err != nil {
		return d, nil, err
	}
	native, prepared, err := engine.compileNew(ctx, code)
	if err != nil {
		return d, nil, err
	}
	d = description{Report: report, Entry: report.entry, Command: report.command, Prepared: *prepared}
	d.Whole, err = onlyEntry(wholeDir)
	return d, prepared.Stub(sha256.Sum256(code)), errors.Join(err, native.Close(ctx))
}

// compileStub has wazero compile the stub, to learn what it would look for.
func (d *description) compileStub(ctx context.Context, stub []byte) (err error) {
	engine, err := New(ctx, Config{CacheDir: stubDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	native, err := engine.runtime.CompileModule(ctx, stub)
	if err != nil {
		return fmt.Errorf("compile the stub of a module: %w", err)
	}
	d.Stub, err = onlyEntry(stubDir)
	return errors.Join(err, native.Close(ctx))
}

// onlyEntry is the name of the only entry of a cache.
func onlyEntry(cache string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(cache, "*", "*"))
	if err == nil && len(paths) != 1 {
		err = fmt.Errorf("the compiler has left %d files", len(paths))
	}
	if err != nil {
		return "", err
	}
	name, err := filepath.Rel(cache, paths[0])
	return filepath.ToSlash(name), err
}

// compileNew prepares and compiles a module that is in no cache yet, and tells a
// failure of the system (a full disk, a file too large) from a fault of the module.
func (e *Engine) compileNew(ctx context.Context, code []byte) (wazero.CompiledModule, *instrument.Prepared, error) {
	if err := e.Validate(ctx, code); err != nil {
		return nil, nil, err
	}
	prepared, err := prepare(code)
	if err != nil {
		return nil, nil, err
	}
	native, err := e.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, e.config.Workers), prepared.Code)
	if _, system := errors.AsType[syscall.Errno](err); system {
		return nil, nil, fmt.Errorf("compile module: %w", err)
	}
	if err != nil {
		return nil, nil, invalid(err)
	}
	return native, prepared, nil
}

// refusal is the description of a module that is refused.
func refusal(refused *RefusedError) description {
	const most = 4 << 10
	var d description
	for _, fault := range refused.Faults {
		d.Refused = append(d.Refused, fault[:min(len(fault), most)])
	}
	return d
}
