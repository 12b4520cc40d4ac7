package wasi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Initialisation says how a module is to initialise itself.
type Initialisation struct {
	// Owner names whose snapshot it will be. Nobody else begins with it, whatever
	// else is the same; [Engine.KeepSnapshots] tells who there still is.
	Owner string
	// Bundle names the content of Instance.Bundle.
	Bundle string
	// Code reads the module again.
	Code func() ([]byte, error)
	// Timeout is how long the initialiser may run.
	Timeout time.Duration
	// Instance is what instances will be made of. Its limits hold for the initialiser
	// too, and the snapshot takes what it holds from Budgets.Memory; a child of an
	// isolated engine has bounds of its own instead of budgets.
	Instance InstanceConfig
}

// Initialise runs the module's initialiser and takes a snapshot of what it has come
// to, or finds the one that was taken before. An initialiser that fails is a
// [*RefusedError]; a module without one, or of which no snapshot can be taken, has
// a [Snapshot] that says so. The snapshot is to be closed.
func (m *Module) Initialise(ctx context.Context, config Initialisation) (*Snapshot, error) {
	s, err := m.LoadSnapshot(ctx, config)
	if !errors.Is(err, ErrUnprepared) {
		return s, err
	}
	if err := m.initialiseApart(ctx, config); err != nil {
		return nil, err
	}
	s, err = m.LoadSnapshot(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("load what a child process has initialised: %w", err)
	}
	return s, nil
}

// LoadSnapshot is Initialise for what takes no more than milliseconds: a snapshot
// that was taken before, else it returns [ErrUnprepared]. An engine that is not
// isolated initialises.
func (m *Module) LoadSnapshot(ctx context.Context, config Initialisation) (*Snapshot, error) {
	if reason := m.compiled.unfit(); reason != "" {
		return &Snapshot{reason: reason}, nil
	}
	if !m.engine.config.Isolated {
		return m.initialiseHere(ctx, config)
	}
	kept, err := m.engine.checked().snapshot(m.key, config)
	if err != nil {
		return nil, err
	}
	return kept.load(m, config.Instance)
}

// initialise runs the initialiser in this process, and hands over what it has come
// to.
func (m *Module) initialise(ctx context.Context, config Initialisation, take func(snapshotHeader, []byte) error) (err error) {
	config.Instance.Snapshot = nil
	i, err := m.NewInstance(ctx, config.Instance)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	said := &child.Head{}
	if err := i.process.Begin(i.env, preview1.Stdio{Out: said, Err: said}); err != nil {
		return err
	}
	began := time.Now()
	i.guest.begin(i.limits.Fuel)
	exchange := handler.Initialise(said)
	err = i.guest.initialise(handler.With(ctx, exchange), i.process)
	h := snapshotHeader{Took: time.Since(began), Log: strings.ToValidUTF8(said.String(), "\uFFFD"), Features: exchange.Features()}
	if err != nil || ctx.Err() != nil {
		return i.initialiserFailed(ctx, err, h.Log)
	}
	h.Size = uint64(len(i.memory.Content()))
	for _, g := range i.guest.globals {
		h.Globals = append(h.Globals, g.Get())
	}
	h.State, err = i.process.State()
	if err == nil {
		h.Databases, err = i.guest.databases.State()
	}
	switch used := i.tmp.Usage(); {
	case err != nil:
		h.Reason = "its initialiser left something open: " + err.Error()
	case used.Inodes > 0:
		h.Reason = "its initialiser left files in /tmp, which every request finds empty"
	}
	return take(h, i.memory.Content())
}

// initialiserFailed says why, to the module's author.
func (i *Instance) initialiserFailed(ctx context.Context, err error, said string) error {
	name := i.guest.compiled.report.initialiserName()
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	fault := i.diagnose(ctx, err)
	if fault == nil {
		fault = &Fault{Message: "the program exited"}
	}
	words := []string{fmt.Sprintf("the initialiser %s did not end well: %s", name, fault.Message)}
	if fault.Stack != "" {
		words = append(words, fault.Stack)
	}
	if said != "" {
		words = append(words, "it said: "+said)
	}
	return &RefusedError{Faults: []string{strings.Join(words, "\n")}}
}

// initialiseBounds are what a child may use that initialises a guest: one that
// begins with start bytes of memory, of a module and its machine code of as many.
func initialiseBounds(config Initialisation, start uint64, module int, code int64) child.Bounds {
	const own = 256 << 20
	limits := config.Instance.Limits
	return child.Bounds{
		Wall:      config.Timeout + 10*time.Second, // the guest ends before
		Processor: config.Timeout + 10*time.Second,
		// Twice what it begins with, which is in its image as well.
		Resident: own + int64(limits.Memory+start) + 20*int64(module),
		File:     64<<20 + max(int64(limits.Memory), limits.Tmp, code),
		Workers:  1,
	}
}

// initialiseHere initialises the module in this process.
func (m *Module) initialiseHere(ctx context.Context, config Initialisation) (*Snapshot, error) {
	var snapshot *Snapshot
	err := m.initialise(ctx, config, func(h snapshotHeader, content []byte) error {
		snapshot = h.snapshot()
		if h.Reason != "" {
			return nil
		}
		return snapshot.hold(h.Size, memory.Parts(content), config.Instance.Budgets.Memory)
	})
	return snapshot, err
}

// initialiseApart has a child initialise the module and keeps what it hands over.
func (m *Module) initialiseApart(ctx context.Context, config Initialisation) error {
	cache := m.engine.checked()
	kept, err := cache.snapshot(m.key, config)
	if err != nil {
		return err
	}
	turn, err := m.engine.children.Turn(ctx)
	if err != nil {
		return err
	}
	defer turn.End()
	code, err := readModule(m.key, config.Code)
	if err != nil {
		return err
	}
	entry, err := cache.open(m.key)
	if err != nil {
		return err
	}
	defer func() { _ = entry.close() }()
	bundle, err := config.Instance.Bundle.Open(".")
	if err != nil {
		return fmt.Errorf("open bundle: %w", err)
	}
	defer func() { _ = bundle.Close() }()
	artefact, err := cache.create()
	if err != nil {
		return err
	}
	defer func() { _ = artefact.Close() }()
	defer func() { _ = os.Remove(artefact.Name()) }() // if it was not published
	order := initialiseOrder{
		Key: kept.key, Entry: entry.Whole, Args: config.Instance.Args, Env: config.Instance.Env,
		Limits: config.Instance.Limits, Timeout: config.Timeout,
	}
	input, err := order.input(code, entry.native())
	if err != nil {
		return err
	}
	bounds := initialiseBounds(config, m.Report().MemoryMin, len(code), entry.NativeBytes)
	if room := m.engine.config.Room; room != nil && !room(bounds.File) {
		return fmt.Errorf("%w: an initialiser may write %d MiB", ErrNoDisk, bounds.File>>20)
	}
	err = turn.Run(ctx, child.Job{
		Task: taskInitialise, Input: input, Artefact: artefact, Folders: []*os.File{bundle}, Dir: cache.incoming(), Bounds: bounds,
	})
	if ended, ok := errors.AsType[*child.EndedError](err); ok {
		return initialiserVerdict(m.Report().initialiserName(), ended, config.Timeout, bounds)
	}
	if err != nil {
		return fmt.Errorf("initialise in a child process: %w", err)
	}
	return kept.publish(artefact)
}
