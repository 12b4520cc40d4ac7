package wasi

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"sync"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Module is compiled code. It is safe for concurrent use, and is to be closed
// after all of its instances.
type Module struct {
	engine   *Engine
	key      digest
	compiled *compiled
	once     sync.Once
}

// Report returns what the module says about itself. It is not to be changed.
func (m *Module) Report() *Report { return m.compiled.report }

// Digest is the SHA-256 of the module, as 64 lower-case hexadecimal digits.
func (m *Module) Digest() string { return hex.EncodeToString(m.key[:]) }

// Bytes is the size of its machine code, 0 where nobody knows.
func (m *Module) Bytes() int64 { return m.compiled.native }

// Close gives the code back; the last module with the same bytes frees it. It is
// idempotent.
func (m *Module) Close(ctx context.Context) error {
	var err error
	m.once.Do(func() { err = m.engine.release(ctx, m.key, m.compiled) })
	return err
}

// Limits bound one execution. Sizes are in bytes.
type Limits struct {
	Memory    uint64 // of linear memory
	Tmp       int64  // of files in /tmp
	TmpInodes int    // of files, folders and links in /tmp
	Response  int64  // of a response's body
	// Fuel bounds what the guest computes, in about the number of its instructions;
	// 0 does not. Functions pay up to 16,384 in advance and get the rest back when
	// they return, so that one which recurses deep meets the bound early.
	Fuel uint64
}

// InstanceConfig is what an instance is made of. Instances share Bundle, which
// stays the caller's.
type InstanceConfig struct {
	// Args are the guest's arguments, its own name first.
	Args []string
	// Env are KEY=value lines that the guest finds in every request.
	Env []string
	// Bundle is the guest's read-only root.
	Bundle *os.Root
	// TmpDir is a folder of the host in which instances make their /tmp.
	TmpDir string
	Limits Limits
	// Budgets are shared with other instances.
	Budgets Budgets
	// Snapshot is what instances begin with, and stays the caller's; nil, or one that
	// could not be taken, is the module's data. It must be of this module, with the
	// same Args, Env and Bundle.
	Snapshot *Snapshot
	// Databases are those of Bundle, shared with other instances, and stay the caller's;
	// nil has the instance open its own.
	Databases *Databases
	// Profile is told where the instance spends its time; nil costs nothing.
	Profile *Profile
}

// ErrNoMemory says that an instance would take more of [Budgets].Memory, or
// Mappings, than is left.
var ErrNoMemory = errors.New("the memory budget has no room for another instance")

// NewInstance makes a sandbox, in which nothing has run yet. [ErrNoMemory] says
// that one can be made later.
func (m *Module) NewInstance(ctx context.Context, config InstanceConfig) (*Instance, error) {
	if b := config.Budgets.Mappings; b != nil && !b.Take(mappings) {
		return nil, ErrNoMemory
	}
	i, err := m.newInstance(ctx, config)
	if err != nil && config.Budgets.Mappings != nil {
		config.Budgets.Mappings.Give(mappings)
	}
	return i, err
}

// mappings is how many an instance has: its image, and the rest of its memory.
const mappings = 2

func (m *Module) newInstance(ctx context.Context, config InstanceConfig) (*Instance, error) {
	begin, state, size := config.Snapshot, (*preview1.State)(nil), m.Report().MemoryMin
	if begin.Taken() {
		state, size = &begin.state, begin.image.Size()
	} else {
		begin = nil
	}
	mem, err := memory.Reserve(config.Limits.Memory)
	if err != nil {
		return nil, err
	}
	if budget := config.Budgets.Memory; budget != nil {
		if !mem.Charge(budget, size, m.compiled.beside()) {
			return nil, errors.Join(ErrNoMemory, mem.Close())
		}
	}
	g, err := m.compiled.instantiate(ctx, m.engine, mem, begin, config.Profile)
	if err != nil {
		return nil, errors.Join(err, mem.Close())
	}
	shared := fs.Shared{Bytes: config.Budgets.Tmp, Descriptors: config.Budgets.Descriptors}
	i := &Instance{engine: m.engine, env: config.Env, shared: config.Budgets, limits: config.Limits, memory: mem, guest: g}
	databases := config.Databases
	if databases == nil {
		databases = NewDatabases(config.Bundle, config.Limits.Response, config.Budgets)
		i.own = databases
	}
	g.databases = databases.session(begin, &g.meter)
	i.tmp = fs.NewTmp(config.TmpDir, fs.Quota{Bytes: config.Limits.Tmp, Inodes: config.Limits.TmpInodes}, shared)
	i.process = preview1.New(preview1.Config{Args: config.Args, State: state, Preopens: []preview1.Preopen{
		{Name: "/", Dir: fs.ReadOnly(config.Bundle, shared)},
		{Name: "/tmp", Dir: i.tmp.Dir()},
	}})
	return i, nil
}
