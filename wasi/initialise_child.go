package wasi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// initialiseOrder is what a child is told that initialises a guest. It comes with
// the input, as it holds the guest's secrets; the module and its code follow it.
type initialiseOrder struct {
	// Key is what the child seals the snapshot with. It opens no other.
	Key []byte `json:"key"`
	// Entry is the name of the code in a cache.
	Entry   string        `json:"entry"`
	Module  int           `json:"module"` // its length, in bytes
	Args    []string      `json:"args"`
	Env     []string      `json:"env"`
	Limits  Limits        `json:"limits"`
	Timeout time.Duration `json:"timeout"`
}

// input is what the child reads.
func (o initialiseOrder) input(module []byte, code io.Reader) (io.Reader, error) {
	o.Module = len(module)
	head, err := frame(o)
	if err != nil {
		return nil, fmt.Errorf("write an order: %w", err)
	}
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(module), code), nil
}

// readOrder reads the order and the module.
func readOrder(in io.Reader) (o initialiseOrder, module []byte, err error) {
	if err := readFrame(in, math.MaxUint32, &o); err != nil { // it is the parent's
		return o, nil, err
	}
	module = make([]byte, o.Module)
	_, err = io.ReadFull(in, module)
	return o, module, err
}

// initialiseTask is the child's side of [Module.Initialise]. It puts the code into
// a cache in the working directory, and hands the sealed snapshot over.
func initialiseTask(_ string, in io.Reader, out io.Writer, folders []*os.File) error {
	order, code, err := readOrder(in)
	if err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	if err := writeFile(filepath.FromSlash(order.Entry), in); err != nil {
		return fmt.Errorf("write code: %w", err)
	}
	bundle, err := openFolder(folders)
	if err != nil {
		return err
	}
	defer func() { _ = bundle.Close() }()
	const tmp = "tmp"
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	return initialiseAndSeal(Initialisation{Timeout: order.Timeout, Instance: InstanceConfig{
		Args: order.Args, Env: order.Env, Bundle: bundle, TmpDir: tmp, Limits: order.Limits,
	}}, code, order.Key, out)
}

// openFolder opens the folder that a child may read.
func openFolder(folders []*os.File) (*os.Root, error) {
	if len(folders) != 1 {
		return nil, fmt.Errorf("%d folders instead of the bundle", len(folders))
	}
	// It can be opened by this name though not by its own.
	descriptors := "/dev/fd"
	if runtime.GOOS == "linux" { // where that is a link, which not every container has
		descriptors = "/proc/self/fd"
	}
	bundle, err := os.OpenRoot(fmt.Sprintf("%s/%d", descriptors, folders[0].Fd()))
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return bundle, nil
}

// initialiseAndSeal initialises a module whose code is in the cache here, and
// writes its sealed snapshot.
func initialiseAndSeal(config Initialisation, code, key []byte, out io.Writer) (err error) {
	ctx := context.Background()
	engine, err := New(ctx, Config{CacheDir: "."})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	module, err := engine.Compile(ctx, code)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, module.Close(ctx)) }()
	sealed, err := seal(out, key)
	if err != nil {
		return err
	}
	err = module.initialise(ctx, config, func(h snapshotHeader, content []byte) error {
		if err := h.write(sealed); err != nil || h.Reason != "" {
			return err
		}
		return writeParts(sealed, memory.Parts(content))
	})
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		err = snapshotHeader{Refused: refused.Faults}.write(sealed)
	}
	return errors.Join(err, sealed.Close())
}

// writeFile writes a file, in a folder that is made for it.
func writeFile(name string, content io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

// initialiserVerdict says whether a child that did not end well was the module's
// fault.
func initialiserVerdict(name string, ended *child.EndedError, timeout time.Duration, bounds child.Bounds) error {
	var fault string
	switch ended.Reason {
	case child.TooLong, child.TooMuchProcessor:
		fault = fmt.Sprintf("did not finish within %v", timeout)
	case child.TooMuchMemory:
		fault = fmt.Sprintf("takes more than %d MiB of memory", bounds.Resident>>20)
	case child.TooLarge:
		fault = fmt.Sprintf("writes files of more than %d MiB", bounds.File>>20)
	case child.Killed:
		return fmt.Errorf("%w: %w", ErrInterrupted, ended)
	case child.Crashed:
		fault = "crashed the process that ran it: that is a fault of ours, which the server's log describes"
	case child.Failed:
		return fmt.Errorf("initialise in a child process: %w", ended)
	}
	return &RefusedError{Err: ended, Faults: []string{fmt.Sprintf("the initialiser %s %s", name, fault)}}
}
