package wasi

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/instrument"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
)

// compiled is the code of one module, shared by every [Module] with the same
// bytes. wazero counts references to code itself, but loses count when they are
// closed while others are made, so it sees one reference only.
type compiled struct {
	code     wazero.CompiledModule
	prepared *instrument.Prepared // without its code, data and names
	numbers  numbers
	spends   bool // an instance that has run cannot be put back, beside its memory
	report   *Report
	native   int64 // bytes of machine code; 0 where nobody knows
	refs     int

	from  source
	mu    sync.Mutex
	image *memory.Image // nil until somebody needs it
	named bool          // names has been asked for
	names map[uint32]string
}

// source is where a module's data and names are.
type source interface {
	// image makes what the memory begins with, of size bytes.
	image(size uint64) (*memory.Image, error)
	// names are those of functions that the code does not have itself.
	names() (map[uint32]string, error)
}

// newCompiled makes what instances are made of. The native code becomes its own.
func newCompiled(ctx context.Context, native wazero.CompiledModule, prepared *instrument.Prepared, report *Report, from source) (*compiled, error) {
	c := &compiled{code: native, prepared: prepared, report: report, from: from}
	for _, f := range native.ImportedFunctions() {
		if module, _, _ := f.Import(); module == instrument.HostModule {
			c.numbers.added++
		} else {
			c.numbers.imported++
		}
	}
	c.spends = prepared.ChangesTables || prepared.DropsData ||
		slices.ContainsFunc(prepared.Globals, func(g instrument.Global) bool { return !isNumber(g.Type) })
	if c.unfit() == "" { // then instances begin with a snapshot
		return c, nil
	}
	if _, err := c.data(); err != nil {
		return nil, errors.Join(err, native.Close(ctx))
	}
	return c, nil
}

// isNumber tells whether a host can read a global of the type, and set it again.
func isNumber(t binary.ValType) bool {
	return t == binary.I32 || t == binary.I64 || t == binary.F32 || t == binary.F64
}

// data is what the memory of an instance begins with that has no snapshot.
func (c *compiled) data() (*memory.Image, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.image == nil {
		image, err := c.from.image(c.report.MemoryMin)
		if err != nil {
			return nil, err
		}
		c.image = image
	}
	return c.image, nil
}

// close frees the code and the image.
func (c *compiled) close(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.code.Close(ctx)
	if c.image != nil {
		err = errors.Join(err, c.image.Close())
	}
	return err
}

// unfit says why no snapshot of the module is taken, whatever it does.
func (c *compiled) unfit() string {
	if len(c.report.Initialisers) == 0 {
		return c.report.Snapshot
	}
	for _, g := range c.prepared.Globals {
		if !isNumber(g.Type) {
			return "it has a mutable global of a type that a host cannot set (v128, or a reference)"
		}
	}
	if c.prepared.ChangesTables {
		return "it has instructions that change its tables, which are not part of a snapshot"
	}
	if c.prepared.DropsData {
		return "it has instructions that drop its data segments, which are not part of a snapshot"
	}
	return ""
}

// beside is what an instance takes of the host beside its linear memory, in
// bytes: tables, as wazero has them and as far as the guest can grow them, and
// what of a response, a log and the guest's own stack is held while it runs.
func (c *compiled) beside() uint64 {
	const entry, buffers = 8, 512 << 10
	entries := c.report.TableMin
	if c.prepared.ChangesTables {
		entries = uint64(binary.DefaultLimits().TableEntries)
	}
	return entry*entries + buffers
}

// numbers is how the preparation of a module has moved its functions: those that
// it defines stand behind the imports that were added.
type numbers struct{ imported, added int }

// original is the number that a function has in the module as it was uploaded.
func (n numbers) original(prepared int) int {
	if prepared < n.imported+n.added {
		return prepared
	}
	return prepared - n.added
}

// isAdded tells whether a function that the code defines is one that the preparation has
// added, behind all others.
func (c *compiled) isAdded(f api.FunctionDefinition) bool {
	return int(f.Index()) >= c.numbers.imported+c.numbers.added+c.report.Functions
}

// explain has a stack trace name the functions, and gives those without a name the
// number that they have in the module as it was uploaded.
func (c *compiled) explain(stack string) string {
	return regexp.MustCompile(`\.\$(\d+)\(`).ReplaceAllStringFunc(stack, func(match string) string {
		number, err := strconv.ParseUint(match[len(".$"):len(match)-len("(")], 10, 32)
		if err != nil {
			return match
		}
		if name, ok := c.name(uint32(number)); ok {
			return "." + name + "("
		}
		return fmt.Sprintf(".$%d(", c.numbers.original(int(number)))
	})
}

// name is that of a function in a module whose code has none. Where they cannot be
// read any more there are none.
func (c *compiled) name(function uint32) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.named {
		c.named = true
		c.names, _ = c.from.names()
	}
	name, ok := c.names[function]
	return name, ok
}
