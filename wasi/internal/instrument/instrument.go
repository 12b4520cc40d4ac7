package instrument

import (
	"fmt"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// Version changes whenever the same module gives another result; it is part of every key under which one is kept.
const Version = 3

// Options says how a module is instrumented.
type Options struct {
	// Limits bounds what the module may declare.
	Limits binary.Limits
	// Bound is how much fuel a function may use, in a local of its own, before the meter learns of it. What a run costs in
	// all does not depend on it. It is at least 1.
	Bound int
	// SafeRemainder puts division, multiplication and subtraction in the place of integer remainders, which wazero v1.12.0
	// miscompiles on arm64: it lets the quotient overwrite an operand that it needs again.
	SafeRemainder bool
}

// DefaultOptions returns the options for the processor architecture arch, as GOARCH has it.
func DefaultOptions(arch string) Options {
	const bound = 16384 // measured, see docs/rationale.md
	return Options{Limits: binary.DefaultLimits(), Bound: bound, SafeRemainder: arch == "arm64"}
}

// Prepared is an instrumented module, and what its host has to know of it. It shares memory with the module that it was
// made from, and nobody may write to it.
type Prepared struct {
	// Code is the module to compile. It imports [Yield] and [Exhausted], and exports the meter as [MeterExport].
	Code []byte
	// Data is what to write to the memory before anything else, in this order. The module itself writes nothing.
	Data []Segment
	// Globals are the exports of all mutable globals but the meter, in the order of the module.
	Globals []Global
	// Memory is the name under which the memory is exported; empty if there is none.
	Memory string
	// Start is the name of the exported function, of no parameters and results, that has to be called once the data
	// is written; empty if there is none.
	Start string
	// ChangesTables tells whether there are instructions that change tables, or drop element segments: an instance that
	// has run cannot be put back to an earlier state.
	ChangesTables bool
	// DropsData tells the same of data segments.
	DropsData bool
	// Waits tells whether the module imports [Wait32] or [Wait64].
	Waits bool
	// Names are the names of functions in Code, by their index, for stack traces.
	Names map[uint32]string

	stub []byte // without the digest
}

// Segment is an active data segment.
type Segment struct {
	Bytes  []byte
	Offset uint32
}

// Global is a mutable global. One that holds a reference cannot be kept in a snapshot, and of a v128 the host sees but
// the lower half.
type Global struct {
	// Name is what it is exported as.
	Name string
	Type binary.ValType
}

// Instrument rewrites a module, which must be valid: only then is the result, and only then does it do what the module
// did. Whatever the module holds, Instrument does not panic. It takes time linear in its length, and is safe for
// concurrent use. Errors are a [*binary.Error], where the module is not well-formed, or a [*RefusedError].
func Instrument(module []byte, options Options) (*Prepared, error) {
	m, err := binary.Decode(module, options.Limits)
	if err != nil {
		return nil, err
	}
	if err := checkNames(m.Outline); err != nil {
		return nil, err
	}
	w := &writer{module: m, options: options, plan: makePlan(m), imported: uint32(m.ImportedFunctions())}
	w.out = &Prepared{ChangesTables: w.plan.changesTables, DropsData: w.plan.dropsData}
	if err := w.liftData(); err != nil {
		return nil, err
	}
	w.addImports()
	w.writeCode()
	if len(w.helpers) > maxHelpers {
		return nil, refuse("bulk instructions name more than %d different tables and segments", maxHelpers)
	}
	w.writeTables()
	w.writeGlobals()
	w.writeElements()
	w.writeExports()
	w.writeDeclarations()
	w.writeNames()
	w.out.Code = m.Encode()
	w.out.stub = w.stub()
	return w.out, nil
}

// RefusedError says why a well-formed module cannot be instrumented.
type RefusedError struct {
	// Reason may be shown to the module's author.
	Reason string
}

func (e *RefusedError) Error() string { return e.Reason }

func refuse(format string, args ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, args...)}
}
